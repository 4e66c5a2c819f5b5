package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// files are the properties whose values are paths. librdkafka's own errors do not name them.
var files = []string{"ssl.ca.location", "ssl.certificate.location", "ssl.crl.location", "ssl.key.location", "ssl.keystore.location"}

// ClientError says which property keeps librdkafka from creating a client.
type ClientError struct {
	Key    string // of the configuration: kafka.producer.linger.ms; empty when no property of it is to blame
	Reason string
}

func (e *ClientError) Error() string {
	if e.Key == "" {
		return "kafka: " + e.Reason
	}
	return e.Key + ": " + e.Reason
}

// Try creates the clients that a proxy would run with, and destroys them. They have no brokers. Its errors are ClientErrors.
func (c *Config) Try() error {
	alone := *c
	alone.Brokers = nil
	for _, client := range []struct {
		name       string
		try        func(map[string]string) error
		properties Properties
		sections   []string // where its properties were written, the last above the first
	}{
		{"the producer for RPUSH", librdkafka.TryProducer, alone.ProducerProperties(Delivered), []string{"properties", "producer", "profiles." + Delivered}},
		{"the producer for RPUSHX", librdkafka.TryProducer, alone.ProducerProperties(Buffered), []string{"properties", "producer", "profiles." + Buffered}},
		{"a consumer", librdkafka.TryConsumer, alone.ConsumerProperties("sluice-check", nil, 0), []string{"properties", "consumer"}},
	} {
		delete(client.properties, "bootstrap.servers")
		key := func(name string) string { return c.writtenAs(name, client.sections) }
		if err := cmp.Or(saslMechanism(client.properties, key), readable(client.properties, key)); err != nil {
			return err
		}
		if err := client.try(withoutTokens(client.properties)); err != nil {
			return clientError(client.name, err, key)
		}
	}
	return nil
}

// saslMechanism reports a mechanism that librdkafka was built without. It is librdkafka's default.
func saslMechanism(p Properties, key func(string) string) error {
	const kerberos = "GSSAPI"
	if !strings.HasPrefix(strings.ToLower(p["security.protocol"]), "sasl_") || cmp.Or(p["sasl.mechanisms"], kerberos) != kerberos {
		return nil
	}
	return &ClientError{
		cmp.Or(key("sasl.mechanisms"), key("security.protocol")),
		"sluice cannot do GSSAPI (Kerberos): set sasl.mechanism to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
	}
}

// withoutTokens are the properties of a client that has no token fetched. The client would ask its token endpoint at once,
// and could not be destroyed before that answers.
func withoutTokens(p Properties) Properties {
	if p["sasl.mechanisms"] != "OAUTHBEARER" {
		return p
	}
	return Merge(p, Properties{"security.protocol": strings.TrimPrefix(strings.ToLower(p["security.protocol"]), "sasl_"), "sasl.mechanisms": "PLAIN"})
}

// readable reports the first file that a property names and that cannot be opened.
func readable(p Properties, key func(string) string) error {
	for _, name := range files {
		if p[name] == "" || p[name] == "probe" { // librdkafka then looks where systems have their CA certificates
			continue
		}
		f, err := os.Open(p[name])
		if err != nil {
			return &ClientError{key(name), err.Error()}
		}
		_ = f.Close()
	}
	return nil
}

// named matches a property's name in a sentence of librdkafka.
var named = regexp.MustCompile(`[a-z]+(\.[a-z0-9]+)+`)

// clientError blames the first property that librdkafka names and that somebody wrote.
func clientError(client string, err error, key func(string) string) error {
	reason := err.Error()
	var failed *librdkafka.Error
	if errors.As(err, &failed) {
		reason = failed.Text
	}
	reason = fmt.Sprintf("%s cannot be created: %s", client, strings.TrimSpace(reason))
	names := named.FindAllString(reason, -1)
	if slices.Contains(names, "sasl.username") { // which nobody has written: the mechanism wants it
		names = append(names, "sasl.mechanisms")
	}
	for _, name := range names {
		if k := key(name); k != "" {
			return &ClientError{k, reason}
		}
	}
	return &ClientError{"", reason}
}

// writtenAs is the key under which a property was written last in these sections, or nothing.
func (c *Config) writtenAs(name string, sections []string) string {
	sets := map[string]Properties{"properties": c.Properties, "producer": c.Producer, "consumer": c.Consumer}
	for profile, set := range c.Profiles {
		sets["profiles."+profile] = set
	}
	for _, section := range slices.Backward(sections) {
		for _, written := range slices.Sorted(maps.Keys(sets[section])) {
			if oneName(written) == oneName(name) {
				return "kafka." + section + "." + written
			}
		}
	}
	return ""
}
