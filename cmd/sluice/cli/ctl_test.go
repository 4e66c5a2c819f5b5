package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/server/management"
)

// controlled serves the control socket of a management server, and returns its path.
func controlled(t *testing.T, sources management.Sources) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := management.New(sources, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- s.ServeControl(l) }()
	t.Cleanup(func() {
		s.Close(context.Background())
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return path
}

// answering returns the path of a control socket with a handler that is not sluice's.
func answering(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: handler}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return path
}

func TestCtlReload(t *testing.T) {
	var (
		done management.Reloaded
		fail error
	)
	socket := controlled(t, management.Sources{Reload: func(context.Context) (management.Reloaded, error) { return done, fail }})
	for _, test := range []struct {
		done     management.Reloaded
		fail     error
		status   int
		out, err string
	}{
		{status: exitOK, out: "nothing has changed\n"},
		{
			done: management.Reloaded{
				Changed:  []string{"log.level", "resp.limits.bulk", "kafka.consumer", "kafka.profiles", "of.tomorrow"},
				Restart:  []string{"resp.address"},
				Warnings: []string{"no door is open"},
			},
			status: exitOK,
			out: `changed at once: log.level
changed for new connections: resp.limits.bulk
changed for new subscriptions: kafka.consumer
changed for new records: kafka.profiles
changed at once: of.tomorrow
needs a restart: resp.address
warning: no door is open
`,
		},
		{
			fail:   errors.New("sluice.yaml:3:16: resp.max_clients: \"many\" is not a whole number\nsluice.yaml:4:1: unknown key \"x\""),
			status: exitConfig,
			err:    "sluice.yaml:3:16: resp.max_clients: \"many\" is not a whole number\nsluice.yaml:4:1: unknown key \"x\"\n",
		},
	} {
		done, fail = test.done, test.fail
		status, out, err := command("ctl", "reload", "--socket", socket)
		if diff := cmp.Diff([]any{test.status, test.out, test.err}, []any{status, out, err}); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestCtlReloadWithoutAFile(t *testing.T) {
	status, _, err := command("ctl", "reload", "--socket", controlled(t, management.Sources{}))
	if status != exitFailed || err != "sluice: no configuration file was given at the start\n" {
		t.Errorf("status %d: %s", status, err)
	}
}

func TestCtlDrain(t *testing.T) {
	drains := 0
	socket := controlled(t, management.Sources{Drain: func() { drains++ }})
	t.Setenv("SLUICE_CONTROL", socket)
	if status, out, err := command("ctl", "drain"); status != exitOK || out != "draining\n" || drains != 1 {
		t.Errorf("status %d, %d drains: %s%s", status, drains, out, err)
	}
}

// The flags of ctl may stand on either side of the subcommand.
func TestCtlTakesItsFlagsOnBothSides(t *testing.T) {
	drains := 0
	socket := controlled(t, management.Sources{Drain: func() { drains++ }})
	for i, args := range [][]string{
		{"ctl", "--socket", socket, "drain"},
		{"ctl", "--socket", socket, "drain", "--timeout", "5s"},
		{"ctl", "--timeout=5s", "drain", "--socket", socket},
	} {
		if status, out, err := command(args...); status != exitOK || out != "draining\n" || drains != i+1 {
			t.Errorf("%v: status %d, %d drains: %s%s", args, status, drains, out, err)
		}
	}
}

func TestCtlSaysWhyThereIsNoAnswer(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	silent := answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for _, test := range []struct{ args, want string }{
		{"ctl status --socket " + gone, "sluice: no sluice answers: dial unix " + gone + ": connect: no such file or directory\n"},
		{"ctl drain --socket " + silent + " --timeout 50ms", "sluice: no answer from " + silent + " within 50ms\n"},
		{"ctl reload --socket " + answering(t, http.NotFound), "sluice: no answer of a sluice: HTTP status 404\n"},
		{
			"ctl status --socket " + answering(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }),
			"sluice: no answer of a sluice: invalid character 'h' looking for beginning of value\n",
		},
		{
			"ctl status --socket " + answering(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[]") }),
			"sluice: no answer of a sluice: json: cannot unmarshal array into Go value of type management.Status\n",
		},
	} {
		status, out, err := command(strings.Fields(test.args)...)
		if status != exitFailed || out != "" || err != test.want {
			t.Errorf("%s: status %d\n got %s%swant %s", test.args, status, out, err, test.want)
		}
	}
}

func TestCtlSaysWhereItLooked(t *testing.T) {
	t.Setenv("SLUICE_CONTROL", "")
	status, _, err := command("ctl", "status")
	want := "sluice: no control socket: neither --socket nor SLUICE_CONTROL is given, and stat /run/sluice/sluice.sock: no such file or directory " +
		"(a sluice outside of systemd has one with --state-dir or --control, and logs its path at the start)\n"
	if status != exitFailed || err != want {
		t.Errorf("status %d: %s", status, err)
	}
}

func TestCtlStatusAsJSONIsWhatSluiceSaid(t *testing.T) {
	socket := answering(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"of_tomorrow": %q}`, r.Method+" "+r.URL.Path)
	})
	if _, out, err := command("ctl", "status", "--json", "--socket", socket); out != `{"of_tomorrow": "GET /status"}`+"\n" {
		t.Errorf("%s%s", out, err)
	}
}

func TestCtlStatus(t *testing.T) {
	lag, late, left, offset := int64(17), 2.25, 0, int64(501)
	retry, until := time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local), time.Date(2026, 11, 21, 13, 0, 0, 0, time.Local)
	full := &management.Status{
		Build:         management.Build{Version: "1.2.3", Go: "go1.26.8", Librdkafka: "2.15.1"},
		UptimeSeconds: 11523.4,
		Readiness: management.Readiness{
			Reasons:   []string{"draining", "no broker answers: away\x1b[2J"},
			Throttled: []string{"broker 1 at k:9092 delays its answers to producers by 2s: a quota of Kafka is exceeded"},
		},
		Late:       []management.Late{{Loop: "subscription:ship", AgeSeconds: 12, GapSeconds: 5}},
		LastReload: management.LastReload{At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local), Error: "a.yaml:1:1: x\na.yaml:2:1: y"},
		Listeners: []management.Listener{
			{Name: "resp", Address: "127.0.0.1:6380", Inherited: true},
			{Name: "control", Address: "/run/sluice/sluice.sock"},
		},
		Clients: 12,
		HTTP:    management.HTTP{Clients: 7, Requests: 1, Waiting: 3, Instances: 2},
		Profiles: []management.Profile{
			{
				Name: "buffered", InFlight: 3, Queued: 2, QueueLimit: 100_000, QueuedBytes: 2048, QueueBytesLimit: 128 << 20, Replaced: 1,
				Brokers: []management.Broker{{State: "UP"}, {State: "DOWN"}},
			},
			{Name: "delivered"},
		},
		Subscriptions: []management.Subscription{
			{
				Group: "ship", Topics: []string{"orders", "returns"}, Partitions: 4, Leased: 17, Buffered: 1024, Rebalances: 2,
				Members:              []management.Member{{Name: "a", Connected: true}, {Name: "b"}},
				OldestUnackedSeconds: 1.234, Lagging: management.Lagging{Lag: &lag, LagSeconds: &late, Stalled: true, StalledPartitions: 1},
				Standing: []management.Standing{
					{Topic: "orders", Partition: 3, Offset: 1042, Attempts: 152, Seconds: 1801, Holder: "a"},
					{Topic: "re\x1b[2J", Offset: 1, Attempts: 5, Seconds: 2},
				},
				Failing: management.Failing{
					Failing: 3, Held: 2500, Dying: 1, Dead: 7, NextRetry: &retry, StoppedPartitions: 4,
					Stopped: []management.Stopped{{
						Topic: "orders", Partition: 1, Offset: &offset, Reason: "crowded", Attempts: 2, Held: 2500, Until: &until, Seconds: 61,
						Why: "orders:1 at 501, 2500 records wait behind failing ones (a quarter of the window)",
					}},
					Crashers: []management.Crasher{{Topic: "orders", Partition: 2, Offset: 8, Deaths: 3}, {Topic: "re\x1b[2J", Deaths: 1}},
					Bounds: []management.Bounds{
						{Topic: "orders", Breaker: "open", RateLimit: 100, RatePerSeconds: 1, RateLeft: &left, MaxConcurrency: 5, Leased: 4, Next: &until},
						{Topic: "returns", MaxConcurrency: 5},
					},
				},
			},
			{Group: "evil\x1b[2J\n", Trouble: "the group is not authorized"},
		},
	}
	want := `sluice 1.2.3, up 3h12m3s, go1.26.8, librdkafka 2.15.1
not ready: draining; "no broker answers: away\x1b[2J"
broker 1 at k:9092 delays its answers to producers by 2s: a quota of Kafka is exceeded
stuck: subscription:ship has not turned for 12s, and may take 5s
the last reload failed, at 2026-11-21 12:00:00:
    a.yaml:1:1: x
    a.yaml:2:1: y
listening: resp at 127.0.0.1:6380, opened by systemd
listening: control at /run/sluice/sluice.sock
clients: 12
http: 7 clients, 1 request, 3 waiting for records, 2 consumer instances

PROFILE    IN FLIGHT  QUEUED       QUEUED BYTES          BROKERS    REPLACED
buffered   3          2 of 100000  2.0 KiB of 128.0 MiB  1 of 2 up  1
delivered  0          0            0 B                   -          0

GROUP            TOPICS          MEMBERS    PARTITIONS  LEASED  BUFFERED  OLDEST  LAG  LAG TIME  REBALANCES  STATE
ship             orders,returns  2, 1 away  4           17      1024      1.2s    17   2.3s      2           stopped: 4 partitions
"evil\x1b[2J\n"                  0          0           0       0         0s      -    -         0           the group is not authorized

MEMBER  GROUP  STATE      OWES  OLDEST
a       ship   connected  0     30m1s
b       ship   away       0     -

STANDING RECORD  GROUP  ATTEMPTS  FOR    HOLDER
orders:3:1042    ship   152       30m1s  a
"re\x1b[2J:0:1"  ship   5         2s     -

GROUP  TOPICS          FAILING  HELD  DYING  DEAD  NEXT RETRY
ship   orders,returns  3        2500  1      7     2026-11-21 12:00:00

stopped: orders:1 at 501, 2500 records wait behind failing ones (a quarter of the window), group ship, for 1m1s
stopped: 3 partitions more, group ship
clients end: 3 clients that held orders:2:8, group ship
"clients end: 1 client that held re\x1b[2J:0:0, group ship"
bounds: orders, group ship: breaker open, 0 of 100 records left in 1s, 4 of 5 records with clients, next record at 2026-11-21 13:00:00
bounds: returns, group ship: 0 of 5 records with clients
`
	var text strings.Builder
	if err := printStatus(&text, full, []management.Lease{{Group: "ship", Holder: "a", Seconds: 1801}, {Group: "ship", Holder: "a", Seconds: 2}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	text.Reset()
	if err := printStatus(&text, &management.Status{Readiness: management.Readiness{Ready: true}, LastReload: management.LastReload{OK: true}}, nil); err != nil {
		t.Fatal(err)
	}
	if want := "sluice , up 0s, , librdkafka \nready\nclients: 0\n"; text.String() != want {
		t.Errorf("a quiet one: %s", text.String())
	}
}
