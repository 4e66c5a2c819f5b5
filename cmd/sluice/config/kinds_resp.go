package config

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// respListeners reads the further listeners of the Redis door.
func respListeners(to *map[string]RESPListener) kind {
	k := mapping(to, "listeners by their names")
	k.node = func(f *yamlFile, name string, node ast.Node) {
		all := map[string]RESPListener{}
		f.mapping(name, node, func(listener string, at ast.MapKeyNode, value ast.Node) {
			if err := validListenerName(listener); err != nil {
				f.wrong(at, "%s: %v", name, err)
				return
			}
			all[listener] = readRESPListener(f, join(name, listener), listener, value)
		})
		if len(all) > 0 {
			*to = all
		}
	}
	return k
}

func readRESPListener(f *yamlFile, full, name string, node ast.Node) RESPListener {
	var l RESPListener
	l.Name = name
	keys := map[string]kind{
		"address":     text(&l.Address, "host:port or unix:/path"),
		"reply":       choice(&l.Key.Reply, "rafka", "strings", "pair", "full"),
		"ack":         choice(&l.Key.Ack, "explicit", "auto", "none"),
		"ack_timeout": duration(&l.AckTimeout),
	}
	f.keyed(full, node, keys)
	return l
}

// ReservedListeners are the names of the doors, which socket units have as FileDescriptorName= too.
var ReservedListeners = []string{"resp", "http", "management", "control"}

// listenerName matches what systemd takes for FileDescriptorName= and reads well in a log.
var listenerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func validListenerName(name string) error {
	switch {
	case !listenerName.MatchString(name):
		return fmt.Errorf("%q is no name for a listener: 1 to 32 of a-z, 0-9 and -, beginning with a letter", name)
	case slices.Contains(ReservedListeners, name):
		return fmt.Errorf("%q is the name of a door; choose another for the listener", name)
	}
	return nil
}
