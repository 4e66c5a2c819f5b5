package v1_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// A webhook's body has its sender's own spaces, escapes and order. The signature is over all of them.
const webhook = "{ \"zen\":\"caf\\u00e9\",\r\n\t\"a\" : 1.0,\"a\":2 }\n"

func signed(secret, text string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// senders sign a body as their documentation says, and holds checks it with what a record has.
var senders = []struct {
	name   string
	fields []string
	holds  func(header map[string]string, body string) bool
}{
	{
		"GitHub",
		[]string{
			"X-GitHub-Event", "push", "X-GitHub-Delivery", "72d3162e",
			"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(signed("secret", webhook)),
		},
		func(header map[string]string, body string) bool {
			return header["x-github-event"] == "push" && header["x-github-delivery"] == "72d3162e" &&
				header["x-hub-signature-256"] == "sha256="+hex.EncodeToString(signed("secret", body))
		},
	},
	{
		"Stripe",
		[]string{"Stripe-Signature", "t=1790000000,v1=" + hex.EncodeToString(signed("secret", "1790000000."+webhook))},
		func(header map[string]string, body string) bool {
			at, signature, _ := strings.Cut(strings.TrimPrefix(header["stripe-signature"], "t="), ",v1=")
			return signature == hex.EncodeToString(signed("secret", at+"."+body))
		},
	},
	{
		"Standard Webhooks",
		[]string{
			"webhook-id", "msg_1", "webhook-timestamp", "1790000000",
			"webhook-signature", "v1," + base64.StdEncoding.EncodeToString(signed("secret", "msg_1.1790000000."+webhook)),
		},
		func(header map[string]string, body string) bool {
			text := header["webhook-id"] + "." + header["webhook-timestamp"] + "." + body
			return header["webhook-signature"] == "v1,"+base64.StdEncoding.EncodeToString(signed("secret", text))
		},
	},
}

// Whoever consumes a webhook checks its signature with nothing but the record.
func TestSignaturesOfWebhooksHoldForTheirRecords(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.DefaultOptions())
	for _, c := range senders {
		if answer, text := s.Ask("POST", "/v1/topics/blobs/records", webhook, append(c.fields, "Content-Type", "application/json")...); answer.StatusCode != 200 {
			t.Fatalf("%s: %d %s", c.name, answer.StatusCode, text)
		}
	}
	for i, r := range s.Read("blobs", len(senders)) {
		header := map[string]string{}
		for _, h := range r.Headers {
			header[h.Key] = string(h.Value)
		}
		if !senders[i].holds(header, string(r.Value)) {
			t.Errorf("%s: the signature does not hold: %q %q", senders[i].name, header, r.Value)
		}
	}
}

// Only the chosen fields are kept, all their values, and never of a body that is many records.
func TestKeptHeaders(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{KeptHeaders: []string{"X-Event", "Content-Type"}})
	fields := []string{"x-event", "b", "X-Event", "a", "X-Kafka-Header-X-Event", "own", "Stripe-Signature", "t=1", "Authorization", "Bearer x"}
	for kind, body := range map[string]string{"text/plain": "x", exchange.NDJSONType: `{"value":1}`} {
		if answer, text := s.Ask("POST", "/v1/topics/orders/records?partition=0", body, append(fields, "Content-Type", kind)...); answer.StatusCode != 200 {
			t.Fatalf("%d %s", answer.StatusCode, text)
		}
	}
	own := kgo.RecordHeader{Key: "x-event", Value: []byte("own")}
	want := map[string][]kgo.RecordHeader{
		"x": {{Key: "content-type", Value: []byte("text/plain")}, own, {Key: "x-event", Value: []byte("b")}, {Key: "x-event", Value: []byte("a")}},
		"1": {own},
	}
	for _, r := range s.Read("orders", 2) {
		if diff := cmp.Diff(want[string(r.Value)], r.Headers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Value, diff)
		}
	}
}
