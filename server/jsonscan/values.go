package jsonscan

import "strconv"

// String returns the content of a value that must be a string.
func String(name string, raw []byte) (string, error) {
	if raw[0] != '"' {
		return "", Mismatch("%q is not a string", name)
	}
	return string(Unquote(raw)), nil
}

// Word returns the content of a string, or the text of a number, true or false. Clients write such values either way.
func Word(name string, raw []byte) (string, error) {
	switch raw[0] {
	case '{', '[':
		return "", Mismatch("%q is neither a string, a number, true nor false", name)
	case '"':
		return string(Unquote(raw)), nil
	}
	return string(raw), nil
}

// Int reads a whole number from 0 on, of at most bits bits. It may be written as a string.
func Int(name string, raw []byte, bits int) (int64, error) {
	word, err := Word(name, raw)
	if err != nil {
		return 0, err
	}
	return Number(name, []byte(word), bits)
}

// Int32 is Int for 31 bits.
func Int32(name string, raw []byte) (int32, error) {
	n, err := Int(name, raw, 31)
	return int32(n), err //nolint:gosec // at most 31 bits
}

// Number reads a whole number from 0 on, of at most bits bits. It must not be written as a string.
func Number(name string, raw []byte, bits int) (int64, error) {
	n, err := strconv.ParseUint(string(raw), 10, bits)
	if err != nil {
		return 0, Mismatch("%q is not a whole number from 0 on, of at most %d bits", name, bits)
	}
	return int64(n), nil //nolint:gosec // at most 63 bits
}
