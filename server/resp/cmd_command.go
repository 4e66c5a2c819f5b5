package resp

import (
	"bytes"
	"maps"
	"slices"

	"github.com/sluice-proxy/sluice/protocol"
)

// commandCommands are the subcommands of COMMAND, which describe the table.
var commandCommands = []command{
	{"command|count", 2, "ERR", 0, commandCount},
	{"command|docs", -2, "ERR", 0, commandDocsReply},
	{"command|getkeys", -3, "ERR", 0, commandGetKeys},
	{"command|help", 2, "ERR", 0, help},
	{"command|info", -2, "ERR", 0, commandInfo},
	{"command|list", -2, "ERR", 0, commandList},
}

// commandAlone answers COMMAND, alone the same as COMMAND INFO.
func commandAlone(s *session, args [][]byte) error {
	if len(args) > 1 {
		return runSubcommand(s, args)
	}
	return commandInfo(s, args)
}

func commandCount(s *session, _ [][]byte) error {
	s.out.Int(int64(len(commands)))
	return nil
}

// Redis' own words (db.c, getKeysSubcommand).
const (
	errNoCommand = exactError("ERR Invalid command specified")
	errNoKeys    = exactError("ERR The command has no key arguments")
	errKeysArity = exactError("ERR Invalid number of arguments specified for command")
)

// commandGetKeys answers COMMAND GETKEYS <command> [arg ...]: which of the arguments are keys.
func commandGetKeys(s *session, args [][]byte) error {
	call := args[2:]
	c := find(call[0])
	if c == nil {
		return errNoCommand
	}
	first, last, step := commandDocs[c.name].keys[0], commandDocs[c.name].keys[1], commandDocs[c.name].keys[2]
	switch {
	case first == 0:
		return errNoKeys
	case !c.takes(len(call)):
		return errKeysArity
	}
	if last < 0 {
		last += len(call)
	}
	var keys []string
	for i := first; i <= last; i += step {
		keys = append(keys, string(call[i]))
	}
	s.replyStrings(keys)
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

// commandInfo answers COMMAND INFO [name ...]: how to call each command, null for one that does
// not exist.
func commandInfo(s *session, args [][]byte) error {
	if len(args) < 3 {
		s.out.Array(len(commands))
		for _, name := range commandNames() {
			s.replyCommandInfo(commands[name])
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
		s.replyCommandInfo(c)
	}
	return nil
}

// replyCommandInfo writes the ten elements of Redis 7 (server.c, addReplyCommandInfo).
func (s *session) replyCommandInfo(c *command) {
	doc := commandDocs[c.name]
	s.out.Array(10)
	s.out.BulkString(c.name)
	s.out.Int(int64(c.arity))
	replySet(&s.out.Encoder, c.flagNames())
	for _, position := range doc.keys {
		s.out.Int(int64(position))
	}
	replySet(&s.out.Encoder, doc.categories(c))
	s.out.Set(0) // tips
	s.out.Set(0) // key specifications
	subs := subcommands[c.name]
	s.out.Set(len(subs))
	for _, name := range slices.Sorted(maps.Keys(subs)) {
		s.replyCommandInfo(subs[name])
	}
}

func replySet(out *protocol.Encoder, list []string) {
	out.Set(len(list))
	for _, word := range list {
		out.Simple(word)
	}
}

// flagNames are the flags by their names in Redis.
func (c *command) flagNames() []string {
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

// commandDocsReply answers COMMAND DOCS [name ...]; what does not exist is left out.
func commandDocsReply(s *session, args [][]byte) error {
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
		s.replyCommandDocs(c)
	}
	return nil
}

func (s *session) replyCommandDocs(c *command) {
	doc, subs := commandDocs[c.name], subcommands[c.name]
	s.out.BulkString(c.name)
	s.out.Map(3 + int(boolInt(doc.syntax != "")+boolInt(len(subs) > 0)))
	for _, fact := range [][2]string{{"summary", doc.summary}, {"since", doc.since}, {"group", doc.group}} {
		s.out.BulkString(fact[0])
		s.out.BulkString(fact[1])
	}
	s.replySyntax(doc)
	if len(subs) == 0 {
		return
	}
	s.out.BulkString("subcommands")
	s.out.Map(len(subs))
	for _, name := range slices.Sorted(maps.Keys(subs)) {
		s.replyCommandDocs(subs[name])
	}
}

// replySyntax writes all that follows the name as one argument: redis-cli shows it as a hint.
func (s *session) replySyntax(doc commandDoc) {
	if doc.syntax == "" {
		return
	}
	s.out.BulkString("arguments")
	s.out.Array(1)
	s.out.Map(2)
	for _, fact := range [][2]string{{"name", doc.syntax}, {"type", "string"}} {
		s.out.BulkString(fact[0])
		s.out.BulkString(fact[1])
	}
}

// commandList answers COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN what].
func commandList(s *session, args [][]byte) error {
	matches, err := parseFilter(args[2:])
	if err != nil {
		return err
	}
	var names []string
	for _, name := range commandNames() {
		if matches(commands[name]) {
			names = append(names, name)
		}
	}
	s.replyStrings(names)
	return nil
}

func parseFilter(args [][]byte) (func(*command) bool, error) {
	switch {
	case len(args) == 0:
		return func(*command) bool { return true }, nil
	case len(args) != 3 || !protocol.Is(args[0], "filterby"):
		return nil, errSyntax
	case protocol.Is(args[1], "module"):
		return func(*command) bool { return false }, nil
	case protocol.Is(args[1], "aclcat"):
		return func(c *command) bool { return slices.Contains(commandDocs[c.name].categories(c), "@"+string(args[2])) }, nil
	case protocol.Is(args[1], "pattern"):
		return func(c *command) bool { return protocol.Match(args[2], []byte(c.name)) }, nil
	}
	return nil, errSyntax
}
