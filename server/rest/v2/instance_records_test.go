package v2_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestRecordsComeInTheFormatOfTheInstance(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(1)
	s.Instance(`{"name":"w1"}`, "blobs")
	s.Records(resttest.W1 + "/records?timeout=10000")
	for accept, kind := range map[string]string{
		"": ofBinary, "*/*": ofBinary, exchange.V2Type: ofBinary, ofBinary: ofBinary,
		ofJSON + ", " + ofBinary + ";q=0.9": ofBinary, exchange.JSONType: exchange.JSONType,
		ofJSON + ", */*;q=0.1": ofBinary,
	} {
		answer, text := s.Ask("GET", resttest.W1+"/records?timeout=1", "", "Accept", accept, "Content-Type", ofJSON)
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != kind || text != "[]" {
			t.Errorf("Accept %q: %d %s as %s", accept, answer.StatusCode, text, answer.Header.Get("Content-Type"))
		}
	}
}

// The types of records.
const (
	ofJSON   = "application/vnd.kafka.json.v2+json"
	ofBinary = "application/vnd.kafka.binary.v2+json"
)

// Text that is not UTF-8 must not hold back the records behind it.
func TestAnInstanceOfText(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Stamped()
	s.Instance(`{"name":"w1","format":"text","auto.offset.reset":"earliest"}`, "blobs")
	want := `[{"topic":"blobs","key":"k","value":"{\"a\":1}","partition":0,"offset":0,"timestamp":1000,"headers":[{"key":"h","value":"YQ=="}]},` +
		`{"topic":"blobs","key":null,"value":"/w==","partition":0,"offset":1,"timestamp":2000,"value_encoding":"base64"},` +
		`{"topic":"blobs","key":null,"value":null,"partition":0,"offset":2,"timestamp":3000}]`
	answer, text := s.Ask("GET", resttest.W1+"/records?timeout=10000", "", "Accept", resttest.AsText)
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != resttest.AsText || text != want {
		t.Errorf("%d %v %s", answer.StatusCode, answer.Header, text)
	}
	if answer, text := s.Ask("GET", resttest.W1, ""); answer.StatusCode != 200 || !strings.Contains(text, `"format":"text"`) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	answer, text = s.Ask("GET", resttest.W1+"/records?timeout=1", "", "Accept", ofJSON)
	resttest.WantFailure(t, "another format", answer, text, 406, 40601, resttest.AsText)
}

func TestALargeRecordComesThoughItIsMoreThanWasAskedFor(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Talk(resttest.Call("POST", "/v1/topics/blobs/records", `"`+strings.Repeat("x", 100_000)+`"`, 200, `*`))
	s.Instance(resttest.Manual, "blobs")
	if list := s.Records(resttest.W1 + "/records?timeout=10000&max_bytes=10"); len(list) != 1 || len(list[0].Value) != 100_002 {
		t.Errorf("%d records", len(list))
	}
}

func TestAReplyWaitsForItsLeastBytesUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(10)
	s.Instance(`{"name":"w1","format":"json","fetch.min.bytes":1000}`, "blobs")
	reply := s.Later(func() (*resttest.Reply, string) { return s.Ask("GET", resttest.W1+"/records?timeout=20000", "") })
	resttest.Eventually(t, "the request waits", func() bool { return polling(s) })
	for range 4 { // not with the first of them
		s.Talk(resttest.Call("POST", "/v1/topics/blobs/records", `"`+strings.Repeat("x", 300)+`"`, 200, `*`))
		resttest.Eventually(t, "the request waits for more", func() bool { return polling(s) || len(reply) > 0 })
	}
	var all []resttest.Got
	if got := <-reply; json.Unmarshal([]byte(got.Text), &all) != nil || len(all) != 14 {
		t.Errorf("with enough bytes: %d records in %s", len(all), got.Text)
	}
	s.Fill(1)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=300"), 14)
}

// The door says what an instance waits for whose client does not.
func TestTheDoorsLeastBytesAreThoseOfInstancesThatSayNothing(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{V2Answers: exchange.V2Answers{LeastReply: 1000}})
	s.Fill(1)
	s.Instance(`{"name":"w1","format":"json"}`, "blobs")
	reply := s.Later(func() (*resttest.Reply, string) { return s.Ask("GET", resttest.W1+"/records?timeout=20000", "") })
	resttest.Eventually(t, "the request waits", func() bool { return polling(s) })
	s.Talk(resttest.Call("POST", "/v1/topics/blobs/records", `"`+strings.Repeat("x", 1000)+`"`, 200, `*`))
	var all []resttest.Got
	if got := <-reply; json.Unmarshal([]byte(got.Text), &all) != nil || len(all) != 2 {
		t.Errorf("with enough bytes: %d records in %s", len(all), got.Text)
	}
}

// As Confluent's default says, a reply takes its whole time.
func TestWithMinusOneAReplyTakesItsWholeTime(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(3)
	s.Instance(`{"name":"w1","format":"json","fetch.min.bytes":-1}`, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=20000&max_bytes=1"), 0) // its bytes are reached
	begun := time.Now()
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=500"), 1, 2)
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("the reply came after %v", took)
	}
}

func TestTheFirstReplyWaitsForTheGroup(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(1)
	s.Instance(resttest.Manual, "blobs")
	if n := len(s.Records(resttest.W1 + "/records?timeout=15000")); n != 1 {
		t.Errorf("%d records", n)
	}
}

// polling reports whether a request of w1 waits for records.
func polling(s *resttest.Sluice) bool {
	return s.Door.V2.HasTurn(resttest.Billing) && s.Door.Stats().Waiting > 0
}

func TestALongPollEndsWithData(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Instance(resttest.Manual, "blobs")
	s.Records(resttest.W1 + "/records?timeout=1")
	replies := make(chan []resttest.Got)
	go func() { replies <- s.Records(resttest.W1 + "/records?timeout=15000") }()
	resttest.Eventually(t, "the poll", func() bool { return polling(s) })
	if n := s.Door.Stats().Requests; n != 0 {
		t.Errorf("who waits counts as %d requests", n)
	}
	s.Fill(1)
	select {
	case list := <-replies:
		resttest.WantOffsets(t, list, 0)
	case <-time.After(resttest.Patience / 2):
		t.Error("nothing came")
	}
}

func TestALongPollEndsWithTheInstance(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Instance(resttest.Manual, "blobs")
	var polls sync.WaitGroup
	for range 2 { // the second waits for its turn
		polls.Go(func() {
			answer, text := s.Ask("GET", resttest.W1+"/records?timeout=600000", "")
			resttest.WantFailure(t, "poll", answer, text, 404, 40403, "It was deleted")
		})
	}
	resttest.Eventually(t, "the poll", func() bool { return polling(s) })
	s.Talk(resttest.Call("DELETE", resttest.W1, ``, 204, ``))
	polls.Wait()
}

func TestALongPollEndsForAnotherSubscription(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Instance(resttest.Manual, "orders")
	replies := make(chan []resttest.Got)
	go func() { replies <- s.Records(resttest.W1 + "/records?timeout=600000") }()
	resttest.Eventually(t, "the poll", func() bool { return polling(s) })
	s.Fill(1)
	s.Talk(resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`, 204, ``))
	if list := <-replies; len(list) != 0 {
		t.Errorf("%v", list)
	}
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
}

// The records of a reply that was not delivered are the next ones again. A commit in between does not cover them.
func TestWhatCouldNotBeWrittenComesAgain(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	const n, size = 6, 900_000 // more than any socket's buffers take
	for range n {
		s.Talk(resttest.Call("POST", "/v1/topics/blobs/records", `"`+strings.Repeat("x", size)+`"`, 200, `*`))
	}
	s.Instance(resttest.Manual, "blobs")
	resttest.Eventually(t, "all records to be there", func() bool { return s.Client.Stats().Fetched == n })
	conn, reader := s.Dial()
	s.Write(conn, "GET %s/records?timeout=10000&max_bytes=16000000 HTTP/1.1\r\nHost: localhost\r\n\r\n", resttest.W1)
	if _, err := reader.ReadByte(); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	resttest.Eventually(t, "the end of the reply", func() bool { return !s.Door.V2.HasTurn(resttest.Billing) })
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(0)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=16000000"), 0, 1, 2, 3, 4, 5)
	if held := s.Door.Stats().Held; held != 0 {
		t.Errorf("%d bytes are held", held)
	}
	s.WantBooks()
}

func TestWhoGoesAwayWhileWaitingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Instance(resttest.Manual, "blobs")
	conn, _ := s.Dial()
	s.Write(conn, "GET %s/records?timeout=600000 HTTP/1.1\r\nHost: localhost\r\n\r\n", resttest.W1)
	resttest.Eventually(t, "the poll", func() bool { return polling(s) })
	conn.Close()
	resttest.Eventually(t, "the end of the poll", func() bool { return !s.Door.V2.HasTurn(resttest.Billing) })
	s.Fill(1)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
	s.WantBooks()
}
