package protocol

import (
	"testing"

	"github.com/tidwall/redcon"
)

// appendCommand encodes a command as clients do.
func appendCommand(dst []byte, args ...string) []byte {
	dst = redcon.AppendArray(dst, len(args))
	for _, arg := range args {
		dst = redcon.AppendBulkString(dst, arg)
	}
	return dst
}

// feed gives input to the reader in pieces of at most size bytes (0: as much as fits) and returns
// copies of all commands, and the error that ended them.
func feed(t testing.TB, r *Reader, input []byte, size int) (commands [][]string, err error) {
	t.Helper()
	for len(input) > 0 {
		space := r.Space()
		if len(space) == 0 {
			t.Fatal("no space although every command was taken")
		}
		n := copy(space, input[:pieceOf(len(input), size)])
		r.Filled(n)
		input = input[n:]
		for {
			args, err := r.Next()
			if err != nil {
				return commands, err
			}
			if args == nil {
				break
			}
			commands = append(commands, stringsOf(args))
		}
	}
	return commands, nil
}

func pieceOf(rest, size int) int {
	if size == 0 {
		return rest
	}
	return min(rest, size)
}

func stringsOf(args [][]byte) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = string(arg)
	}
	return out
}
