package v2_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestAPieceOfAPartitionIsRead(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Stamped()
	first := `{"topic":"blobs","key":"k","value":{"a":1},"partition":0,"offset":0,"timestamp":1000,"headers":[{"key":"h","value":"YQ=="}],"key_encoding":"text"}`
	second := `{"topic":"blobs","key":null,"value":"/w==","partition":0,"offset":1,"timestamp":2000,"value_encoding":"base64"}`
	third := `{"topic":"blobs","key":null,"value":null,"partition":0,"offset":2,"timestamp":3000}`
	binary := `{"topic":"blobs","key":null,"value":"/w==","partition":0,"offset":1,"timestamp":2000}`
	text := `{"topic":"blobs","key":"k","value":"{\"a\":1}","partition":0,"offset":0,"timestamp":1000,"headers":[{"key":"h","value":"YQ=="}]}`
	for _, c := range []struct{ query, accept, kind, want string }{
		{"?offset=0", resttest.AsText, resttest.AsText, "[" + text + "," + second + "," + third + "]"},
		{"?offset=0", resttest.AsJSON, resttest.AsJSON, "[" + first + "," + second + "," + third + "]"},
		{"?offset=1&max_bytes=0&timeout=100", "", resttest.AsBinary, "[" + binary + "]"},
		{"?offset=1&max_bytes=1", "text/html, */*", resttest.AsBinary, "[" + binary + "]"},
		{"?offset=2", exchange.JSONType, exchange.JSONType, "[" + third + "]"},
		{"?offset=3&timeout=0", exchange.V2Type, resttest.AsBinary, "[]"},
	} {
		answer, text := s.Ask("GET", "/topics/blobs/partitions/0/records"+c.query, "", "Accept", c.accept)
		if diff := cmp.Diff(c.want, text); diff != "" || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != c.kind {
			t.Errorf("%s: %d %v (-want +got):\n%s", c.query, answer.StatusCode, answer.Header, diff)
		}
	}
	if now := s.Door.Stats(); now.Held != 0 {
		t.Errorf("%d bytes are still held", now.Held)
	}
}

func TestReadsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Stamped()
	for _, c := range []struct {
		path         string
		status, code int
		message      string
	}{
		{"/topics/blobs/partitions/0/records?offset=4", 416, 416, "offset 4 of blobs:0: it holds 0 up to 3"},
		{"/topics/nope/partitions/0/records?offset=0", 404, 40401, "Topic not found."},
		{"/topics/blobs/partitions/0/records", 422, 422, "offset: say from where"},
		{"/topics/blobs/partitions/0/records?offset=0&timeout=x", 422, 422, "timeout"},
	} {
		answer, text := s.Ask("GET", c.path, "")
		resttest.WantFailure(t, c.path, answer, text, c.status, c.code, c.message)
	}
	answer, text := s.Ask("GET", "/topics/blobs/partitions/0/records?offset=0", "", "Accept", "application/vnd.kafka.avro.v2+json")
	resttest.WantFailure(t, "avro", answer, text, 406, 40601, "records come as")
}
