package protocol

import (
	"bytes"
	"math/big"
	"regexp"
	"strings"
)

// reference is the Reader written the slow and obvious way, for inputs that are there as a whole: no
// state, no buffer, strings, big integers. rest is the number of bytes of the unfinished command.
func reference(input string, l Limits) (commands [][]string, rest int, err error) {
	for input != "" {
		command, after, whole, err := referenceOne(input, l)
		if err != nil {
			return commands, 0, err
		}
		if !whole {
			break
		}
		if len(command) > 0 {
			commands = append(commands, command)
		}
		input = after
	}
	return commands, len(input), nil
}

func referenceOne(input string, l Limits) (command []string, after string, whole bool, err error) {
	if input[0] != '*' {
		return referenceInline(input, l)
	}
	count, after, whole, err := referenceNumber(input, errBigCount, errCount)
	switch {
	case err != nil || !whole:
		return nil, "", false, err
	case count.Sign() <= 0:
		return nil, after, true, nil
	case count.Cmp(big.NewInt(int64(l.Args))) <= 0:
	case l.PreAuth && count.Cmp(big.NewInt(1<<31-1)) <= 0:
		return nil, "", false, errPreAuthCount
	default:
		return nil, "", false, errCount
	}
	return referenceArgs(after, int(count.Int64()), l)
}

func referenceArgs(input string, count int, l Limits) (args []string, after string, whole bool, err error) {
	size, dropped := 0, false
	for range count {
		if input == "" {
			return nil, "", false, nil
		}
		if input[0] != '$' {
			return nil, "", false, expected(input[0])
		}
		length, after, whole, err := referenceNumber(input, errBigLength, errLength)
		if err != nil || !whole {
			return nil, "", false, err
		}
		if length.Sign() < 0 || length.Cmp(big.NewInt(512<<20)) > 0 {
			return nil, "", false, errLength
		}
		n := int(length.Int64())
		size += n
		switch {
		case n > l.Bulk && l.PreAuth:
			return nil, "", false, errPreAuthBulk
		case n > max(l.Bulk, 64<<20):
			return nil, "", false, errLength
		case size > l.Command && l.PreAuth, size > max(l.Command, 64<<20):
			return nil, "", false, errBigCommand
		}
		dropped = dropped || n > l.Bulk || size > l.Command
		if len(after) < n+2 {
			return nil, "", false, nil
		}
		if after[n:n+2] != "\r\n" {
			return nil, "", false, errLength
		}
		arg := after[:n]
		if dropped {
			arg = ""
		}
		args, input = append(args, arg), after[n+2:]
	}
	return args, input, true, nil
}

var canonicalInt = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

func referenceNumber(input string, long, invalid SyntaxError) (n *big.Int, after string, whole bool, err error) {
	line, after, found := strings.Cut(input[1:], "\r")
	if len(line) >= 64 {
		return nil, "", false, long
	}
	if !found || after == "" {
		return nil, "", false, nil
	}
	n, ok := new(big.Int).SetString(line, 10)
	if after[0] != '\n' || !ok || !canonicalInt.MatchString(line) || !n.IsInt64() {
		return nil, "", false, invalid
	}
	return n, after[1:], true, nil
}

func referenceInline(input string, l Limits) (args []string, after string, whole bool, err error) {
	line, after, found := strings.Cut(input, "\n")
	if !found && len(line) < l.Inline+2 {
		return nil, "", false, nil
	}
	line = strings.TrimSuffix(line, "\r")
	if !found || len(line) > l.Inline {
		return nil, "", false, errBigInline
	}
	args, ok := referenceSplit(line)
	if len(args) > l.Args {
		return nil, "", false, errBigInline
	}
	if !ok {
		return nil, "", false, errQuotes
	}
	return args, after, true, nil
}

// The grammar of one word of an inline command: plain bytes, then perhaps one quoted part at its end.
var (
	plain  = `[^"' \n\r\t]*`
	word   = regexp.MustCompile(`(?s)^` + plain + `(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\+'|\\+[^'\\])*')?`)
	escape = regexp.MustCompile(`(?s)\\x[0-9a-fA-F]{2}|\\.`)
)

func referenceSplit(line string) (args []string, ok bool) {
	runes := latin1(line) // regexps work on characters: make every byte one
	for {
		runes = strings.TrimLeft(runes, "\t\n\v\f\r ")
		if runes == "" {
			return args, true
		}
		match := word.FindString(runes)
		runes = runes[len(match):]
		if runes != "" && !strings.ContainsRune("\t\n\v\f\r ", rune(runes[0])) {
			return args, false
		}
		args = append(args, unlatin1(referenceUnquote(match)))
	}
}

func referenceUnquote(match string) string {
	i := strings.IndexAny(match, `"'`)
	if i < 0 {
		return match
	}
	quoted := match[i+1 : len(match)-1]
	if match[i] == '\'' {
		return match[:i] + strings.ReplaceAll(quoted, `\'`, `'`)
	}
	return match[:i] + escape.ReplaceAllStringFunc(quoted, func(s string) string {
		if len(s) == 4 {
			n, _ := new(big.Int).SetString(s[2:], 16)
			return string(rune(n.Int64()))
		}
		from, to := `nrtba`, "\n\r\t\b\a"
		if j := strings.Index(from, s[1:]); j >= 0 {
			return to[j : j+1]
		}
		return s[1:]
	})
}

func latin1(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		out.WriteRune(rune(c))
	}
	return out.String()
}

func unlatin1(s string) string {
	var out bytes.Buffer
	for _, c := range s {
		out.WriteByte(byte(c))
	}
	return out.String()
}
