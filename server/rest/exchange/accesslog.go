package exchange

import (
	"net/http"
	"time"
)

// sentBytes counts the bytes of an answer's body.
type sentBytes struct {
	http.ResponseWriter

	n int64
}

// Write sends a part of the body.
func (s *sentBytes) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p)
	s.n += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (s *sentBytes) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// logAccess writes the line of a request. The only text of the client's in it is the request's id, which was checked:
// there is no path, no query, and no method that we do not know.
func (x *Exchange) logAccess(took time.Duration) {
	log := x.Opts.Access
	if log == nil {
		log = x.Log
	}
	method, name := "", ""
	if x.route != nil {
		method, name = x.route.Method, x.route.Name()
	}
	log.Info("request answered", "method", method, "route", name, "status", x.Status, "bytes", x.sent.n,
		"took", took.String(), "request_id", x.W.Header().Get(RequestID))
}
