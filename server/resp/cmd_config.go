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
	{"config|resetstat", 2, "ERR", 0, configResetStat},
	{"config|rewrite", 2, "ERR", 0, refuseConfig},
	{"config|set", -4, "ERR", 0, refuseConfig},
}

// parameter is one of Redis' configuration that clients and tools look at, with its value here. A password is not among
// them.
type parameter struct {
	name  string
	value func(*Server) string
}

func fixed(value string) func(*Server) string { return func(*Server) string { return value } }

// parameters are in alphabetical order.
var parameters = []parameter{
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
	var found []parameter
	for _, p := range parameters {
		if matchesAny(args[2:], p.name) {
			found = append(found, p)
		}
	}
	s.out.Map(len(found))
	for _, p := range found {
		s.out.BulkString(p.name)
		s.out.BulkString(p.value(s.server))
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

// refuseConfig answers what would change the configuration.
func refuseConfig(*session, [][]byte) error {
	return errors.New("sluice is configured by its file and its flags, not over the wire")
}

func configResetStat(s *session, _ [][]byte) error {
	s.server.resetStats()
	s.out.OK()
	return nil
}
