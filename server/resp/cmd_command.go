package resp

import (
	"bytes"
	"maps"
	"slices"

	"github.com/sluice-proxy/sluice/protocol"
)

// commandCommands are the subcommands of COMMAND, which describe the command table.
var commandCommands = []command{
	{"command|count", 2, "ERR", 0, countCommands},
	{"command|docs", -2, "ERR", 0, documentCommands},
	{"command|help", 2, "ERR", 0, help},
	{"command|info", -2, "ERR", 0, explainCommands},
	{"command|list", -2, "ERR", 0, listCommands},
}

// describeCommands answers COMMAND, alone the same as COMMAND INFO.
func describeCommands(s *session, args [][]byte) error {
	if len(args) > 1 {
		return within(s, args)
	}
	return explainCommands(s, args)
}

func countCommands(s *session, _ [][]byte) error {
	s.out.Int(int64(len(commands)))
	return nil
}

// findAny finds a command or, by its name client|id, a subcommand; nil when there is none.
func findAny(name []byte) *command {
	container, sub, inside := bytes.Cut(name, []byte{'|'})
	c := find(container)
	if c == nil || !inside {
		return c
	}
	var buf [32]byte
	return subcommands[c.name][string(lower(sub, &buf))]
}

func commandNames() []string { return slices.Sorted(maps.Keys(commands)) }

// explainCommands answers COMMAND INFO [name ...]: how to call each command, null for one that does
// not exist.
func explainCommands(s *session, args [][]byte) error {
	if len(args) < 3 {
		s.out.Array(len(commands))
		for _, name := range commandNames() {
			s.explainCommand(commands[name])
		}
		return nil
	}
	s.out.Array(len(args) - 2)
	for _, arg := range args[2:] {
		c := findAny(arg)
		if c == nil {
			s.out.Null() // of one value, in Redis too
			continue
		}
		s.explainCommand(c)
	}
	return nil
}

// explainCommand writes the ten elements of Redis 7 (server.c, addReplyCommandInfo).
func (s *session) explainCommand(c *command) {
	page := manual[c.name]
	s.out.Array(10)
	s.out.BulkString(c.name)
	s.out.Int(int64(c.arity))
	words(&s.out, c.words())
	for _, position := range page.keys {
		s.out.Int(int64(position))
	}
	words(&s.out, page.categories(c))
	s.out.Set(0) // tips
	s.out.Set(0) // key specifications
	subs := subcommands[c.name]
	s.out.Set(len(subs))
	for _, name := range slices.Sorted(maps.Keys(subs)) {
		s.explainCommand(subs[name])
	}
}

func words(out *protocol.Encoder, list []string) {
	out.Set(len(list))
	for _, word := range list {
		out.Simple(word)
	}
}

// words are the flags by their names in Redis.
func (c *command) words() []string {
	var list []string
	for _, flag := range []struct {
		flags flags
		word  string
	}{{write, "write"}, {blocking, "blocking"}, {beforeAuth, "no_auth"}} {
		if c.flags&flag.flags != 0 {
			list = append(list, flag.word)
		}
	}
	return list
}

// documentCommands answers COMMAND DOCS [name ...]; what does not exist is left out.
func documentCommands(s *session, args [][]byte) error {
	var wanted []*command
	for _, arg := range args[2:] {
		if c := findAny(arg); c != nil {
			wanted = append(wanted, c)
		}
	}
	if len(args) == 2 {
		for _, name := range commandNames() {
			wanted = append(wanted, commands[name])
		}
	}
	s.out.Map(len(wanted))
	for _, c := range wanted {
		s.document(c)
	}
	return nil
}

func (s *session) document(c *command) {
	page, subs := manual[c.name], subcommands[c.name]
	s.out.BulkString(c.name)
	s.out.Map(3 + int(boolInt(page.syntax != "")+boolInt(len(subs) > 0)))
	for _, fact := range [][2]string{{"summary", page.summary}, {"since", page.since}, {"group", page.group}} {
		s.out.BulkString(fact[0])
		s.out.BulkString(fact[1])
	}
	s.documentSyntax(page)
	if len(subs) == 0 {
		return
	}
	s.out.BulkString("subcommands")
	s.out.Map(len(subs))
	for _, name := range slices.Sorted(maps.Keys(subs)) {
		s.document(subs[name])
	}
}

// documentSyntax writes all that follows the name as one argument: redis-cli shows it as a hint.
func (s *session) documentSyntax(p page) {
	if p.syntax == "" {
		return
	}
	s.out.BulkString("arguments")
	s.out.Array(1)
	s.out.Map(2)
	for _, fact := range [][2]string{{"name", p.syntax}, {"type", "string"}} {
		s.out.BulkString(fact[0])
		s.out.BulkString(fact[1])
	}
}

// listCommands answers COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN what].
func listCommands(s *session, args [][]byte) error {
	fits, err := parseFilter(args[2:])
	if err != nil {
		return err
	}
	var names []string
	for _, name := range commandNames() {
		if fits(commands[name]) {
			names = append(names, name)
		}
	}
	s.listKeys(names)
	return nil
}

func parseFilter(args [][]byte) (func(*command) bool, error) {
	switch {
	case len(args) == 0:
		return func(*command) bool { return true }, nil
	case len(args) != 3 || !is(args[0], "filterby"):
		return nil, errSyntax
	case is(args[1], "module"):
		return func(*command) bool { return false }, nil
	case is(args[1], "aclcat"):
		return func(c *command) bool { return slices.Contains(manual[c.name].categories(c), "@"+string(args[2])) }, nil
	case is(args[1], "pattern"):
		return func(c *command) bool { return protocol.Match(args[2], []byte(c.name)) }, nil
	}
	return nil, errSyntax
}
