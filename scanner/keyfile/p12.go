package keyfile

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"

	"software.sslmate.com/src/go-pkcs12"
)

// p12Password is the password of every P12 file that Google makes.
// Source: ServiceAccountPrivateKeyType in the IAM API.
const p12Password = "notasecret"

// maxIterations bounds the key derivation that a file may ask for; Google's ask for 1, others for some thousands.
const maxIterations = 100_000

const maxPFX = 64 << 10

// The structures of RFC 7292 that have to be read before a library may work on a file.
type (
	pfx struct {
		Version  int
		AuthSafe contentInfo
		MacData  macData `asn1:"optional"`
	}
	contentInfo struct {
		ContentType asn1.ObjectIdentifier
		Content     asn1.RawValue `asn1:"tag:0,explicit,optional"`
	}
	macData struct {
		Mac        digestInfo
		MacSalt    []byte
		Iterations int `asn1:"optional,default:1"`
	}
	digestInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	safeBag struct {
		ID         asn1.ObjectIdentifier
		Value      asn1.RawValue   `asn1:"tag:0,explicit"`
		Attributes []asn1.RawValue `asn1:"set,optional"`
	}
)

var (
	oidData        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidKeyBag      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidPBMAC1      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}
	oidPBKDF2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA256  = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
)

// isPFX says that data begins as a PKCS#12 file: a sequence, version 3, a sequence.
func isPFX(data []byte) bool {
	if len(data) < 12 || data[0] != 0x30 {
		return false
	}
	header := 2
	if data[1] > 0x80 && data[1] <= 0x84 {
		header += int(data[1] & 0x7f)
	}
	return bytes.HasPrefix(data[min(header, len(data)):], []byte{2, 1, 3, 0x30})
}

// pfx looks into a P12 file. It holds no e-mail: an entry beside it may; its certificate has the account's unique id.
func (s *searcher) pfx(data []byte, at where) {
	if len(data) > maxPFX {
		s.limit = true
		return
	}
	safe, ok := rewrap(data)
	if !ok {
		s.limit = true // it asks for too much, or hides what it asks for
		return
	}
	private, issued, _, err := pkcs12.DecodeChain(safe, p12Password)
	if err != nil {
		return // another password: not made by Google
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return
	}
	id, algorithm, ok := describePublic(signer.Public())
	if !ok {
		return
	}
	identity := Identity{Type: ServiceAccount, ID: id, Algorithm: algorithm, Universe: DefaultUniverse, Where: at.in("p12").String()}
	if issuedTo, c, ok := readCertificate(issued); ok && issuedTo == id {
		identity.ClientID, identity.Email = c.clientID, c.email
	}
	s.orphans = append(s.orphans, orphan{identity: identity, name: s.name, google: true})
}

// rewrap makes a file that a library can decode in bounded time. A P12 file says how often to iterate its key derivation,
// in places of which some show only after decryption. So the part that holds the key in the open structure comes first,
// where its iterations can be seen (a second key, further in, is refused unread), and a MAC of our own replaces the file's:
// its password is no secret, and so its MAC no evidence.
func rewrap(data []byte) ([]byte, bool) {
	var file pfx
	if rest, err := asn1.Unmarshal(data, &file); err != nil || len(rest) > 0 || file.Version != 3 || !file.AuthSafe.ContentType.Equal(oidData) {
		return nil, false
	}
	var content []byte
	if _, err := asn1.Unmarshal(file.AuthSafe.Content.Bytes, &content); err != nil {
		return nil, false
	}
	var parts []contentInfo
	if rest, err := asn1.Unmarshal(content, &parts); err != nil || len(rest) > 0 {
		return nil, false
	}
	first := slices.IndexFunc(parts, holdsKey)
	if first < 0 || len(parts) > 2 || !boundedIntegers(content, 0) {
		return nil, false
	}
	parts[0], parts[first] = parts[first], parts[0]
	content, err := asn1.Marshal(parts)
	if err != nil {
		return nil, false
	}
	return seal(content)
}

// holdsKey says that a part is not encrypted as a whole, and has exactly one key.
func holdsKey(part contentInfo) bool {
	var content []byte
	if !part.ContentType.Equal(oidData) {
		return false
	}
	if _, err := asn1.Unmarshal(part.Content.Bytes, &content); err != nil {
		return false
	}
	var bags []safeBag
	if rest, err := asn1.Unmarshal(content, &bags); err != nil || len(rest) > 0 {
		return false
	}
	keys := 0
	for _, bag := range bags {
		if bag.ID.Equal(oidKeyBag) || bag.ID.Equal(oidShroudedBag) {
			keys++
		}
	}
	return keys == 1 && boundedIntegers(content, 0)
}

// boundedIntegers says that no integer in a DER value asks for too much work. Big ones are no counts: they do not fit where
// a count is read.
func boundedIntegers(der []byte, depth int) bool {
	if depth > 20 {
		return false
	}
	for len(der) > 0 {
		var value asn1.RawValue
		rest, err := asn1.Unmarshal(der, &value)
		if err != nil {
			return true // the inside of a primitive value
		}
		if value.Class == asn1.ClassUniversal && value.Tag == asn1.TagInteger && len(value.Bytes) <= 9 &&
			new(big.Int).SetBytes(value.Bytes).Cmp(big.NewInt(maxIterations)) > 0 {
			return false
		}
		if value.IsCompound && !boundedIntegers(value.Bytes, depth+1) {
			return false
		}
		der = rest
	}
	return true
}

// seal puts content into a P12 file with a MAC after RFC 9879.
func seal(content []byte) ([]byte, bool) {
	const size = sha256.Size
	salt := make([]byte, 8)
	key, err := pbkdf2.Key(sha256.New, p12Password, salt, 1, size)
	if err != nil {
		return nil, false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(content)

	hash := pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}
	kdf, err := asn1.Marshal(struct {
		Salt       []byte
		Iterations int
		KeyLength  int
		PRF        pkix.AlgorithmIdentifier
	}{salt, 1, size, hash})
	if err != nil {
		return nil, false
	}
	parameters, err := asn1.Marshal(struct{ KDF, MAC pkix.AlgorithmIdentifier }{
		pkix.AlgorithmIdentifier{Algorithm: oidPBKDF2, Parameters: asn1.RawValue{FullBytes: kdf}}, hash,
	})
	if err != nil {
		return nil, false
	}
	octets, err := asn1.Marshal(content)
	if err != nil {
		return nil, false
	}
	explicit, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: octets})
	if err != nil {
		return nil, false
	}
	sealed, err := asn1.Marshal(struct {
		Version  int
		AuthSafe struct {
			ContentType asn1.ObjectIdentifier
			Content     asn1.RawValue
		}
		MacData macData
	}{
		Version: 3,
		AuthSafe: struct {
			ContentType asn1.ObjectIdentifier
			Content     asn1.RawValue
		}{oidData, asn1.RawValue{FullBytes: explicit}},
		MacData: macData{
			Mac:     digestInfo{Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidPBMAC1, Parameters: asn1.RawValue{FullBytes: parameters}}, Digest: mac.Sum(nil)},
			MacSalt: salt, Iterations: 1,
		},
	})
	return sealed, err == nil
}
