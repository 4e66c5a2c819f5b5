package kerr

import "testing"

// The texts are librdkafka's (v2.15.1), from runs against what each says.
func TestTroubleInPlainWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, broker, sentence string }{
		{
			"kafka.invalid:9092/bootstrap: Failed to resolve 'kafka.invalid:9092': Name or service not known (after 1ms in state CONNECT)",
			"kafka.invalid:9092", "kafka.invalid:9092 does not resolve (Name or service not known)",
		},
		{
			"127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT, 3 identical error(s) suppressed)",
			"127.0.0.1:1", "127.0.0.1:1 refuses connections: nothing listens there",
		},
		{
			"FAIL: [thrd:127.0.0.1:17439/bootstrap]: 127.0.0.1:17439/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 1ms in state APIVERSION_QUERY)",
			"127.0.0.1:17439", "127.0.0.1:17439 closes the connection: it may want TLS (security.protocol: ssl or sasl_ssl)",
		},
		{
			"ssl://kafka1:9093/1: SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a PLAINTEXT broker listener? (after 2ms in state SSL_HANDSHAKE)",
			"kafka1:9093", "kafka1:9093 does not speak TLS: security.protocol may have to be plaintext or sasl_plaintext",
		},
		{
			"FAIL: [thrd:ssl://127.0.0.1:11372/bootstrap]: ssl://127.0.0.1:11372/bootstrap: Disconnected: SSL connection closed by peer (after 1ms in state UP)",
			"127.0.0.1:11372", "127.0.0.1:11372 wants a login: security.protocol may have to be sasl_ssl or sasl_plaintext",
		},
		{
			"ssl://127.0.0.1:1/bootstrap: Send failed: error:80000020:system library::Broken pipe: tls_retry_write_records failure (after 7ms in state UP)",
			"127.0.0.1:1", "127.0.0.1:1 wants a login: security.protocol may have to be sasl_ssl or sasl_plaintext",
		},
		{
			"FAIL: [thrd:kafka1:9092/1]: kafka1:9092/1: Disconnected: connection closed by peer: receive 0 after POLLIN (after 60123ms in state UP)",
			"kafka1:9092", "kafka1:9092 closes the connection",
		},
		{
			"ssl://127.0.0.1:1/bootstrap: Receive failed: error:0A000416:SSL routines::ssl/tls alert certificate unknown: SSL alert number 46 (after 7ms in state APIVERSION_QUERY)",
			"127.0.0.1:1", "127.0.0.1:1 wants a client certificate that it trusts: see ssl.certificate.location",
		},
		{
			"sasl_ssl://127.0.0.1:1/bootstrap: SASL authentication error: Authentication failed: Invalid username or password (after 303ms in state AUTH_REQ)",
			"127.0.0.1:1", "127.0.0.1:1 refuses the login: Authentication failed: Invalid username or password",
		},
		{
			"sasl_ssl://127.0.0.1:1/bootstrap: SASL SCRAM-SHA-256 mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: PLAIN,SCRAM-SHA-512 (after 303ms in state AUTH_HANDSHAKE, 24 identical error(s) suppressed)",
			"127.0.0.1:1", "127.0.0.1:1 refuses the login: sasl.mechanisms is SCRAM-SHA-256, and it knows PLAIN,SCRAM-SHA-512",
		},
		{
			"127.0.0.1:1/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase receive.message.max.bytes (after 1ms in state APIVERSION_QUERY)",
			"127.0.0.1:1", "127.0.0.1:1 does not speak Kafka: something else listens there",
		},
		{"Failed to acquire SASL OAUTHBEARER token: {\"error\":\"invalid_client\"}\n", "", `no OAUTHBEARER token can be had: {"error":"invalid_client"}`},
		{
			"[::1]:9092/bootstrap: Connection setup timed out in state CONNECT (after 30028ms in state CONNECT, 1 identical error(s) suppressed)",
			"[::1]:9092", "[::1]:9092 does not answer",
		},
		{
			"127.0.0.1:1/1: ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10 (see api.version.request configuration) (after 3010ms in state APIVERSION_QUERY)",
			"127.0.0.1:1", "127.0.0.1:1 does not answer",
		},
		{"something new", "", "something new"},
	} {
		if got := Trouble(tt.text); got.Broker != tt.broker || got.Sentence != tt.sentence {
			t.Errorf("%q\nis %+v\nwant %q", tt.text, got, tt.sentence)
		}
	}
}
