package keyfile

import (
	"bytes"
	"regexp"
	"strings"
)

// accounts matches the e-mail of a service account. Source: IAM's overview of service accounts; universes other than the
// public one put a segment before iam.gserviceaccount.com.
var accounts = regexp.MustCompile(`(?i)[a-z0-9][-a-z0-9.]{0,100}(?:@|%40)(?:[-a-z0-9.]{1,100}\.iam|developer|appspot)\.gserviceaccount\.com`)

// emailLabel is what stands before an account that belongs to a key, on its line.
var emailLabel = regexp.MustCompile(`(?i)(e-?mail|access[-_.]?id|service[-_.]?client[-_.]?id|client[-_.]?id|issuer|service[-_.]?account|user(name)?)(?:["']|&quot;)?\s*[:=]\s*(?:[\\"']|&quot;)*$`)

const (
	maxBlocks  = 256
	maxMarkers = 512
	nearby     = 4 << 10 // an account stands within this distance of its key
)

// text looks for keys inside a longer text.
func (s *searcher) text(data []byte, at where) {
	words := wordsIn(data)
	if words.sops && bytes.Contains(data, []byte("ENC[AES256_GCM,data:")) {
		s.opaque(WhySOPS)
	}
	if words.marker && bytes.Contains(data, []byte(`\"`)) && s.spend(len(data)) {
		s.search(unescape(data), at.inside("escaped"))
	}
	if bytes.Contains(data, []byte("%22")) && s.spend(len(data)) {
		s.search(unpercent(data), at.inside("percent"))
	}
	if words.marker {
		s.jsonInText(data, at)
	}
	s.pemInText(data, at)
	s.base64InText(data, at)
	if words.marker {
		s.tokensInText(data, at)
	}
}

// words are what a text may have that is worth a closer look.
type words struct {
	marker bool // a field of a credential file, or one that ends like it
	sops   bool
}

// wordsIn finds them in one pass: each has an underscore, which most values have seldom.
func wordsIn(data []byte) (found words) {
	for i := 0; ; i++ {
		next := bytes.IndexByte(data[i:], '_')
		if next < 0 {
			return found
		}
		i += next
		before, after := data[:i], data[i:]
		found.marker = found.marker ||
			bytes.HasSuffix(before, []byte("private")) && bytes.HasPrefix(after, []byte("_key")) ||
			bytes.HasSuffix(before, []byte("refresh")) && bytes.HasPrefix(after, []byte("_token")) ||
			bytes.HasSuffix(before, []byte("external")) && bytes.HasPrefix(after, []byte("_account"))
		found.sops = found.sops || bytes.HasSuffix(before, []byte("ENC[AES256")) && bytes.HasPrefix(after, []byte("_GCM,"))
	}
}

// The fields by which a credential file in a longer text is found.
var markers = [][]byte{[]byte(`private_key"`), []byte(`refresh_token"`), []byte(`external_account"`)}

// jsonInText decodes the JSON objects around the markers. The nearest brace before a marker that opens an object around it
// opens the credential: nothing that matters in one is nested.
func (s *searcher) jsonInText(data []byte, at where) {
	for _, marker := range markers {
		done := 0
		for tries := 0; ; tries++ {
			next := bytes.Index(data[done:], marker)
			if next < 0 {
				break
			}
			if tries == maxMarkers {
				s.limit = true
				return
			}
			next += done
			done = next + len(marker)
			if end := s.objectAround(data, next, at); end > done {
				done = end
			}
		}
	}
}

// maxObject bounds a credential file in a longer text, and how far before a marker it may begin.
const maxObject = 64 << 10

// objectAround decodes the innermost JSON object around an offset, looks at it, and gives its end; 0 where there is none.
func (s *searcher) objectAround(data []byte, offset int, at where) int {
	from := max(0, offset-maxObject)
	brace := offset
	for range 48 {
		brace = bytes.LastIndexByte(data[from:brace], '{')
		if brace < 0 {
			return 0
		}
		brace += from
		window := data[brace:min(len(data), brace+maxObject)]
		if !s.spend(len(window)) {
			return 0
		}
		value, used, ok := decodeJSON(window)
		end := brace + used
		if !ok && bytes.Contains(window, []byte("\n")) && s.spend(len(window)) {
			// YAML folds long lines of quoted text.
			value, _, ok = decodeJSON(fold(window))
			end = offset + 1
		}
		if !ok || end <= offset {
			continue
		}
		if m, isObject := value.(map[string]any); isObject {
			s.object(m, at.inside(fieldBefore(data, brace)).inside("json"))
			return end
		}
	}
	return 0
}

// fold turns a line break with the white space around it into one space, as YAML does in quoted and plain text.
func fold(data []byte) []byte {
	return lineBreak.ReplaceAll(data, []byte(" "))
}

var (
	lineBreak = regexp.MustCompile(`[ \t]*\r?\n[ \t]*`)
	fieldName = regexp.MustCompile(`(?:^|\n)[ \t]*(?:- +)?["']?([-A-Za-z0-9_.]{1,60})["']?[ \t]*[:=][ \t]*[|>]?[-+0-9]*[ \t'"]*(?:\r?\n[ \t]*)?$`)
)

// fieldBefore names what the text at offset is the value of, for people: "field service_account", or "text".
func fieldBefore(data []byte, offset int) string {
	match := fieldName.FindSubmatch(data[max(0, offset-200):offset])
	if match == nil {
		return "text"
	}
	if layer := fieldLayer(string(match[1])); layer != "" {
		return "field " + layer
	}
	return "text"
}

// pemInText finds bare private keys, with the account that is named beside them.
func (s *searcher) pemInText(data []byte, at where) {
	if !bytes.Contains(data, pemBegin) {
		s.collectEmails(data)
		return
	}
	found := blocks(data, maxBlocks)
	if len(found) == maxBlocks {
		s.limit = true
	}
	emails := labelledEmails(data)
	for _, b := range found {
		switch {
		case b.label == "CERTIFICATE":
			s.certificate(b.der)
		case b.label == "ENCRYPTED PRIVATE KEY":
			s.opaque(WhyEncrypted)
		case strings.HasSuffix(b.label, "PRIVATE KEY"):
			s.bareKey(data, b, emails, at)
		case strings.HasPrefix(b.label, "PGP MESSAGE"), strings.HasPrefix(b.label, "AGE ENCRYPTED"):
			s.opaque(WhyEncrypted)
		}
	}
	for _, e := range emails {
		s.emails = append(s.emails, e.email)
	}
}

func (s *searcher) bareKey(data []byte, b block, emails []labelled, at where) {
	public, algorithm, ok := publicPart(b.der)
	if !ok {
		if isEncryptedPEM(data[b.start:b.end]) {
			s.opaque(WhyEncrypted)
		}
		return
	}
	layer := "pem"
	if name := fieldBefore(data, b.start); name != "text" {
		layer = name + " > pem"
	}
	identity := Identity{
		Type: ServiceAccount, ID: public, Algorithm: algorithm, Universe: DefaultUniverse, Where: at.inside(layer).String(),
	}
	distance := nearby
	for _, e := range emails {
		d := max(b.start-e.offset, e.offset-b.end)
		if d < distance {
			distance, identity.Email = d, e.email
		}
	}
	if identity.Email != "" {
		s.keys = append(s.keys, identity)
		return
	}
	s.orphans = append(s.orphans, orphan{identity: identity, name: s.name})
}

// A labelled e-mail says by its label that it belongs to a key.
type labelled struct {
	email  string
	offset int
}

// labelledEmails finds the accounts in a text that are a credential's: an account in an annotation is somebody else's.
func labelledEmails(data []byte) []labelled {
	var found []labelled
	for _, index := range accounts.FindAllIndex(data, maxBlocks) {
		line := data[max(0, index[0]-120):index[0]]
		if newline := bytes.LastIndexByte(line, '\n'); newline >= 0 {
			line = line[newline+1:]
		}
		whole := len(bytes.TrimSpace(data)) == index[1]-index[0]
		if !whole && (!emailLabel.Match(line) || bytes.Contains(line, []byte("iam.gke.io"))) {
			continue
		}
		address := strings.Replace(string(data[index[0]:index[1]]), "%40", "@", 1)
		if address = email(address); address != "" {
			found = append(found, labelled{email: address, offset: index[0]})
		}
	}
	return found
}

func (s *searcher) collectEmails(data []byte) {
	if !bytes.Contains(data, []byte("gserviceaccount.com")) {
		return
	}
	for _, e := range labelledEmails(data) {
		s.emails = append(s.emails, e.email)
	}
}

// botoToken is a person's refresh token in a .boto file. Source: the boto configuration file of gsutil.
var (
	botoToken  = regexp.MustCompile(`(?m)^[ \t]*gs_oauth2_refresh_token[ \t]*=[ \t]*(\S{20,512})[ \t]*\r?$`)
	botoClient = regexp.MustCompile(`(?m)^[ \t]*client_id[ \t]*=[ \t]*(\S{1,128})[ \t]*\r?$`)
)

// tokensInText finds refresh tokens in configuration files. HMAC keys (GOOG1...) and API keys (AIza...) are no keys of an
// account that federation could replace.
func (s *searcher) tokensInText(data []byte, at where) {
	if !bytes.Contains(data, []byte("gs_oauth2_refresh_token")) {
		return
	}
	for _, match := range botoToken.FindAllSubmatch(data, 8) {
		client := ""
		if c := botoClient.FindSubmatch(data); c != nil {
			client = string(c[1])
		}
		s.authorizedUser(client, string(match[1]), "", at.inside("boto"))
	}
}
