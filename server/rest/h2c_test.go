package rest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestHTTP2IsSpokenWhenAsked(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 1000}, H2C: true})
	s.Ask("GET", "/", "") // HTTP/1 goes on
	s.SpeakHTTP2()
	for range 3 {
		answer, text := s.Ask("POST", "/topics/blobs", `{"records":[{"value":1}]}`, "Content-Type", resttest.AsJSON)
		if answer.StatusCode != 200 || !strings.Contains(text, `"error":null`) {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
	}
	answer, text := s.Ask("POST", "/v1/topics/blobs/records", strings.Repeat("{\"value\":1}\n", 500), "Content-Type", exchange.NDJSONType)
	if answer.StatusCode != 200 || strings.Count(text, "offset") != 500 {
		t.Errorf("%d %.200s", answer.StatusCode, text)
	}
	answer, text = s.Ask("GET", "/nothing", "")
	resttest.WantFailure(t, "nothing", answer, text, 404, 404, "Not Found")
	answer, text = s.Ask("POST", "/topics/blobs", strings.Repeat("x", 1001), "Content-Type", resttest.AsJSON)
	resttest.WantFailure(t, "large", answer, text, 413, 413, "1000 bytes")
	if n := s.Door.Stats().Accepted; n > 3 {
		t.Errorf("%d connections", n)
	}
}

func TestHTTP2IsBoundedAndDrains(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{H2C: true})
	s.SpeakHTTP2()
	from, to := io.Pipe()
	r, err := http.NewRequestWithContext(resttest.Within(t, resttest.Patience), "POST", "http://"+s.Addr+"/v1/topics/blobs/records", from)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		answer, err := s.HTTP.Do(r)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		answered <- string(text)
	}()
	resttest.Eventually(t, "the request", func() bool { return s.Door.Stats().Requests == 1 })
	drained := make(chan int, 1)
	go func() { drained <- s.Door.Drain(context.Background()) }()
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
	t.Parallel()
	s := resttest.Start(t, exchange.Options{H2C: true})
	s.SpeakHTTP2()
	ctx, cancel := context.WithCancel(resttest.Within(t, resttest.Patience))
	var asked sync.WaitGroup
	for i := range rest.MostStreams + 1 {
		if i == 1 { // before there is a connection, the client may open one for each request
			resttest.Eventually(t, "the first", func() bool { return s.Door.Stats().Requests == 1 })
		}
		from, to := io.Pipe() // whose end does not come
		defer to.Close()
		r, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.Addr+"/v1/topics/blobs/records", from)
		if err != nil {
			t.Fatal(err)
		}
		asked.Go(func() {
			if answer, err := s.HTTP.Do(r); err == nil {
				t.Errorf("%d", answer.StatusCode)
				answer.Body.Close()
			}
		})
	}
	resttest.Eventually(t, "all of them", func() bool { return s.Door.Stats().Requests == rest.MostStreams+1 })
	if n := s.Door.Stats().Connections; n != 2 {
		t.Errorf("%d connections", n)
	}
	cancel()
	asked.Wait()
	resttest.Eventually(t, "the end of them", func() bool { return s.Door.Stats().Requests == 0 })
}
