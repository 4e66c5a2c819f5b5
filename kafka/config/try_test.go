package config

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A check asks nobody for a token, who may not answer.
func TestTryFetchesNoToken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Bool
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			asked.Store(true)
			_ = conn.Close()
		}
	})
	cfg := Defaults()
	cfg.Properties = Properties{
		"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc",
		"sasl.oauthbearer.client.id": "x", "sasl.oauthbearer.client.secret": "x", "sasl.oauthbearer.token.endpoint.url": "http://" + l.Addr().String(),
	}
	if err := cfg.Try(); err != nil {
		t.Error(err)
	}
	_ = l.Close()
	accepting.Wait()
	if asked.Load() {
		t.Error("the token endpoint was asked")
	}
}

func TestTryNamesTheKeyAndTheCause(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "ca.pem")
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(*Config)
		key    string
		cause  string
	}{
		{"defaults", func(*Config) {}, "", ""},
		{"a CA that is not there", func(c *Config) {
			c.Properties = Properties{"security.protocol": "ssl", "ssl.ca.location": missing}
		}, "kafka.properties.ssl.ca.location", missing + ": no such file"},
		{"a CA that is none", func(c *Config) {
			c.Properties = Properties{"security.protocol": "ssl", "ssl.ca.location": broken}
		}, "kafka.properties.ssl.ca.location", "ssl.ca.location"},
		{"PLAIN without a user", func(c *Config) {
			c.Properties = Properties{"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"}
		}, "kafka.properties.sasl.mechanism", "sasl.username"},
		{"sasl_ssl without a mechanism", func(c *Config) {
			c.Properties = Properties{"security.protocol": "sasl_ssl"}
		}, "kafka.properties.security.protocol", "GSSAPI"},
		{"GSSAPI", func(c *Config) {
			c.Properties = Properties{"security.protocol": "sasl_plaintext", "sasl.mechanism": "GSSAPI"}
		}, "kafka.properties.sasl.mechanism", "Kerberos"},
		{"a linger above the time of a record", func(c *Config) {
			c.Producer = Properties{"linger.ms": "5000", "delivery.timeout.ms": "1000"}
		}, "kafka.producer.delivery.timeout.ms", "greater than `linger.ms`"},
		{"of one profile", func(c *Config) {
			c.Producer = Properties{"linger.ms": "5000"}
			c.Profiles = map[string]Properties{Buffered: {"message.timeout.ms": "1000"}}
		}, "kafka.profiles.buffered.message.timeout.ms", "RPUSHX"},
		{"a session above the poll interval", func(c *Config) {
			c.Consumer = Properties{"session.timeout.ms": "600000"}
		}, "kafka.consumer.session.timeout.ms", "max.poll.interval.ms"},
		{"a poll interval below the session", func(c *Config) {
			c.Properties = Properties{"max.poll.interval.ms": "5000"}
		}, "kafka.properties.max.poll.interval.ms", "session.timeout.ms"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := Defaults()
			cfg.Brokers = []string{"localhost:1"}
			test.change(&cfg)
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			err := cfg.Try()
			var blamed *ClientError
			switch {
			case test.key == "":
				if err != nil {
					t.Error(err)
				}
			case !errors.As(err, &blamed) || blamed.Key != test.key || !strings.Contains(blamed.Reason, test.cause):
				t.Errorf("%v; want %s, %s", err, test.key, test.cause)
			}
		})
	}
}
