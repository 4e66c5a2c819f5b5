package resp

import (
	"errors"
	"strconv"

	"github.com/sluice-proxy/sluice/protocol"
)

// configCommands are the subcommands of CONFIG.
var configCommands = []command{
	{"config|get", -3, "ERR", 0, configGet},
	{"config|help", 2, "ERR", 0, help},
	{"config|resetstat", 2, "ERR", 0, resetStat},
	{"config|rewrite", 2, "ERR", 0, noConfig},
	{"config|set", -4, "ERR", 0, noConfig},
}

// setting is a parameter of Redis' configuration that clients and tools look at, and what is true of
// us. A password is none of them.
type setting struct {
	name  string
	value func(*Server) string
}

func fixed(value string) func(*Server) string { return func(*Server) string { return value } }

// settings are in alphabetical order.
var settings = []setting{
	{"appendonly", fixed("no")},
	{"cluster-enabled", fixed("no")},
	{"databases", fixed("1")},
	{"maxclients", func(s *Server) string { return strconv.Itoa(s.options().MaxClients) }},
	{"maxmemory", fixed("0")},
	{"maxmemory-policy", fixed("noeviction")},
	{"notify-keyspace-events", fixed("")},
	{"proto-max-bulk-len", func(s *Server) string { return strconv.Itoa(s.options().Limits.Bulk) }},
	{"replica-read-only", fixed("yes")},
	{"save", fixed("")},
	{"slave-read-only", fixed("yes")},
	{"tcp-keepalive", fixed("30")},
	{"timeout", fixed("0")},
}

// configGet answers CONFIG GET <glob> ...
func configGet(s *session, args [][]byte) error {
	var found []setting
	for _, setting := range settings {
		if matchesAny(args[2:], setting.name) {
			found = append(found, setting)
		}
	}
	s.out.Map(len(found))
	for _, setting := range found {
		s.out.BulkString(setting.name)
		s.out.BulkString(setting.value(s.server))
	}
	return nil
}

func matchesAny(patterns [][]byte, name string) bool {
	for _, pattern := range patterns {
		var buf [32]byte
		if protocol.Match(lower(pattern, &buf), []byte(name)) {
			return true
		}
	}
	return false
}

// noConfig refuses what would change the configuration.
func noConfig(*session, [][]byte) error {
	return errors.New("sluice is configured by its file and its flags, not over the wire")
}

func resetStat(s *session, _ [][]byte) error {
	s.server.resetStats()
	s.out.OK()
	return nil
}
