package rest

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// script is one conversation.
type script struct {
	topics []topic
	denied []string // names of topics
	config []string
	turns  []turn
}

type topic struct {
	name       string
	partitions int
}

// turn is a request and the answer that it must get.
type turn struct {
	line     int // of the request in its file
	request  message
	expected message
}

// message is a request or an answer, as templates.
type message struct {
	first   string
	fields  []string
	body    string
	inBody  bool
	endless bool // there is more than the body, without an end
	lines   int
}

func load(file string) (*script, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &script{}
	for i, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		if err := s.add(line, i+1); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	return s, nil
}

func (s *script) add(line string, number int) error {
	mark, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || mark == "#":
		return nil
	case mark == "@topic":
		t := topic{}
		if _, err := fmt.Sscan(rest, &t.name, &t.partitions); err != nil {
			return fmt.Errorf("@topic: %w", err)
		}
		s.topics = append(s.topics, t)
		return nil
	case mark == "@deny":
		s.denied = append(s.denied, rest)
		return nil
	case mark == "@config":
		s.config = append(s.config, rest)
		return nil
	case mark == ">":
		if n := len(s.turns); n == 0 || s.turns[n-1].expected.lines > 0 {
			s.turns = append(s.turns, turn{line: number})
		}
		s.turns[len(s.turns)-1].request.add(rest)
		return nil
	case mark == "<" && len(s.turns) > 0:
		s.turns[len(s.turns)-1].expected.add(rest)
		return nil
	}
	return fmt.Errorf("neither a request nor an answer: %q", line)
}

// add takes the next line of a message.
func (m *message) add(line string) {
	m.lines++
	switch {
	case m.lines == 1:
		m.first = line
	case m.inBody && line == "...":
		m.endless = true
	case m.inBody && m.body != "":
		m.body += "\n" + line
	case m.inBody:
		m.body = line
	case line == "":
		m.inBody = true
	default:
		m.fields = append(m.fields, line)
	}
}

// has tells whether there is a field of that name.
func (m *message) has(name string) bool {
	return slices.ContainsFunc(m.fields, func(field string) bool { return strings.HasPrefix(field, name+":") })
}
