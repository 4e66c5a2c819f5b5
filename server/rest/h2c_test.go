package rest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// speakHTTP2 makes the client speak nothing else.
func (s *sluice) speakHTTP2() {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	s.t.Cleanup(transport.CloseIdleConnections)
	s.http = &http.Client{Transport: &witness{t: s.t, next: transport}, Timeout: patience}
}

func TestHTTP2IsSpokenWhenAsked(t *testing.T) {
	s := start(t, Options{H2C: true, MaxBody: 1000})
	s.ask("GET", "/", "") // HTTP/1 goes on
	s.speakHTTP2()
	for range 3 {
		answer, text := s.ask("POST", "/topics/blobs", `{"records":[{"value":1}]}`, "Content-Type", asJSON)
		if answer.StatusCode != 200 || !strings.Contains(text, `"error":null`) {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
	}
	answer, text := s.ask("POST", "/v1/topics/blobs/records", strings.Repeat("{\"value\":1}\n", 500), "Content-Type", ndjsonType)
	if answer.StatusCode != 200 || strings.Count(text, "offset") != 500 {
		t.Errorf("%d %.200s", answer.StatusCode, text)
	}
	answer, text = s.ask("GET", "/nothing", "")
	wantFailure(t, "nothing", answer, text, 404, 404, "Not Found")
	answer, text = s.ask("POST", "/topics/blobs", strings.Repeat("x", 1001), "Content-Type", asJSON)
	wantFailure(t, "large", answer, text, 413, 413, "1000 bytes")
	if n := s.door.Stats().Accepted; n > 3 {
		t.Errorf("%d connections", n)
	}
}

func TestHTTP2IsBoundedAndDrains(t *testing.T) {
	s := start(t, Options{H2C: true})
	s.speakHTTP2()
	from, to := io.Pipe()
	r, err := http.NewRequestWithContext(within(t, patience), "POST", "http://"+s.addr+"/v1/topics/blobs/records", from)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		answer, err := s.http.Do(r)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		answered <- string(text)
	}()
	eventually(t, "the request", func() bool { return s.door.Stats().Requests == 1 })
	drained := make(chan int, 1)
	go func() { drained <- s.door.Drain(context.Background()) }()
	select {
	case n := <-drained:
		t.Fatalf("drained, %d cut, with a request under way", n)
	default:
	}
	to.Write([]byte("raw"))
	to.Close()
	if text := <-answered; !strings.Contains(text, `"offset":0`) {
		t.Errorf("begun: %s", text)
	}
	if n := <-drained; n != 0 {
		t.Errorf("%d cut", n)
	}
}

func TestMoreRequestsThanFitOnAConnectionOfHTTP2(t *testing.T) {
	s := start(t, Options{H2C: true})
	s.speakHTTP2()
	ctx, cancel := context.WithCancel(within(t, patience))
	var asked sync.WaitGroup
	for range maxStreams + 1 {
		from, to := io.Pipe() // whose end does not come
		defer to.Close()
		r, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.addr+"/v1/topics/blobs/records", from)
		if err != nil {
			t.Fatal(err)
		}
		asked.Go(func() {
			if answer, err := s.http.Do(r); err == nil {
				t.Errorf("%d", answer.StatusCode)
				answer.Body.Close()
			}
		})
	}
	eventually(t, "all of them", func() bool { return s.door.Stats().Requests == maxStreams+1 })
	if n := s.door.Stats().Connections; n != 2 {
		t.Errorf("%d connections", n)
	}
	cancel()
	asked.Wait()
	eventually(t, "the end of them", func() bool { return s.door.Stats().Requests == 0 })
}
