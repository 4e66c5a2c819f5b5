package resp

import "strconv"

// lower writes a command's name into buf in lower case. A name that is longer than buf is no command: it becomes nil.
func lower(name []byte, buf *[32]byte) []byte {
	if len(name) > len(buf) {
		return nil
	}
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		buf[i] = b
	}
	return buf[:len(name)]
}

const errNotInteger = exactError("ERR value is not an integer or out of range")

// parseInt reads an integer in its one canonical form, as Redis does (util.c, string2ll): without blanks, plus sign or
// leading zeros.
func parseInt(b []byte) (int64, error) {
	n, err := strconv.ParseInt(string(b[:min(len(b), 21)]), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(b) {
		return 0, errNotInteger
	}
	return n, nil
}

// boolInt is 1 for true, as Redis answers.
func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// cut is at most the first n bytes.
func cut(b []byte, n int) []byte { return b[:min(len(b), n)] }
