//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// trouble is why no broker answers, and the sentence that says so.
type trouble struct {
	name       string
	broker     string
	properties []string
	sentence   string
}

// Whatever keeps sluice from its brokers is said in the same words by both doors, by /readyz and /status, and by the command
// line.
func TestTroubleHasACause(t *testing.T) {
	t.Parallel()
	c := startSecured(t, harnesstest.Within(t, patience))
	for _, tr := range troubles(t, c) {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			tr.play(t, harnesstest.Within(t, patience)) // it may have waited for its turn
		})
	}
}

func troubles(t *testing.T, c *secured) []trouble {
	node, ca := c.Nodes[0], "ssl.ca.location: "+c.Certificates.CA
	sasl := func(lines ...string) []string { return append([]string{"security.protocol: sasl_ssl", ca}, lines...) }
	refusing := harnesstest.FreeAddr(t)
	foreign := foreignServer(t)
	miser := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
	}))
	t.Cleanup(miser.Close)
	return []trouble{
		{"a name that does not resolve", "kafka.invalid:9092", nil, "kafka.invalid:9092 does not resolve ("},
		{"a port where nobody listens", refusing, nil, refusing + " refuses connections: nothing listens there"},
		{"not a Kafka", foreign, nil, foreign + " does not speak Kafka: something else listens there"},
		{"plaintext against TLS", node.TLS, nil, node.TLS + " closes the connection: it may want TLS (security.protocol: ssl or sasl_ssl)"},
		{"TLS against plaintext", node.Addr, []string{"security.protocol: ssl", ca}, node.Addr + " does not speak TLS: security.protocol may have to be plaintext or sasl_plaintext"},
		{"ssl where sasl_ssl is meant", node.SASL, []string{"security.protocol: ssl", ca}, node.SASL + " wants a login: security.protocol may have to be sasl_ssl or sasl_plaintext"},
		{"an authority that is not trusted", node.SASL, []string{
			"security.protocol: sasl_ssl", "ssl.ca.location: " + c.Certificates.StrangeCertificate, "sasl.mechanisms: PLAIN", "sasl.username: plain", "sasl.password: plain-secret",
		}, node.SASL + " has a certificate that is not trusted: see ssl.ca.location"},
		{"no client certificate", node.TLS, []string{"security.protocol: ssl", ca}, node.TLS + " wants a client certificate that it trusts: see ssl.certificate.location"},
		{"a strange client certificate", node.TLS, []string{
			"security.protocol: ssl", ca, "ssl.certificate.location: " + c.Certificates.StrangeCertificate, "ssl.key.location: " + c.Certificates.StrangeKey,
		}, node.TLS + " wants a client certificate that it trusts: see ssl.certificate.location"},
		{"a wrong password", node.SASL, sasl("sasl.mechanisms: PLAIN", "sasl.username: plain", "sasl.password: wrong"), node.SASL + " refuses the login: "},
		{"a wrong password of SCRAM", node.SASL, sasl("sasl.mechanisms: SCRAM-SHA-512", "sasl.username: scram", "sasl.password: wrong"), node.SASL + " refuses the login: "},
		{"a mechanism that the broker lacks", node.SASL, sasl("sasl.mechanisms: SCRAM-SHA-256", "sasl.username: scram", "sasl.password: scram-secret"), node.SASL + " refuses the login: "},
		{"no token", node.SASL, sasl("sasl.mechanisms: OAUTHBEARER", "sasl.oauthbearer.method: oidc", "sasl.oauthbearer.client.id: sluice",
			"sasl.oauthbearer.client.secret: wrong", "sasl.oauthbearer.token.endpoint.url: "+miser.URL), "no OAUTHBEARER token can be had: "},
	}
}

// foreignServer answers whatever comes as a server of HTTP does.
func foreignServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 1))
				_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// play asks in every way, and compares what is said.
func (tr *trouble) play(t *testing.T, ctx context.Context) {
	lines := append([]string{"produce: {ack_timeout: 5s}", "kafka:", "  brokers: [" + tr.broker + "]", "  properties:"}, indent(append(tr.properties, "client.id: trouble"))...)
	config := harnesstest.Config(t, lines...)
	s := harnesstest.Sluice(t, ctx, harness.SluiceOptions{
		Brokers: []string{tr.broker}, HTTP: harnesstest.FreeAddr(t), Management: harnesstest.FreeAddr(t), Args: []string{"--config", config},
	})
	var wg sync.WaitGroup
	said := func(who, begins string, ask func() string) {
		wg.Go(func() {
			began := time.Now()
			answer := ask()
			t.Logf("%s, after %v: %s", who, time.Since(began).Round(time.Millisecond), answer)
			if !strings.HasPrefix(answer, begins) || !strings.Contains(answer, "no broker answers: "+tr.sentence) {
				t.Errorf("%s says %q, want %q and %q", who, answer, begins, tr.sentence)
			}
		})
	}
	said("RPUSH", "PROD retry: topic t: not sent within 5s: ", func() string {
		return fmt.Sprint(member(t, s, "").RPush(ctx, "topics:t", "x").Err())
	})
	said("BLPOP", "CONS ", func() string {
		_, err := next(ctx, member(t, s, "g:1"), "topics:t", 5)
		return fmt.Sprint(err)
	})
	base := "http://" + s.HTTP
	said("produce over HTTP", "503 ", func() string { return answerTo(ctx, http.MethodPost, base+"/v1/topics/t/records") })
	said("messages over HTTP", "503 ", func() string { return answerTo(ctx, http.MethodGet, base+"/v1/groups/h/messages?topics=t&wait=5s") })
	said("sluice topics", "sluice: ", func() string {
		out, _ := exec.CommandContext(ctx, harnesstest.Binary(), "topics", "--config", config).CombinedOutput()
		return string(out)
	})
	for _, path := range []string{"/readyz", "/status"} {
		said(path, "", func() (body string) {
			harnesstest.Until(t, ctx, func(ctx context.Context) error {
				_, text, err := s.Get(ctx, path)
				body = text
				if err == nil && !strings.Contains(text, "no broker answers: "+tr.sentence) {
					err = fmt.Errorf("%s says %s", path, text)
				}
				return err
			})
			return body
		})
	}
	wg.Wait()
}

// answerTo is the status and the body of an answer.
func answerTo(ctx context.Context, method, url string) string {
	body := io.Reader(http.NoBody)
	if method == http.MethodPost {
		body = strings.NewReader("x")
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err.Error()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s %v", resp.StatusCode, text, err)
}

// A quota that is exceeded is said while it holds: by /readyz, which stays 200, and in the answer of who waited for too long.
func TestAQuotaIsNamed(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startSecured(t, ctx)
	plain := c.logins()[0]
	harnesstest.Topic(t, ctx, c.Admin, "slow", 1)
	if err := c.Admin.Allow(ctx, plain.user, needed("slow", "snails")...); err != nil {
		t.Fatal(err)
	}
	if err := c.Admin.Throttle(ctx, plain.user, 10_000); err != nil {
		t.Fatal(err)
	}
	s := c.as(t, ctx, plain, "produce: {ack_timeout: 2s}")
	r := member(t, s, "")
	value := strings.Repeat("x", 500_000)
	const says = "delays its answers to producers by "
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		err := r.RPush(ctx, "topics:slow", value).Err()
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "a quota of Kafka is exceeded") {
			return fmt.Errorf("RPUSH says %w", err)
		}
		t.Log(err)
		return nil
	})
	status, body, err := s.Get(ctx, "/readyz")
	if status != http.StatusOK || !strings.Contains(body, says) || err != nil {
		t.Errorf("/readyz: %d %s %v", status, body, err)
	}
	if _, body, err := s.Get(ctx, "/status"); !strings.Contains(body, says) || err != nil {
		t.Errorf("/status: %s %v", body, err)
	}
}
