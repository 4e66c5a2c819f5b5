package resp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// command is a row of the table: what is true of a command is a column, not a line in its handler.
type command struct {
	name  string
	arity int    // arguments, the name included; negative: at least so many (as COMMAND INFO counts)
	class string // prefix of its errors: Rafka's CONS and PROD, ERR for all others
	flags flags
	run   func(*session, [][]byte) error
}

type flags uint8

const (
	beforeAuth flags = 1 << iota // allowed before AUTH
	immediate                    // runs at once inside MULTI instead of being queued
	pipelines                    // may run while earlier delivered produces wait for their answers
	hot                          // too frequent to be noted for CLIENT LIST
	blocking                     // may wait
	write                        // for COMMAND INFO
	greets                       // what clients say before they ask for anything
)

func (c *command) takes(n int) bool { return n == c.arity || c.arity < 0 && n >= -c.arity }

// commands is the protocol.
var commands map[string]*command

func init() {
	commands = map[string]*command{}
	for _, family := range [][]command{produceCommands, consumeCommands, connectionCommands, serverCommands, transactionCommands} {
		for i := range family {
			commands[family[i].name] = &family[i]
		}
	}
}

func find(name []byte) *command {
	var buf [32]byte
	return commands[string(lower(name, &buf))]
}

// text is the line that an error becomes on the wire.
func (c *command) text(err error) string {
	var exact exactError
	if errors.As(err, &exact) {
		return string(exact)
	}
	return c.class + " " + err.Error()
}

// exactError is an error whose whole text, prefix included, clients know.
type exactError string

func (e exactError) Error() string { return string(e) }

// Redis' own words (server.c, processCommand).
const (
	errNoAuth = exactError("NOAUTH Authentication required.")
	errSyntax = exactError("ERR syntax error")
)

func wrongArity(name string) error {
	return exactError(fmt.Sprintf("ERR wrong number of arguments for '%s' command", name))
}

// unknownCommand is the text that clients fall back on: name and arguments are cut at 128 bytes
// (server.c, commandCheckExistence).
func unknownCommand(args [][]byte) error {
	const most = 128
	var b strings.Builder
	for _, arg := range args[1:] {
		if b.Len() >= most {
			break
		}
		fmt.Fprintf(&b, "'%s' ", cut(arg, most-b.Len()))
	}
	return exactError(fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s", cut(args[0], most), b.String()))
}

// subcommands are the commands that a second argument chooses, by command, then by that argument.
// Their rows are like those of other commands; the name is the one that Redis shows, client|id.
var subcommands = map[string]map[string]*command{}

func init() {
	for _, family := range [][]command{clientCommands, configCommands, commandCommands} {
		for i := range family {
			container, name, _ := strings.Cut(family[i].name, "|")
			if subcommands[container] == nil {
				subcommands[container] = map[string]*command{}
			}
			subcommands[container][name] = &family[i]
		}
	}
}

// within runs a subcommand.
func within(s *session, args [][]byte) error {
	sub, err := findWithin(args)
	if err != nil {
		return err
	}
	s.note(sub)
	return sub.run(s, args)
}

// findWithin finds the subcommand that the arguments call. It is nil for a command that has none.
func findWithin(args [][]byte) (*command, error) {
	c := find(args[0])
	if c == nil || subcommands[c.name] == nil || len(args) == 1 {
		return nil, nil
	}
	var buf [32]byte
	sub := subcommands[c.name][string(lower(args[1], &buf))]
	switch {
	case sub == nil:
		return nil, exactError(fmt.Sprintf("ERR unknown subcommand '%s'. Try %s HELP.", cut(args[1], 128), strings.ToUpper(c.name)))
	case !sub.takes(len(args)):
		return nil, wrongArity(sub.name)
	}
	return sub, nil
}

// help answers <command> HELP from the manual, laid out as Redis does.
func help(s *session, args [][]byte) error {
	container := find(args[0]).name
	subs := subcommands[container]
	s.out.Array(1 + 2*len(subs))
	s.out.Simple(strings.ToUpper(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, name := range slices.Sorted(maps.Keys(subs)) {
		page := manual[subs[name].name]
		s.out.Simple(strings.TrimSpace(strings.ToUpper(name) + " " + page.syntax))
		s.out.Simple("    " + page.summary + ".")
	}
	return nil
}
