//go:build kafka

package kafka

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// secured is a cluster that asks for names and rights, with a server that gives tokens.
type secured struct {
	*cluster
	tokens string // the URL of the token endpoint
}

func startSecured(t *testing.T, ctx context.Context) *secured {
	t.Helper()
	k := harnesstest.Kafka(t, ctx, harness.KafkaOptions{Secured: true, NoAutoCreate: true})
	tokens := httptest.NewServer(http.HandlerFunc(giveToken))
	t.Cleanup(tokens.Close)
	return &secured{&cluster{k}, tokens.URL}
}

// giveToken answers as an OAuth token endpoint does, with an unsigned token.
func giveToken(w http.ResponseWriter, _ *http.Request) {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	now := time.Now().Unix()
	token := part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, harness.TokenUser, now, now+3600)) + "."
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token)
}

// login is a way to come to a secured cluster.
type login struct {
	name, user string
	address    string
	properties []string
}

func (c *secured) logins() []login {
	ca := "ssl.ca.location: " + c.Certificates.CA
	sasl := []string{"security.protocol: sasl_ssl", ca}
	with := func(further ...string) []string { return append(append([]string{}, sasl...), further...) }
	node := c.Nodes[0]
	return []login{
		{"PLAIN", harness.PlainUser, node.SASL, with("sasl.mechanisms: PLAIN", "sasl.username: "+harness.PlainUser, "sasl.password: "+harness.PlainPassword)},
		{"SCRAM", harness.ScramUser, node.SASL, with("sasl.mechanisms: SCRAM-SHA-512", "sasl.username: "+harness.ScramUser, "sasl.password: "+harness.ScramPassword)},
		{"certificate", harness.CertificateUser, node.TLS, []string{
			"security.protocol: ssl", ca, "ssl.certificate.location: " + c.Certificates.ClientCertificate, "ssl.key.location: " + c.Certificates.ClientKey,
		}},
		{"OAUTHBEARER", harness.TokenUser, node.SASL, with("sasl.mechanisms: OAUTHBEARER", "sasl.oauthbearer.method: oidc",
			"sasl.oauthbearer.client.id: sluice", "sasl.oauthbearer.client.secret: secret", "sasl.oauthbearer.token.endpoint.url: "+c.tokens)},
	}
}

// as starts a proxy with a login. Lines are its configuration besides.
func (c *secured) as(t *testing.T, ctx context.Context, l login, lines ...string) *harness.Sluice {
	t.Helper()
	config := append([]string{"kafka:", "  properties:"}, indent(l.properties)...)
	return harnesstest.Sluice(t, ctx, harness.SluiceOptions{
		Brokers: []string{l.address}, HTTP: harnesstest.FreeAddr(t), Management: harnesstest.FreeAddr(t),
		Args: []string{"--config", harnesstest.Config(t, append(config, lines...)...)},
	})
}

func indent(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, "    "+line)
	}
	return all
}

// needed are the rights that docs/operating.md lists for producing to a topic, and consuming it in a group.
func needed(topic, group string) []harness.Right {
	return append(harness.TopicRights(topic, kmsg.ACLOperationWrite, kmsg.ACLOperationRead), harness.GroupRights(group, kmsg.ACLOperationRead)...)
}

// Every way to log in is as good as any other: sluice produces, consumes, commits, and knows the lag, with the rights that
// the documentation lists and no others.
func TestSecuredLogins(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startSecured(t, ctx)
	for _, l := range c.logins() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			ctx := harnesstest.Within(t, patience) // it may have waited for its turn
			topic, group := "in-"+l.name, "of-"+l.name
			harnesstest.Topic(t, ctx, c.Admin, topic, 1)
			if err := c.Admin.Allow(ctx, l.user, needed(topic, group)...); err != nil {
				t.Fatal(err)
			}
			s := c.as(t, ctx, l, "consume: {lag_interval: 1s}")
			r := member(t, s, group+":1")
			if err := r.RPush(ctx, "topics:"+topic, "delivered").Err(); err != nil {
				t.Fatal(err)
			}
			if n, err := r.Do(ctx, "RPUSHX", "topics:"+topic, "buffered").Int(); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			wantStatus(t, ctx, s, "/v1/topics/"+topic+"/records", "over HTTP", http.StatusOK)
			for range 3 {
				got, err := next(ctx, r, "topics:"+topic, 30)
				if err != nil {
					t.Fatal(err)
				}
				if err := ack(ctx, r, got); err != nil {
					t.Fatal(err)
				}
			}
			harnesstest.Until(t, ctx, func(ctx context.Context) error {
				if at, err := c.Admin.Committed(ctx, group, topic, 0); at != 3 || err != nil {
					return errors.Join(fmt.Errorf("committed %d", at), err)
				}
				return nil
			})
			ready(t, ctx, s, `"ready": true`)
			harnesstest.Until(t, ctx, func(ctx context.Context) error {
				m, err := s.Scrape(ctx)
				if err == nil && len(m.Values("sluice_consumer_lag_messages", "group")) == 0 {
					err = fmt.Errorf("the lag is not known")
				}
				return err
			})
		})
	}
}

// A right that is missing is named, to who sends and to who receives, over both doors. Once it is given all goes on without
// a restart, and once it is taken all is refused again.
func TestSecuredRights(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startSecured(t, ctx)
	const topic, group = "guarded", "guards"
	harnesstest.Topic(t, ctx, c.Admin, topic, 1)
	plain := c.logins()[0]
	s := c.as(t, ctx, plain)
	rights := needed(topic, group)
	denied := func(what string) {
		r := member(t, s, group+":1")
		harnesstest.Until(t, ctx, func(ctx context.Context) error {
			if err := r.RPush(ctx, "topics:"+topic, "x").Err(); err == nil || !strings.HasPrefix(err.Error(), "PROD rejected: topic guarded: ") ||
				!strings.Contains(err.Error(), "authorization failed") {
				return errors.Join(errors.New(what+": RPUSH is not refused"), err)
			}
			return nil
		})
		harnesstest.Until(t, ctx, func(ctx context.Context) error {
			if _, err := next(ctx, r, "topics:"+topic, 1); err == nil || !strings.HasPrefix(err.Error(), "CONS ") || !strings.Contains(err.Error(), "authorization failed") {
				return errors.Join(errors.New(what+": BLPOP is not refused"), err)
			}
			return nil
		})
		wantStatus(t, ctx, s, "/v1/topics/"+topic+"/records", "x", http.StatusForbidden)
		_ = r.Close()
	}
	denied("missing")
	if err := c.Admin.Allow(ctx, plain.user, rights...); err != nil {
		t.Fatal(err)
	}
	r := member(t, s, group+":2")
	harnesstest.Until(t, ctx, func(ctx context.Context) error { return r.RPush(ctx, "topics:"+topic, "granted").Err() })
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		got, err := next(ctx, r, "topics:"+topic, 5)
		if err == nil {
			err = ack(ctx, r, got)
		}
		return err
	})
	_ = r.Close()
	if err := c.Admin.Revoke(ctx, plain.user, rights...); err != nil {
		t.Fatal(err)
	}
	denied("taken")
}
