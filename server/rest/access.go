package rest

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// sent counts the bytes of an answer's body that is to be logged.
type sent struct {
	http.ResponseWriter

	bytes int64
}

// Write sends a part of the body.
func (s *sent) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p)
	s.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (s *sent) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// exchange begins the answer to a request, and decides whether it will be logged.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{Server: s, opts: s.options(), w: w, r: r}
	if share := x.opts.AccessLog; share > 0 && rand.Float64() < share {
		x.sent = &sent{ResponseWriter: w}
		x.w = x.sent
	}
	return x
}

// logAccess writes the line of a request. Nothing in it is a text of the client's but the request's id,
// which was looked at: no path, no query, no method that we do not know.
func (x *exchange) logAccess(chosen *route, took time.Duration) {
	log := x.opts.Access
	if log == nil {
		log = x.log
	}
	method, pattern := "", ""
	if chosen != nil {
		method, pattern = chosen.method, strings.TrimSuffix(chosen.pattern, "{$}")
	}
	log.Info("request answered", "method", method, "route", pattern, "status", x.status, "bytes", x.sent.bytes,
		"took", took.String(), "request_id", x.w.Header().Get(requestID))
}
