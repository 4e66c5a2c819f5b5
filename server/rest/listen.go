package rest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/httpconn"
	"github.com/sluice-proxy/sluice/server/httpframe"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The bounds of one connection that nobody needs to change.
const (
	maxStreams   = 100       // requests at once on a connection of HTTP/2
	streamBuffer = 256 << 10 // bytes of bodies on such a connection that no handler has read
)

// server makes the server of net/http.
func (s *Server) server(handler http.Handler) *http.Server {
	opts := s.service.Options()
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(opts.H2C)
	return &http.Server{
		Protocols:         protocols,
		HTTP2:             http2(opts),
		Handler:           handler,
		ReadHeaderTimeout: opts.HeaderTimeout,
		ReadTimeout:       opts.BodyTimeout,
		// From the end of the header to the last byte of the answer. Streams move their deadlines on.
		WriteTimeout:   opts.AnswerTime(),
		IdleTimeout:    opts.IdleTimeout,
		MaxHeaderBytes: httpframe.MaxHeaderBytes,
		ConnState:      s.conns.Note,
		ConnContext:    httpconn.WithConn,
		ErrorLog:       slog.NewLogLogger(s.service.Log.Handler(), slog.LevelDebug), // not above Debug: strangers cause these lines
	}
}

// http2 returns the bounds of connections of HTTP/2. By default each connection may hold a megabyte of bodies that
// nobody reads yet, and frames of the same size. Requests that wait for records read no body.
func http2(opts *exchange.Options) *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams, WriteByteTimeout: opts.WriteTimeout,
		MaxReadFrameSize: 16 << 10, MaxReceiveBufferPerConnection: streamBuffer, MaxReceiveBufferPerStream: streamBuffer,
	}
}

// Serve answers on the listener until Leave or Drain, or until the listener is closed. It may be called for several
// listeners, which share the places for connections.
func (s *Server) Serve(l net.Listener) error {
	beat, end := s.service.Options().Register.Loop("accept:http", server.AcceptGap)
	defer end()
	limited := server.NewLimitListener(l, s.slots, beat)
	if s.service.IsDraining() || !s.listeners.Add(limited.Listener) {
		return l.Close()
	}
	defer s.listeners.Done()
	err := s.http.Serve(&httpconn.Listener{Listener: limited, Refuse: s.lastAnswer, Patience: s.service.Options().WriteTimeout})
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Leave accepts the connections that wait at a listener already, and closes it. Open connections go on.
func (s *Server) Leave(l net.Listener) { s.listeners.FinishOne(l) }

// Drain ends streams and waits for records, and lets workers settle what they were lent. Then it accepts the
// connections that wait already, and closes the listeners. Requests that have begun are answered, and so is the first
// request of a new connection. Idle connections are closed. After the grace, or when ctx ends, the remaining
// connections are cut. Drain returns how many when no connection is left.
//
// http.Server.Shutdown alone is not enough: it takes a new connection that is slow to ask for an idle one, and closes
// it.
func (s *Server) Drain(ctx context.Context) int {
	defer s.v1.Lenders.Close()
	ctx, cancel := context.WithTimeout(ctx, s.service.Options().DrainGrace)
	defer cancel()
	s.stop()
	s.v1.Lenders.WaitSettled(ctx)
	s.V2.WaitCommitted(ctx)
	s.listeners.Finish()
	s.http.SetKeepAlivesEnabled(false)
	cut := s.conns.WaitIdle(ctx)
	if cut == 0 {
		_ = s.http.Shutdown(ctx) // closes connections that have just become idle
	}
	_ = s.http.Close()
	s.conns.WaitClosed()
	s.V2.Close()
	return cut
}

// stop ends streams and waits for records, and takes nothing new. Drain begins with it.
func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.draining = true
		close(s.service.Drains)
	}
}

// lastAnswer counts a request that no handler sees, and returns the refusal as bytes. The connection ends with it.
func (s *Server) lastAnswer(status int, message string) []byte {
	s.service.CountAnswer(nil, status, 0)
	s.service.Log.Debug("request not granted", "status", status, "reason", message)
	body, _ := json.Marshal(exchange.Problem{Code: status, Message: message}) // cannot fail: a number and a string
	b := append([]byte("HTTP/1.1 "), strconv.Itoa(status)...)
	b = append(append(b, ' '), http.StatusText(status)...)
	b = append(b, "\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\nContent-Type: "+exchange.V2Type+"\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\nX-Content-Type-Options: nosniff\r\n"+exchange.RequestID+": "...)
	b = append(append(b, exchange.NewID()...), "\r\n\r\n"...)
	return append(b, body...)
}
