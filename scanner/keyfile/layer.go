package keyfile

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"strings"
)

const minRun = 80 // of base64 characters: no key is shorter

// base64Alphabet are the characters of base64, standard and URL-safe. A table, because most bytes of most Secrets pass here.
var base64Alphabet = func() (in [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_" {
		in[c] = true
	}
	return in
}()

func isBase64(c byte) bool { return base64Alphabet[c] }

// wholeBase64 decodes data that is base64 as a whole: standard or URL-safe, padded or not, wrapped or not.
func wholeBase64(data []byte) (decoded []byte, layer string, ok bool) {
	if len(data) < minRun {
		return nil, "", false
	}
	// Most of what is base64 holds no text: its head tells, without a copy of the rest.
	if head := data[:min(len(data), 64)]; allBase64(head) && !plausibleRun(head) {
		return nil, "", false
	}
	size := 0
	for _, c := range data {
		switch {
		case isBase64(c):
			size++
		case c == '=', c == '\n', c == '\r', c == ' ', c == '\t':
		default:
			return nil, "", false
		}
	}
	clean := make([]byte, 0, size)
	for _, c := range data {
		if isBase64(c) {
			clean = append(clean, c)
		}
	}
	decoded, ok = decodeRun(clean)
	return decoded, "base64", ok
}

func allBase64(data []byte) bool {
	for _, c := range data {
		if !isBase64(c) {
			return false
		}
	}
	return true
}

// plausibleRun says that base64 characters without padding begin like something that can hold a key.
func plausibleRun(run []byte) bool {
	run = run[:min(len(run), 64)]
	var head [48]byte
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if n, err := encoding.Decode(head[:], run); err == nil {
			return plausible(head[:n])
		}
	}
	return false
}

// decodeRun decodes base64 characters without padding, when what comes out can hold a key.
func decodeRun(run []byte) ([]byte, bool) {
	if !plausibleRun(run) {
		return nil, false
	}
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(run, "-_") {
		if bytes.ContainsAny(run, "+/") {
			return nil, false
		}
		encoding = base64.RawURLEncoding
	}
	decoded := make([]byte, encoding.DecodedLen(len(run)))
	n, err := encoding.Decode(decoded, run)
	if err != nil {
		return nil, false
	}
	return decoded[:n], true
}

// plausible says that data that begins so can hold a key: text, in whatever encoding, gzip, PKCS#12. What has control
// characters is no text; of random bytes, one head in three hundred has none.
func plausible(head []byte) bool {
	if isGzip(head) || isPFX(head) || len(head) > 1 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff) {
		return true
	}
	for _, c := range head {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// base64InText looks at runs of base64 in a longer text; a run may go on over lines that hold nothing else.
func (s *searcher) base64InText(data []byte, at where) {
	for i := nextRun(data, 0); i < len(data); i = nextRun(data, i) {
		run, end := longRun(data, i)
		if run != nil && s.spend(len(run)) {
			if decoded, ok := decodeRun(run); ok {
				s.search(decoded, at.inside(fieldBefore(data, i)).in("base64"))
			}
		}
		i = end
	}
}

// minLine is how many characters of base64 stand together at least where a run begins: all of a run without line breaks,
// or a line of one with.
const minLine = 40

// nextRun is where the next minLine characters of base64 in a row begin, from i on where i is not inside such a row; or
// len(data). Of any such row every minLine-th byte is one, so that most bytes need no look.
func nextRun(data []byte, i int) int {
	for probe := i + minLine - 1; probe < len(data); probe += minLine {
		if !isBase64(data[probe]) {
			i = probe + 1
			continue
		}
		start := probe
		for start > i && isBase64(data[start-1]) {
			start--
		}
		end := probe + 1
		for end < len(data) && end-start < minLine && isBase64(data[end]) {
			end++
		}
		if end-start >= minLine {
			return start
		}
		i, probe = end, end-1
	}
	return len(data)
}

// keyRun is how long a private key of the shortest kind that Google has made (RSA, 1,024 bits) is at least in base64.
const keyRun = 800

// HasLongRun says whether a text has a run of base64, over line breaks too, that is long enough for a key. It is a cheap look:
// what the run holds may be anything.
func HasLongRun(text []byte) bool {
	for i := nextRun(text, 0); i < len(text); i = nextRun(text, i) {
		run, end := longRun(text, i)
		if len(run) >= keyRun {
			return true
		}
		i = end
	}
	return false
}

// longRun is the run of base64 characters at i with its continuation lines, nil where it is too short, and its end.
func longRun(data []byte, i int) (run []byte, end int) {
	end = i
	for end < len(data) && isBase64(data[end]) {
		end++
	}
	first := end
	run = data[i:end:end]
	for wide := end-i >= minLine; wide; {
		next := continuation(data, end)
		if next < 0 {
			break
		}
		stop := next
		for stop < len(data) && isBase64(data[stop]) {
			stop++
		}
		if after := bytes.TrimLeft(data[stop:min(len(data), stop+8)], `='" `+"\t\r"); stop == next || len(after) > 0 && after[0] != '\n' {
			break
		}
		wide = stop-next >= minLine
		run, end = append(run, data[next:stop]...), stop
	}
	if len(run) < minRun {
		return nil, first
	}
	return run, end
}

// continuation is where the next line's content begins, when nothing but a line break lies between; or -1.
func continuation(data []byte, end int) int {
	i := end
	for i < len(data) && (data[i] == '\r' || data[i] == ' ' || data[i] == '\\') {
		i++
	}
	if i == len(data) || data[i] != '\n' {
		return -1
	}
	for i++; i < len(data) && (data[i] == ' ' || data[i] == '\t'); {
		i++
	}
	return i
}

func isGzip(data []byte) bool {
	return len(data) > 2 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8
}

// gunzip looks into compressed data, up to a limit.
func (s *searcher) gunzip(data []byte, at where) {
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return
	}
	plain, err := io.ReadAll(io.LimitReader(reader, maxGunzip+1))
	if len(plain) > maxGunzip {
		s.limit = true
		plain = plain[:maxGunzip]
	}
	if err != nil && len(plain) == 0 {
		return
	}
	s.search(plain, at.in("gzip"))
}

// unescape removes one level of backslashes: of JSON in a JSON string, or of YAML in double quotes with its folded lines.
func unescape(data []byte) []byte {
	plain := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' || i+1 == len(data) {
			plain = append(plain, data[i])
			continue
		}
		i++
		switch data[i] {
		case 'n':
			plain = append(plain, '\n')
		case 'r':
			plain = append(plain, '\r')
		case 't':
			plain = append(plain, '\t')
		case '\n', '\r':
			for i+1 < len(data) && strings.IndexByte(" \t\r\n", data[i+1]) >= 0 {
				i++
			}
		case '"', '\\', '/', ' ', '\'':
			plain = append(plain, data[i])
		default:
			plain = append(plain, '\\', data[i])
		}
	}
	return plain
}

// unpercent removes one level of percent-encoding; what is none stays. A plus sign is a space in a query, and itself
// elsewhere, where keys have some.
func unpercent(data []byte) []byte {
	if bytes.Contains(data, []byte("%3A+%22")) || bytes.Contains(data, []byte("++%22")) || bytes.Contains(data, []byte("%2C+%22")) {
		data = bytes.ReplaceAll(data, []byte("+"), []byte(" "))
	}
	plain := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if data[i] == '%' && i+2 < len(data) {
			high, low := unhex(data[i+1]), unhex(data[i+2])
			if high >= 0 && low >= 0 {
				plain = append(plain, byte(high<<4|low))
				i += 2
				continue
			}
		}
		plain = append(plain, data[i])
	}
	return plain
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
