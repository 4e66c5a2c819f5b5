package resp

import "github.com/sluice-proxy/sluice/protocol"

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

// parseInt reads an integer, with Redis' error.
func parseInt(b []byte) (int64, error) {
	n, ok := protocol.ParseInt(b)
	if !ok {
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
