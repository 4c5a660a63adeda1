// Package keyfile recognises Google credential files with a long-lived secret, wherever they hide in a value, and says
// whose they are.
//
// It never holds the key: the private part has no field to land in. What it gives is the public key's digest, and what the
// file says of its account. It returns no errors and logs nothing, because any text that it could quote may be the key.
//
// Find looks at one value: an entry of a Secret, a ConfigMap's text, an argument, an annotation, a file. The value may be
// base64, several layers deep; wrapped; gzip; JSON in YAML in JSON. FindAll looks at all the entries of a Secret together,
// because a key may be split over two of them. IsKeyMaterial and KeyLines tell a writer of text which lines to keep to
// itself.
//
// Work is bounded by the size of the value: layers, decompressed bytes and attempts all have limits, and a limit that is
// reached shows in the result as Unknown, never as NotKey.
package keyfile
