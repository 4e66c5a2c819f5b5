package resp

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/protocol"
)

// How a command is added:
//
//  1. A row in the table on top of the file cmd_*.go of its family; a new family is also named in families below.
//  2. Its handler in the same file: it writes one reply to s.out, or returns an error and writes nothing.
//  3. Its row in command_docs.go.
//  4. A conversation in test/conversations/resp, and a row in docs/protocol.md.
//
// What is true of a command is a column of its row, and not a line in its handler.

// command is a row of the table.
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
	pipelines                    // may run while replies to earlier delivered produces are outstanding
	hot                          // too frequent to be noted for CLIENT LIST
	blocking                     // may wait
	write                        // for COMMAND INFO
	greeting                     // what clients send before they ask for anything
)

// families are the tables of all commands.
var families = [][]command{produceCommands, blpopCommands, connectionCommands, helloCommands, serverCommands, infoCommands, keysCommands, multiCommands}

// subfamilies are the tables of subcommands: CLIENT LIST is one, and its row has the name that Redis shows, client|list.
var subfamilies = [][]command{clientCommands, clientListCommands, configCommands, commandCommands, toolCommands}

// commands are the rows of all families by name.
var commands = map[string]*command{}

// subcommands are the rows of all subfamilies, by command, then by the argument that chooses one.
var subcommands = map[string]map[string]*command{}

func init() {
	for _, family := range families {
		for i := range family {
			commands[family[i].name] = &family[i]
		}
	}
	for _, family := range subfamilies {
		for i := range family {
			container, name, _ := strings.Cut(family[i].name, "|")
			if subcommands[container] == nil {
				subcommands[container] = map[string]*command{}
			}
			subcommands[container][name] = &family[i]
		}
	}
}

// find finds a command, nil when there is none.
func find(name []byte) *command {
	var buf [32]byte
	return commands[string(lower(name, &buf))]
}

// takes tells whether the command takes so many arguments, its name included.
func (c *command) takes(n int) bool { return n == c.arity || c.arity < 0 && n >= -c.arity }

// runSubcommand is the handler of commands that have subcommands.
func runSubcommand(s *session, args [][]byte) error {
	sub, err := findSubcommand(args)
	if err != nil {
		return err
	}
	s.run.last = sub
	return sub.run(s, args)
}

// findSubcommand finds the subcommand that the arguments call, nil for a command that has none.
func findSubcommand(args [][]byte) (*command, error) {
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

// help answers <command> HELP from the documentation of its subcommands, laid out as Redis does.
func help(s *session, args [][]byte) error {
	container := find(args[0]).name
	subs := subcommands[container]
	s.out.Array(1 + 2*len(subs))
	s.out.Simple(strings.ToUpper(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, name := range slices.Sorted(maps.Keys(subs)) {
		doc := commandDocs[subs[name].name]
		s.out.Simple(strings.TrimSpace(strings.ToUpper(name) + " " + doc.syntax))
		s.out.Simple("    " + doc.summary + ".")
	}
	return nil
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

// unknownCommand is an error that clients fall back on. Its text has name and arguments, cut at 128 bytes (server.c,
// commandCheckExistence). For a command of Redis that never comes it says what there is instead.
func unknownCommand(args [][]byte) error {
	const most = 128
	var buf [32]byte
	if instead := refused[string(lower(args[0], &buf))]; instead != "" {
		return exactError(fmt.Sprintf("ERR unknown command '%s': %s", args[0], instead))
	}
	var b strings.Builder
	for _, arg := range args[1:] {
		if b.Len() >= most {
			break
		}
		fmt.Fprintf(&b, "'%s' ", cut(arg, most-b.Len()))
	}
	return exactError(fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s", cut(args[0], most), b.String()))
}

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
