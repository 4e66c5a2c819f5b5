//go:build clients

package pages

import (
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The producer of each page does with an error what the page says: it sends a record again that was not written, and
// shows an error that would come again.
func TestProducersOfThePages(t *testing.T) {
	t.Parallel()
	options := sluice(t, "-c", harnesstest.Config(t,
		"produce: {ack_timeout: 1s}", "kafka: {producer: {message.max.bytes: 1000}}"))
	ask := func(name, value string, judge func(*testing.T, *running)) {
		s := harnesstest.Sluice(t, harnesstest.Within(t, patience), options)
		t.Run(name, func(t *testing.T) {
			for _, l := range languages() {
				t.Run(l.name, func(t *testing.T) {
					t.Parallel()
					reader := l.open(t)
					reader.programs(t, s, &l)
					judge(t, reader.start(t, l.produce+" customer-7 "+value, ""))
				})
			}
		})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	ask("TooLarge", `"$(printf %02000d)"`, showsTheError)
	options.Brokers = []string{harnesstest.FreeAddr(t)} // nobody listens there
	ask("NoBrokers", `"3 apples"`, func(t *testing.T, r *running) { r.prints(t, tryingAgain+"PROD retry: ", 0) })
}

func showsTheError(t *testing.T, r *running) {
	t.Helper()
	status := r.status(t)
	if got := r.output(); status == 0 || strings.Contains(got, tryingAgain) || !strings.Contains(got, "PROD rejected: ") {
		t.Errorf("%s ended with %d, and printed\n%s", r.command, status, got)
	}
}
