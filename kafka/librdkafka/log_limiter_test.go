package librdkafka

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A name such as localhost has several addresses, and a broker often listens at one of them only. While it answers there,
// nothing is logged. A broker that nobody can connect to is.
func TestAnAddressThatRefusesIsNoTroubleWhileAnotherAnswers(t *testing.T) {
	t.Parallel()
	const (
		six     = "localhost:9092/bootstrap: Connect to ipv6#[::1]:9092 failed: Connection refused (after 0ms in state CONNECT)"
		four    = "localhost:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)"
		other   = "localhost:9092/1: Connect to ipv6#[::1]:9092 failed: Connection refused (after 0ms in state CONNECT)"
		secure  = "sasl_ssl://kafka1:9093/bootstrap: Connect to ipv4#10.0.0.1:9093 failed: No route to host (after 3ms in state CONNECT)"
		literal = "127.0.0.1:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)"
		six2    = "[::1]:9092/bootstrap: Connect to ipv6#[::1]:9092 failed: Connection refused (after 0ms in state CONNECT)"
		lost    = "localhost:9092/1: Disconnected (after 5000ms in state UP)"
	)
	type step struct {
		after  time.Duration
		text   string
		logged bool
	}
	for name, steps := range map[string][]step{
		"one of two addresses":             {{0, six, false}},
		"for several connections":          {{0, six, false}, {0, other, false}},
		"again at a later connection":      {{0, six, false}, {10 * time.Minute, six, false}},
		"both addresses":                   {{0, six, false}, {50 * time.Millisecond, four, true}},
		"the only address, again":          {{0, secure, false}, {10 * time.Second, secure, true}},
		"an address that is the name":      {{0, literal, true}},
		"an address of IPv6":               {{0, six2, true}},
		"a connection that ends otherwise": {{0, lost, true}},
	} {
		var limiter LogLimiter
		now := time.Now()
		for i, s := range steps {
			now = now.Add(s.after)
			if logged := !limiter.triesAnother(s.text, now); logged != s.logged {
				t.Errorf("%s, event %d: logged: %v", name, i, logged)
			}
		}
	}
}

func TestWhichFailuresAreLogged(t *testing.T) {
	t.Parallel()
	var (
		out     strings.Builder
		limiter LogLimiter
	)
	log := slog.New(slog.NewTextHandler(&out, nil))
	for _, address := range []string{"ipv6#[::1]", "ipv4#127.0.0.1", "ipv6#[::1]"} {
		if out.Len() > 0 && address == "ipv4#127.0.0.1" {
			t.Errorf("logged before the second address was tried: %s", out.String())
		}
		limiter.LogFailure(log, Event{Code: Transport, Text: "localhost:9092/bootstrap: Connect to " + address + ":9092 failed: Connection refused"})
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "Connect to ipv4#127.0.0.1:9092 failed") {
		t.Errorf("logged:\n%s", got)
	}
}
