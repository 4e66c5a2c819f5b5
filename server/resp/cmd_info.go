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
)

// infoSections are the sections of INFO, in their order. Redis' own come first, with the fields that
// clients look at: redis_version, loading (ioredis waits for 0), role, cluster_enabled.
var infoSections = []struct {
	name  string
	write func(*report, *session)
}{
	{"Server", aboutServer},
	{"Clients", aboutClients},
	{"Memory", aboutMemory},
	{"Persistence", aboutPersistence},
	{"Stats", aboutStats},
	{"Replication", aboutReplication},
	{"CPU", aboutCPU},
	{"Cluster", aboutCluster},
	{"Keyspace", func(*report, *session) {}},
	{"Sluice", aboutSluice},
}

// report is the text of INFO.
type report struct{ strings.Builder }

func (r *report) field(name string, value any) { fmt.Fprintf(r, "%s:%v\r\n", name, value) }

// info answers INFO [section ...]; a section that does not exist is nothing.
func info(s *session, args [][]byte) error {
	var r report
	for _, section := range infoSections {
		if len(args) > 1 && !wantsSection(args[1:], section.name) {
			continue
		}
		if r.Len() > 0 {
			r.WriteString("\r\n")
		}
		r.WriteString("# " + section.name + "\r\n")
		section.write(&r, s)
	}
	s.out.Verbatim(r.String())
	return nil
}

func wantsSection(args [][]byte, name string) bool {
	return slices.ContainsFunc(args, func(arg []byte) bool {
		return is(arg, name) || is(arg, "all") || is(arg, "default") || is(arg, "everything")
	})
}

func aboutServer(r *report, s *session) {
	up := int(time.Since(s.server.started).Seconds())
	r.field("redis_version", redisVersion)
	r.field("redis_mode", "standalone")
	r.field("os", runtime.GOOS)
	r.field("arch_bits", strconv.IntSize)
	r.field("process_id", os.Getpid())
	r.field("tcp_port", port(s.local()))
	r.field("server_time_usec", time.Now().UnixMicro())
	r.field("uptime_in_seconds", up)
	r.field("uptime_in_days", up/86400)
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func aboutClients(r *report, s *session) {
	all, blocked := s.server.all(), 0
	for _, other := range all {
		if other.blocked() {
			blocked++
		}
	}
	r.field("connected_clients", len(all))
	r.field("maxclients", s.opts.MaxClients)
	r.field("blocked_clients", blocked)
}

func aboutMemory(r *report, _ *session) {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	used := sample[0].Value.Uint64() // of Go; librdkafka's is not counted
	r.field("used_memory", used)
	r.field("used_memory_human", fmt.Sprintf("%.2fM", float64(used)/(1<<20)))
	r.field("maxmemory", 0)
	r.field("maxmemory_policy", "noeviction")
}

func aboutPersistence(r *report, _ *session) { r.field("loading", 0) }

func aboutStats(r *report, s *session) {
	r.field("total_connections_received", s.server.accepted.Load())
	r.field("total_commands_processed", s.server.commands.Load())
	r.field("rejected_connections", s.server.refused.Load())
}

func aboutReplication(r *report, _ *session) {
	r.field("role", "master")
	r.field("connected_slaves", 0)
}

func aboutCPU(r *report, _ *session) {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return
	}
	r.field("used_cpu_sys", fmt.Sprintf("%d.%06d", usage.Stime.Sec, usage.Stime.Usec))
	r.field("used_cpu_user", fmt.Sprintf("%d.%06d", usage.Utime.Sec, usage.Utime.Usec))
}

func aboutCluster(r *report, _ *session) { r.field("cluster_enabled", 0) }

// aboutSluice has what HGETALL stats has, and who we are.
func aboutSluice(r *report, s *session) {
	r.field("sluice_version", s.opts.Version)
	r.field("librdkafka_version", kafka.Version())
	r.field("draining", boolInt(s.server.draining.Load()))
	now, baseline := s.server.kafka.Stats(), s.server.baseline.Load()
	for i := range stats {
		r.field(strings.ReplaceAll(stats[i].name, ".", "_"), stats[i].since(&now, baseline))
	}
}
