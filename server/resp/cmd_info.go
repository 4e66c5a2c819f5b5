package resp

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

// infoCommands show what the server counts.
var infoCommands = []command{
	{"info", -1, "ERR", 0, info},
	{"hgetall", 2, "ERR", 0, hgetall},
	{"del", -2, "ERR", write, del},
	{"unlink", -2, "ERR", write, del},
}

// infoSections are the sections of INFO, in their order. Redis' own come first, with the fields that clients look at:
// redis_version, loading (ioredis waits until it is 0), role, cluster_enabled.
var infoSections = []struct {
	name  string
	write func(*infoText, *session)
}{
	{"Server", infoServer},
	{"Clients", infoClients},
	{"Memory", infoMemory},
	{"Persistence", infoPersistence},
	{"Stats", infoStats},
	{"Replication", infoReplication},
	{"CPU", infoCPU},
	{"Cluster", infoCluster},
	{"Keyspace", func(*infoText, *session) {}},
	{"Sluice", infoSluice},
}

// infoText is the reply to INFO.
type infoText struct{ strings.Builder }

func (t *infoText) field(name string, value any) { fmt.Fprintf(t, "%s:%v\r\n", name, value) }

// info answers INFO [section ...]. A section that does not exist is empty.
func info(s *session, args [][]byte) error {
	var t infoText
	for _, section := range infoSections {
		if len(args) > 1 && !wantsSection(args[1:], section.name) {
			continue
		}
		if t.Len() > 0 {
			t.WriteString("\r\n")
		}
		t.WriteString("# " + section.name + "\r\n")
		section.write(&t, s)
	}
	s.out.Verbatim(t.String())
	return nil
}

func wantsSection(args [][]byte, name string) bool {
	return slices.ContainsFunc(args, func(arg []byte) bool {
		return protocol.Is(arg, name) || protocol.Is(arg, "all") || protocol.Is(arg, "default") || protocol.Is(arg, "everything")
	})
}

func infoServer(t *infoText, s *session) {
	up := int(time.Since(s.server.started).Seconds())
	t.field("redis_version", redisVersion)
	t.field("redis_mode", "standalone")
	t.field("os", runtime.GOOS)
	t.field("arch_bits", strconv.IntSize)
	t.field("process_id", os.Getpid())
	t.field("tcp_port", port(s.local()))
	t.field("server_time_usec", time.Now().UnixMicro())
	t.field("uptime_in_seconds", up)
	t.field("uptime_in_days", up/86400)
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func infoClients(t *infoText, s *session) {
	all, blocked := s.server.sessions.all(), 0
	for _, other := range all {
		if other.blocked() {
			blocked++
		}
	}
	t.field("connected_clients", len(all))
	t.field("maxclients", s.opts.MaxClients)
	t.field("blocked_clients", blocked)
}

func infoMemory(t *infoText, _ *session) {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	used := sample[0].Value.Uint64() // by Go, without librdkafka
	t.field("used_memory", used)
	t.field("used_memory_human", fmt.Sprintf("%.2fM", float64(used)/(1<<20)))
	t.field("maxmemory", 0)
	t.field("maxmemory_policy", "noeviction")
}

func infoPersistence(t *infoText, _ *session) { t.field("loading", 0) }

func infoStats(t *infoText, s *session) {
	s.flushStarted() // this command included
	t.field("total_connections_received", s.server.sessions.accepted.Load())
	t.field("total_commands_processed", s.server.counters.started.Load())
	t.field("rejected_connections", s.server.counters.refused.Load())
}

func infoReplication(t *infoText, _ *session) {
	t.field("role", "master")
	t.field("connected_slaves", 0)
}

func infoCPU(t *infoText, _ *session) {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return
	}
	t.field("used_cpu_sys", fmt.Sprintf("%d.%06d", usage.Stime.Sec, usage.Stime.Usec))
	t.field("used_cpu_user", fmt.Sprintf("%d.%06d", usage.Utime.Sec, usage.Utime.Usec))
}

func infoCluster(t *infoText, _ *session) { t.field("cluster_enabled", 0) }

// infoSluice has the fields of HGETALL stats, with the versions of sluice.
func infoSluice(t *infoText, s *session) {
	t.field("sluice_version", s.opts.Version)
	t.field("librdkafka_version", kafka.Version())
	t.field("draining", boolInt(s.server.drain.begun.Load()))
	now, baseline := s.server.kafka.Stats(), s.server.baseline.Load()
	for i := range stats {
		t.field(strings.ReplaceAll(stats[i].name, ".", "_"), stats[i].since(&now, baseline))
	}
}

// statsKey is the hash that holds the server's counters.
const statsKey = "stats"

// stat is a field of HGETALL stats. A gauge says how things are; the others count since DEL stats.
type stat struct {
	name  string
	gauge bool
	read  func(*kafka.Stats) int64
}

// stats are the fields of HGETALL stats; the first three are Rafka's.
var stats = []stat{
	{"producer.unflushed.messages", true, func(s *kafka.Stats) int64 { return s.Pending }},
	{"producer.delivery.errors", false, func(s *kafka.Stats) int64 {
		return s.Ended[kafka.Rejected] + s.Ended[kafka.Retry] + s.Ended[kafka.Unknown]
	}},
	{"producer.unknown.events", false, func(s *kafka.Stats) int64 { return s.UnknownEvents }},
	{"producer.accepted", false, func(s *kafka.Stats) int64 { return s.Accepted }},
	{"producer.ok", false, func(s *kafka.Stats) int64 { return s.Ended[kafka.OK] }},
	{"producer.rejected", false, func(s *kafka.Stats) int64 { return s.Ended[kafka.Rejected] }},
	{"producer.retry", false, func(s *kafka.Stats) int64 { return s.Ended[kafka.Retry] }},
	{"producer.unknown", false, func(s *kafka.Stats) int64 { return s.Ended[kafka.Unknown] }},
	{"producer.replaced", false, func(s *kafka.Stats) int64 { return s.Replaced }},
	{"consumer.fetched", false, func(s *kafka.Stats) int64 { return s.Fetched }},
	{"consumer.lent", false, func(s *kafka.Stats) int64 { return s.Lent }},
	{"consumer.redelivered", false, func(s *kafka.Stats) int64 { return s.Redelivered }},
	{"consumer.acked", false, func(s *kafka.Stats) int64 { return s.Acked }},
	{"consumer.released", false, func(s *kafka.Stats) int64 { return s.Released }},
	{"consumer.stale", false, func(s *kafka.Stats) int64 { return s.Stale }},
	{"consumer.rebalances", false, func(s *kafka.Stats) int64 { return s.Rebalances }},
	{"consumer.commit.errors", false, func(s *kafka.Stats) int64 { return s.CommitErrors }},
	{"consumer.subscriptions", true, func(s *kafka.Stats) int64 { return int64(s.Subscriptions) }},
	{"consumer.members", true, func(s *kafka.Stats) int64 { return int64(s.Members) }},
}

// since is the value of a field, without what a counter had at the baseline.
func (t *stat) since(now, baseline *kafka.Stats) int64 {
	if t.gauge {
		return t.read(now)
	}
	return t.read(now) - t.read(baseline)
}

// hgetall answers HGETALL: stats is the only hash. Its values are strings, for typed clients.
func hgetall(s *session, args [][]byte) error {
	if string(args[1]) != statsKey {
		s.out.Map(0)
		return nil
	}
	now, baseline := s.server.kafka.Stats(), s.server.baseline.Load()
	s.out.Map(len(stats))
	for i := range stats {
		s.out.BulkString(stats[i].name)
		s.out.BulkString(strconv.FormatInt(stats[i].since(&now, baseline), 10))
	}
	return nil
}

// del answers DEL: stats is the only key that can be deleted. Its counters start again from zero.
func del(s *session, args [][]byte) error {
	n := int64(0)
	for _, key := range args[1:] {
		if string(key) == statsKey {
			s.server.resetStats()
			n = 1
		}
	}
	s.out.Int(n)
	return nil
}

func (s *Server) resetStats() {
	now := s.kafka.Stats()
	s.baseline.Store(&now)
}
