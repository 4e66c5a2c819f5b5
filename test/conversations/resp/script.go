package resp

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// step is one line of a transcript (with its indented continuations).
type step struct {
	line int
	conn string // the connection's name, "" for the unnamed one
	verb string // >, >>, <, !
	text string
	// tags are the conditions of a `?tag,tag` line; all must hold.
	tags []string
}

// script is a parsed transcript file.
type script struct {
	name       string
	directives map[string][]string // words after each @directive
	steps      []step
}

func (s *script) marked(directive string) bool {
	_, ok := s.directives[directive]
	return ok
}

// directives a file may begin with.
var directives = []string{"redis", "resp2", "resp3", "serve", "redis-args", "config", "no-auto-create"}

// tags a line may depend on.
var tags = []string{"resp2", "resp3", "redis", "sluice", "kfake", "kafka"}

var prompt = regexp.MustCompile(`^([a-z][a-z0-9]*)?(>>|>|<|!)(?: (.*))?$`)

// load reads and checks a transcript file.
func load(path string) (*script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &script{name: path, directives: map[string][]string{}}
	conn := ""
	for i, line := range strings.Split(string(text), "\n") {
		conn, err = s.add(i+1, line, conn)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	return s, nil
}

// add takes one more line; conn is the connection that spoke last, returned for the next line.
func (s *script) add(number int, line, conn string) (string, error) {
	trimmed := strings.TrimSpace(line)
	switch {
	case trimmed == "" || trimmed[0] == '#':
		return conn, nil
	case trimmed[0] == '@':
		return conn, s.direct(trimmed[1:])
	case line[0] == ' ' || line[0] == '\t':
		if len(s.steps) == 0 {
			return conn, fmt.Errorf("an indented line continues the reply above it; there is none")
		}
		s.steps[len(s.steps)-1].text += " " + trimmed
		return conn, nil
	}
	st := step{line: number, conn: conn, verb: "<", text: line}
	if rest, ok := strings.CutPrefix(line, "?"); ok {
		condition, rest, _ := strings.Cut(rest, " ")
		st.tags, st.text = strings.Split(condition, ","), rest
	}
	for _, tag := range st.tags {
		if !slices.Contains(tags, tag) {
			return conn, fmt.Errorf("unknown tag %q", tag)
		}
	}
	if m := prompt.FindStringSubmatch(st.text); m != nil {
		st.conn, st.verb, st.text = m[1], m[2], m[3]
	}
	s.steps = append(s.steps, st)
	if st.verb == ">" || st.verb == ">>" {
		conn = st.conn
	}
	return conn, nil
}

func (s *script) direct(line string) error {
	words := strings.Fields(line)
	if len(words) == 0 || !slices.Contains(directives, words[0]) {
		return fmt.Errorf("unknown directive @%s", line)
	}
	if words[0] == "config" {
		s.directives["config"] = append(s.directives["config"], strings.TrimPrefix(line, "config "))
		return nil
	}
	s.directives[words[0]] = words[1:]
	return nil
}
