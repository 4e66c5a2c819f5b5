package protocol

// maxPattern bounds a glob in bytes: names are at most 249.
const maxPattern = 1 << 10

// Match reports whether the whole name fits a glob of Redis (util.c, stringmatchlen): * ? [a-z]
// [^x] and \ before a character taken literally. It does not recurse, and takes at most
// len(pattern) steps for each byte of the name; a pattern of more than 1024 bytes fits nothing.
func Match(pattern, name []byte) bool {
	if len(pattern) > maxPattern {
		return false
	}
	g := glob{pattern: pattern, name: name}
	return g.match()
}

// glob is a match under way. Only the last star is ever tried again: whatever an earlier one could
// take up, the last one can as well.
type glob struct {
	pattern, name []byte
	steps         int // for the test of the bound
}

func (g *glob) match() bool {
	p, n := 0, 0
	star, resume := -1, 0 // behind the last star; where in the name it ends for now
	for n < len(g.name) {
		g.steps++
		if p < len(g.pattern) && g.pattern[p] == '*' {
			p++
			star, resume = p, n
			continue
		}
		if width, ok := matchOne(g.pattern[p:], g.name[n]); ok {
			p += width
			n++
			continue
		}
		if star < 0 {
			return false
		}
		resume++
		p, n = star, resume
	}
	for p < len(g.pattern) && g.pattern[p] == '*' {
		p++
	}
	return p == len(g.pattern)
}

// matchOne matches one byte with the first element of the pattern, which is not a star, and returns
// the element's width.
func matchOne(pattern []byte, c byte) (width int, ok bool) {
	switch {
	case len(pattern) == 0:
		return 0, false
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '[':
		return matchClass(pattern, c)
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2, pattern[1] == c
	}
	return 1, pattern[0] == c
}

// matchClass matches [abc], [^abc], [a-z]. As in Redis, a class that is not closed ends with the
// pattern, and [] fits nothing.
func matchClass(pattern []byte, c byte) (width int, ok bool) {
	i := 1
	not := i < len(pattern) && pattern[i] == '^'
	if not {
		i++
	}
	for i < len(pattern) && pattern[i] != ']' {
		rest := pattern[i:]
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			ok = ok || rest[1] == c
			i += 2
		case len(rest) > 2 && rest[1] == '-':
			ok = ok || min(rest[0], rest[2]) <= c && c <= max(rest[0], rest[2])
			i += 3
		default:
			ok = ok || rest[0] == c
			i++
		}
	}
	return min(i+1, len(pattern)), ok != not
}
