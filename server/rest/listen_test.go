package rest

import (
	"bufio"
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
)

// dial opens a connection to the door.
func (s *sluice) dial() (net.Conn, *bufio.Reader) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	out, in := &spoken{Conn: conn}, bufio.NewReader(conn)
	s.spoken.Store(in, out)
	return out, in
}

func (s *sluice) write(conn net.Conn, format string, values ...any) {
	s.t.Helper()
	if _, err := fmt.Fprintf(conn, format, values...); err != nil {
		s.t.Fatal(err)
	}
}

// answered reads an answer from a connection.
func (s *sluice) answered(in *bufio.Reader) (*reply, string) {
	s.t.Helper()
	answer, err := s.said(in)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return replyOf(answer), string(text)
}

// halfAProduce is a request whose last byte has not come yet.
const halfAProduce = "POST /topics/blobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + asJSON +
	"\r\nContent-Length: 25\r\n\r\n" + `{"records":[{"value":1}]`

func TestABodyThatDoesNotCome(t *testing.T) {
	s := start(t, Options{BodyTimeout: 200 * time.Millisecond})
	conn, in := s.dial()
	s.write(conn, halfAProduce)
	answer, text := s.answered(in)
	wantFailure(t, "slow", answer, text, 408, 408, "200ms")
	if !answer.Close {
		t.Error("the connection goes on, with the rest of a body in it")
	}
}

func TestAnAnswerMayTakeLongerThanABody(t *testing.T) {
	s := start(t, Options{BodyTimeout: 100 * time.Millisecond, AckTimeout: 500 * time.Millisecond})
	s.cluster.Close()
	answer, text := s.ask("POST", "/topics/blobs", `{"records":[{"value":1}]}`, "Content-Type", asJSON)
	if answer.StatusCode != 200 || !strings.Contains(text, "did not answer within 500ms") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

func TestBodiesAreBoundTogether(t *testing.T) {
	s := start(t, Options{MaxHeld: 20_000, MaxBody: 1 << 20})
	answer, text := s.ask("POST", "/topics/blobs", `{"records":[{"value":"`+strings.Repeat("x", 40_000)+`"}]}`, "Content-Type", asJSON)
	wantFailure(t, "large", answer, text, 503, 50003, "large requests")
	answer, text = s.ask("POST", "/v1/topics/blobs/records", strings.Repeat("x", 40_000))
	wantFailure(t, "large, raw", answer, text, 503, 50003, "large requests")
	if n := s.door.Stats().Held; n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

func TestTooManyRequestsAreToldToComeBack(t *testing.T) {
	s := start(t, Options{MaxRequests: 1})
	conn, in := s.dial()
	s.write(conn, halfAProduce)
	eventually(t, "the first request", func() bool { return s.door.Stats().Requests == 1 })
	answer, text := s.ask("GET", "/topics", "")
	wantFailure(t, "second", answer, text, 503, 50003, "too many requests")
	if answer.Header.Get("Retry-After") != "1" {
		t.Errorf("%v", answer.Header)
	}
	s.write(conn, "}")
	if answer, text := s.answered(in); answer.StatusCode != 200 {
		t.Errorf("first: %d %s", answer.StatusCode, text)
	}
}

func TestLongHeadersAreRefused(t *testing.T) {
	s := start(t, Options{})
	conn, in := s.dial()
	s.write(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 2*httpframe.MaxHeaderBytes))
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "431") {
		t.Errorf("%q %v", line, err)
	}
}

func TestDrainAnswersWhatHasBegunAndWhoHasJustCome(t *testing.T) {
	s := start(t, Options{})
	begun, begunIn := s.dial()
	s.write(begun, halfAProduce)
	idle, idleIn := s.dial()
	s.write(idle, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	s.answered(idleIn)
	silent, silentIn := s.dial()
	eventually(t, "three connections", func() bool { return s.door.Stats().Connections == 3 && s.door.Stats().Requests == 1 })

	drained := make(chan int, 1)
	go func() { drained <- s.door.Drain(context.Background()) }()
	if _, err := idleIn.ReadByte(); err != io.EOF {
		t.Errorf("idle: %v", err)
	}
	if conn, err := net.Dial("tcp", s.addr); err == nil {
		conn.Close()
		t.Error("the listener is still open")
	}
	s.write(begun, "}")
	if answer, text := s.answered(begunIn); answer.StatusCode != 200 || !answer.Close || !strings.Contains(text, `"offset":0`) {
		t.Errorf("begun: %d %s", answer.StatusCode, text)
	}
	select {
	case n := <-drained:
		t.Fatalf("drained, %d cut, before the new connection could ask", n)
	default:
	}
	s.write(silent, "GET /topics HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if answer, text := s.answered(silentIn); answer.StatusCode != 200 || !answer.Close {
		t.Errorf("new: %d %s", answer.StatusCode, text)
	}
	if n := <-drained; n != 0 {
		t.Errorf("%d cut", n)
	}
}

func TestDrainCutsAfterItsGrace(t *testing.T) {
	s := start(t, Options{DrainGrace: 50 * time.Millisecond})
	conn, in := s.dial()
	s.write(conn, halfAProduce)
	eventually(t, "the request", func() bool { return s.door.Stats().Requests == 1 })
	if n := s.door.Drain(context.Background()); n != 1 {
		t.Errorf("%d cut", n)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
	if now := s.door.Stats(); now.Requests != 0 || now.Held != 0 || now.Connections != 0 {
		t.Errorf("%+v", now)
	}
}

func TestWhatAClientProducedThatWentAwayIsInKafka(t *testing.T) {
	s := start(t, Options{})
	conn, _ := s.dial()
	s.write(conn, halfAProduce+"}")
	conn.Close()
	if got := s.read("blobs", 1); string(got[0].Value) != "1" {
		t.Errorf("%q", got[0].Value)
	}
	eventually(t, "the end of the request", func() bool { return s.door.Stats().Requests == 0 })
	eventually(t, "the record is counted", func() bool { return s.client.Stats().Ended[kafka.OK] == 1 })
}

func TestWhatAStreamProducedIsCountedWhenItsClientBreaksOff(t *testing.T) {
	s := start(t, Options{})
	conn, in := s.dial()
	s.write(conn, posting+"Content-Type: "+ndjsonType+"\r\nTransfer-Encoding: chunked\r\n\r\n")
	const line = "{\"value\":1}\n"
	s.write(conn, "%x\r\n%s\r\n", 900*len(line), strings.Repeat(line, 900))
	if first, err := in.ReadString('}'); err != nil || !strings.Contains(first, `"line":1,`) {
		t.Fatal(first, err)
	}
	conn.(*spoken).Conn.(*net.TCPConn).SetLinger(0) // a reset, not an end
	conn.Close()
	eventually(t, "the end of the request", func() bool { return s.door.Stats().Requests == 0 })
	eventually(t, "all are counted", func() bool {
		now := s.client.Stats()
		return now.Accepted > 0 && now.Pending == 0 && now.Ended[kafka.OK] == now.Accepted
	})
	s.read("blobs", int(s.client.Stats().Accepted))
}

func TestAHeaderThatDripsIsCut(t *testing.T) {
	s := start(t, Options{HeaderTimeout: 300 * time.Millisecond})
	conn, in := s.dial()
	s.write(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n")
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
	answer, text := s.answered(in)
	wantFailure(t, "slow", answer, text, 408, 408, "header did not come")
	_, err := in.ReadByte()
	close(cut)
	drips.Wait()
	if err == nil {
		t.Error("the connection goes on")
	}
}

func TestRequestsAreCountedByRoute(t *testing.T) {
	s := start(t, Options{})
	s.ask("GET", "/topics/blobs", "")
	s.ask("GET", "/topics/nope", "")
	s.ask("GET", "/elsewhere", "")
	now := s.door.Stats()
	if len(now.Routes) != 2 || now.Routes[0].Pattern != "" || now.Routes[0].Classes != [6]int64{4: 1} ||
		now.Routes[1].Pattern != "/topics/{topic}" || now.Routes[1].Classes != [6]int64{2: 1, 4: 1} || now.Routes[1].Latency.Count != 2 {
		t.Errorf("%+v", now)
	}
}
