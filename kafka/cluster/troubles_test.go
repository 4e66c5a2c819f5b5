package cluster

import (
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// librdkafka tells one trouble now by the broker's words and now by the end of the connection. The words stay, for as long
// as they come again at times.
func TestThePreciseCauseStays(t *testing.T) {
	t.Parallel()
	const (
		precise = "ssl://kafka1:9093/1: SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a PLAINTEXT broker listener? (after 2ms in state SSL_HANDSHAKE)"
		vague   = "ssl://kafka1:9093/1: Disconnected: SSL connection closed by peer (after 2ms in state SSL_HANDSHAKE)"
		refused = "ssl://kafka1:9093/1: Connect to ipv4#127.0.0.1:9093 failed: Connection refused (after 0ms in state CONNECT)"

		noTLS, closes, refuses = "kafka1:9093 does not speak TLS: security.protocol may have to be plaintext or sasl_plaintext",
			"kafka1:9093 closes the connection", "kafka1:9093 refuses connections: nothing listens there"
	)
	var known troubles
	began := time.Now()
	for _, step := range []struct {
		after      time.Duration
		text, want string
	}{
		{0, vague, closes},
		{time.Second, precise, noTLS},
		{2 * time.Second, vague, noTLS},
		{3 * time.Second, refused, refuses},
		{4 * time.Second, precise, noTLS},
		{4*time.Second + preciseTime, vague, closes}, // it has not come again
	} {
		known.learn(kerr.Trouble(step.text), began.Add(step.after))
		if got := known.text(); got != step.want {
			t.Errorf("after %v: %s, want %s", step.after, got, step.want)
		}
	}
}
