package resp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
