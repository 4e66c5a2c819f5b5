package v2_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestWhatADeletedInstanceWasLentGoesToOthersAtOnce(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(3)
	s.Instance(resttest.Manual, "blobs")
	const w2 = "/consumers/billing/instances/w2"
	s.Talk(
		resttest.Call("POST", "/consumers/billing", strings.Replace(resttest.Manual, "w1", "w2", 1), 200, `*`),
		resttest.Call("POST", w2+"/subscription", `{"topics":["blobs"]}`, 204, ``),
	)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0, 1, 2)
	if list := s.Records(w2 + "/records?timeout=50"); len(list) != 0 {
		t.Errorf("another instance was lent %v", list)
	}
	answer, text := s.Ask("POST", w2+"/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`)
	resttest.WantFailure(t, "another's", answer, text, 409, 40903, "another member is at work on it")
	s.Talk(resttest.Call("DELETE", resttest.W1, ``, 204, ``))
	resttest.WantOffsets(t, s.Records(w2+"/records?timeout=10000"), 0, 1, 2)
	s.Talk(resttest.Call("POST", w2+"/offsets", ``, 200, `[]`))
	s.WantCommitted(3)
	s.WantBooks()
}

func TestAnIdleInstanceExpires(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{InstanceIdle: 300 * time.Millisecond}})
	s.Fill(1)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
	s.Records(resttest.W1 + "/records?timeout=900") // keeps it alive
	resttest.Eventually(t, "the end", func() bool { return s.Door.Stats().Instances == 0 })
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 404, `{"error_code":40403,"message":"Consumer instance not found. It expired after 300ms without a request."}`))
	if now := s.Door.Stats(); now.Instances != 0 || now.InstancesEnded["expired"] != 1 {
		t.Errorf("%+v", now)
	}
	if n := s.Client.Stats().Members; n != 0 {
		t.Errorf("%d members", n)
	}
	s.WantBooks()
}

func TestWhenSluiceStopsCommitsAndDeletesStillWork(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{DrainGrace: time.Second}})
	s.Fill(2)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 0)
	s.Records(resttest.W1 + "/records?timeout=10000&max_bytes=1") // is not committed
	poll := make(chan *resttest.Reply)
	go func() {
		answer, text := s.Ask("GET", resttest.W1+"/records?timeout=600000", "")
		resttest.WantFailure(t, "the poll", answer, text, 503, 50003, "stopping")
		poll <- answer
	}()
	resttest.Eventually(t, "the poll", func() bool { return polling(s) })
	begun, in := s.Dial() // keeps the drain waiting
	s.Write(begun, resttest.HalfAProduce)
	calls := []struct {
		line, body string
		status     int
	}{
		{"POST " + resttest.W1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":0}]}`, 200},
		{"GET " + resttest.W1 + "/records", ``, 503},
		{"POST /consumers/billing", ``, 503},
		{"POST " + resttest.W1 + "/subscription", `{"topics":["orders"]}`, 503},
	}
	var clients []func(line, body string) int
	for range calls {
		clients = append(clients, s.Connected())
	}
	resttest.Eventually(t, "the connections", func() bool { return s.Door.Stats().Connections >= 6 })
	drained := make(chan int)
	go func() { drained <- s.Door.Drain(context.Background()) }()
	if answer := <-poll; answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for i, c := range calls {
		if status := clients[i](c.line, c.body); status != c.status {
			t.Errorf("%s: %d, want %d", c.line, status, c.status)
		}
	}
	s.Write(begun, "}")
	s.Answered(in)
	<-drained
	s.WantCommitted(1)
	if now := s.Door.Stats(); now.Instances != 0 || now.InstancesEnded["stopped"] != 1 {
		t.Errorf("%+v", now)
	}
	if n := s.Client.Stats().Members; n != 0 {
		t.Errorf("%d members", n)
	}
	s.WantBooks()
}

// The client has no connection open when the drain begins. It comes back to commit.
func TestAStopWaitsForTheCommitOfWhoIsAtWork(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{DrainGrace: resttest.Patience}})
	s.Fill(1)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
	s.HTTP.CloseIdleConnections()
	drained := make(chan int)
	go func() { drained <- s.Door.Drain(context.Background()) }()
	resttest.Eventually(t, "the drain", s.Door.V2.IsDraining)
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.HTTP.CloseIdleConnections()
	select {
	case <-drained:
	case <-time.After(resttest.Patience / 2):
		t.Error("the drain waits for nothing")
	}
	s.WantCommitted(1)
}
