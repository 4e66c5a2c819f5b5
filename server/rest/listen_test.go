package rest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/httpframe"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestABodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{BodyTimeout: 200 * time.Millisecond}})
	conn, in := s.Dial()
	s.Write(conn, resttest.HalfAProduce)
	answer, text := s.Answered(in)
	resttest.WantFailure(t, "slow", answer, text, 408, 408, "200ms")
	if !answer.Close {
		t.Error("the connection goes on, with the rest of a body in it")
	}
}

func TestAnAnswerMayTakeLongerThanABody(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{BodyTimeout: 100 * time.Millisecond, AckTimeout: 500 * time.Millisecond}})
	s.Cluster.Close()
	answer, text := s.Ask("POST", "/topics/blobs", `{"records":[{"value":1}]}`, "Content-Type", resttest.AsJSON)
	if answer.StatusCode != 200 || !strings.Contains(text, "retry: not sent within 500ms") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

func TestBodiesAreBoundTogether(t *testing.T) {
	t.Parallel()
	roomy := resttest.Start(t, exchange.Options{}) // leaves a large buffer for the requests after it
	if answer, text := roomy.Ask("POST", "/v1/topics/blobs/records", strings.Repeat("x", 50_000)); answer.StatusCode != 200 {
		t.Fatal(text)
	}
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxHeld: 20_000, MaxBody: 1 << 20}})
	answer, text := s.Ask("POST", "/topics/blobs", `{"records":[{"value":"`+strings.Repeat("x", 40_000)+`"}]}`, "Content-Type", resttest.AsJSON)
	resttest.WantFailure(t, "large", answer, text, 503, 50003, "large requests")
	answer, text = s.Ask("POST", "/v1/topics/blobs/records", strings.Repeat("x", 40_000))
	resttest.WantFailure(t, "large, raw", answer, text, 503, 50003, "large requests")
	if n := s.Door.Stats().Held; n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

func TestTooManyRequestsAreToldToComeBack(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxRequests: 1}})
	conn, in := s.Dial()
	s.Write(conn, resttest.HalfAProduce)
	resttest.Eventually(t, "the first request", func() bool { return s.Door.Stats().Requests == 1 })
	answer, text := s.Ask("GET", "/topics", "")
	resttest.WantFailure(t, "second", answer, text, 503, 50003, "too many requests")
	if answer.Header.Get("Retry-After") != "1" {
		t.Errorf("%v", answer.Header)
	}
	s.Write(conn, "}")
	if answer, text := s.Answered(in); answer.StatusCode != 200 {
		t.Errorf("first: %d %s", answer.StatusCode, text)
	}
}

func TestLongHeadersAreRefused(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	conn, in := s.Dial()
	s.Write(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 2*httpframe.MaxHeaderBytes))
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "431") {
		t.Errorf("%q %v", line, err)
	}
}

func TestDrainAnswersWhatHasBegunAndWhoHasJustCome(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	begun, begunIn := s.Dial()
	s.Write(begun, resttest.HalfAProduce)
	idle, idleIn := s.Dial()
	s.Write(idle, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	s.Answered(idleIn)
	silent, silentIn := s.Dial()
	resttest.Eventually(t, "three connections", func() bool { return s.Door.Stats().Connections == 3 && s.Door.Stats().Requests == 1 })

	drained := make(chan int, 1)
	go func() { drained <- s.Door.Drain(context.Background()) }()
	if _, err := idleIn.ReadByte(); err != io.EOF {
		t.Errorf("idle: %v", err)
	}
	if conn, err := net.Dial("tcp", s.Addr); err == nil {
		conn.Close()
		t.Error("the listener is still open")
	}
	s.Write(begun, "}")
	if answer, text := s.Answered(begunIn); answer.StatusCode != 200 || !answer.Close || !strings.Contains(text, `"offset":0`) {
		t.Errorf("begun: %d %s", answer.StatusCode, text)
	}
	select {
	case n := <-drained:
		t.Fatalf("drained, %d cut, before the new connection could ask", n)
	default:
	}
	s.Write(silent, "GET /topics HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if answer, text := s.Answered(silentIn); answer.StatusCode != 200 || !answer.Close {
		t.Errorf("new: %d %s", answer.StatusCode, text)
	}
	if n := <-drained; n != 0 {
		t.Errorf("%d cut", n)
	}
}

func TestDrainCutsAfterItsGrace(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{DrainGrace: 50 * time.Millisecond}})
	conn, in := s.Dial()
	s.Write(conn, resttest.HalfAProduce)
	resttest.Eventually(t, "the request", func() bool { return s.Door.Stats().Requests == 1 })
	if n := s.Door.Drain(context.Background()); n != 1 {
		t.Errorf("%d cut", n)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
	if now := s.Door.Stats(); now.Requests != 0 || now.Held != 0 || now.Connections != 0 {
		t.Errorf("%+v", now)
	}
}

func TestWhatAClientProducedThatWentAwayIsInKafka(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	conn, _ := s.Dial()
	s.Write(conn, resttest.HalfAProduce+"}")
	conn.Close()
	if got := s.Read("blobs", 1); string(got[0].Value) != "1" {
		t.Errorf("%q", got[0].Value)
	}
	resttest.Eventually(t, "the end of the request", func() bool { return s.Door.Stats().Requests == 0 })
	resttest.Eventually(t, "the record is counted", func() bool { return s.Client.Stats().Ended[kafka.OK] == 1 })
}

func TestWhatAStreamProducedIsCountedWhenItsClientBreaksOff(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	conn, in := s.Dial()
	s.Write(conn, resttest.Posting+"Content-Type: "+exchange.NDJSONType+"\r\nTransfer-Encoding: chunked\r\n\r\n")
	const line = "{\"value\":1}\n"
	s.Write(conn, "%x\r\n%s\r\n", 900*len(line), strings.Repeat(line, 900))
	if first, err := in.ReadString('}'); err != nil || !strings.Contains(first, `"line":1,`) {
		t.Fatal(first, err)
	}
	conn.(*resttest.Spoken).Conn.(*net.TCPConn).SetLinger(0) // a reset, not an end
	conn.Close()
	resttest.Eventually(t, "the end of the request", func() bool { return s.Door.Stats().Requests == 0 })
	resttest.Eventually(t, "all are counted", func() bool {
		now := s.Client.Stats()
		return now.Accepted > 0 && now.Pending == 0 && now.Ended[kafka.OK] == now.Accepted
	})
	s.Read("blobs", int(s.Client.Stats().Accepted))
}

func TestAHeaderThatDripsIsCut(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Timeouts: exchange.Timeouts{HeaderTimeout: 300 * time.Millisecond}})
	conn, in := s.Dial()
	s.Write(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n")
	cut := make(chan struct{})
	var drips sync.WaitGroup
	drips.Go(func() { // every drop comes long before the timeout
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
				_, _ = fmt.Fprintf(conn, "X-%d: x\r\n", n)
			case <-cut:
				return
			}
		}
	})
	answer, text := s.Answered(in)
	resttest.WantFailure(t, "slow", answer, text, 408, 408, "header did not come")
	_, err := in.ReadByte()
	close(cut)
	drips.Wait()
	if err == nil {
		t.Error("the connection goes on")
	}
}

func TestRequestsAreCountedByRoute(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Ask("GET", "/topics/blobs", "")
	s.Ask("GET", "/topics/nope", "")
	s.Ask("GET", "/elsewhere", "")
	now := s.Door.Stats()
	if len(now.Routes) != 2 || now.Routes[0].Pattern != "" || now.Routes[0].Classes != [6]int64{4: 1} ||
		now.Routes[1].Pattern != "/topics/{topic}" || now.Routes[1].Classes != [6]int64{2: 1, 4: 1} || now.Routes[1].Latency.Count != 2 {
		t.Errorf("%+v", now)
	}
}
