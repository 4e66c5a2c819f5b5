package rest

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/httpconn"
)

// exchange is one request and its answer.
type exchange struct {
	*Server

	opts   *Options // as they were when it began
	w      http.ResponseWriter
	r      *http.Request
	status int // that was sent, 0 while none was
	buffer *[]byte
	sent   *sent // nil: nobody logs it

	unpacker *unpacker // nil: the body comes as it is
}

// ServeHTTP lets requests in, or says why not.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	httpconn.MarkHandled(r)
	r = unspoiled(w, r)
	identify(w, r)
	straightened, ok := straight(r)
	switch {
	case r.ProtoMajor == 2 && r.Method == httpconn.Preface: // net/http leaves that to its handler
		w.Header().Set("Connection", "close")
		s.refuse(w, r, plain(http.StatusHTTPVersionNotSupported, "HTTP/2 is not spoken here"))
	case !server.AnswersTo(r.Host, s.options().Hosts):
		s.refuse(w, r, plain(http.StatusMisdirectedRequest,
			"not served under this name: ask by address or as localhost, or allow it in http.hosts"))
	case !server.SameOrigin(r.Header.Get("Origin"), r.Host):
		s.refuse(w, r, plain(http.StatusForbidden, "not served to other origins"))
	case !s.authentic(r):
		s.unauthentic.Add(1)
		w.Header().Set("WWW-Authenticate", `Basic realm="sluice", charset="UTF-8"`)
		s.refuse(w, r, &failure{status: http.StatusUnauthorized, code: codeUnauthentic, message: "a password is needed"})
	case !ok:
		s.lost(w, r)
	default:
		s.mux.ServeHTTP(w, straightened)
	}
}

// unspoiled lets a request begin. Where a stream before it ended ahead of its body (see lines.end), net/http took
// the deadline that ended the reading for a client that had hung up: the contexts of all later requests of
// the connection have ended before they begin. Such a request is answered, and is the last one there.
func unspoiled(w http.ResponseWriter, r *http.Request) *http.Request {
	if r.ProtoMajor != 1 || r.Context().Err() == nil {
		return r
	}
	w.Header().Set("Connection", "close")
	return r.WithContext(context.WithoutCancel(r.Context()))
}

// authentic tells whether a request brings the password: "Authorization: Bearer <password>" (RFC 6750), or
// Basic with any user (RFC 7617).
func (s *Server) authentic(r *http.Request) bool {
	password := s.options().Password
	if password == "" {
		return true
	}
	_, given, _ := r.BasicAuth()
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		given = token
	}
	return server.PasswordMatches([]byte(given), password)
}

const requestID = "X-Request-Id"

// identify gives the answer the request's id: its own when it is fit to be written into a log.
func identify(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(requestID)
	strange := func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\' }
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, strange) {
		id = newID()
	}
	w.Header().Set(requestID, id)
}

func newID() string {
	var random [8]byte
	binary.NativeEndian.PutUint64(random[:], rand.Uint64())
	return hex.EncodeToString(random[:])
}

// answer runs what a route names, and counts how that ended.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, chosen *route) {
	x := s.exchange(w, r)
	defer x.account(chosen, time.Now())
	if n := s.asking.Add(1); int(n) > x.opts.MaxRequests {
		x.fail(unavailable("too many requests at once"))
		return
	}
	if !acceptable(r) {
		x.fail(notAcceptable())
		return
	}
	switch err := x.run(chosen); {
	case errors.Is(err, errGone):
		panic(http.ErrAbortHandler) // net/http closes the connection
	case err != nil:
		x.fail(asFailure(err))
	}
}

// run answers 500 for a mistake of ours, where the answer has not begun; the others go on.
func (x *exchange) run(chosen *route) (err error) {
	defer func() {
		mistake := recover()
		if mistake == nil {
			return
		}
		x.log.Error("a request failed in sluice itself", "route", chosen.pattern, "panic", mistake, "stack", string(debug.Stack()))
		if x.status != 0 {
			panic(http.ErrAbortHandler) // the client must not take what it has for everything
		}
		err = plain(http.StatusInternalServerError, "a mistake in sluice; its log has more")
	}()
	return chosen.run(x)
}

func (x *exchange) account(chosen *route, began time.Time) {
	x.asking.Add(-1)
	x.release()
	x.count(chosen, time.Since(began))
}

// count notes how a request ended; the route is nil when none took it.
func (x *exchange) count(chosen *route, took time.Duration) {
	countAnswer(x.meters[chosen], x.status, took)
	if x.sent != nil {
		x.logAccess(chosen, took)
	}
}

// refuse answers a request that no route takes.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f *failure) {
	x := s.exchange(w, r)
	x.fail(f)
	x.count(nil, 0)
}

// errGone ends an exchange whose client has gone.
var errGone = errors.New("the client has gone")

// problem is the body of a failure.
type problem struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
	Outcome string `json:"outcome,omitempty"`
}

func (x *exchange) fail(f *failure) {
	// Strangers must not fill the log: no more than Debug.
	x.log.Debug("request not granted", "method", x.r.Method, "path", x.r.URL.Path, "status", f.status,
		"reason", f.message, "request_id", x.w.Header().Get(requestID))
	if x.status != 0 { // too late for another answer
		panic(http.ErrAbortHandler)
	}
	httpconn.MarkRefused(x.r)
	if f.again > 0 || f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests {
		x.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(f.again.Seconds()))))
	}
	x.json(f.status, problem{f.code, f.message, f.outcome})
}

// json answers with a body that is small and asked for now and then.
func (x *exchange) json(status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // strings, numbers and lists of ours always have a JSON
		status, text = http.StatusInternalServerError, []byte(`{"error_code":50002,"message":"a mistake in sluice"}`)
	}
	x.send(status, text)
}

// send answers with a body of JSON. A client that does not take it is its own trouble.
func (x *exchange) send(status int, body []byte) {
	if status == http.StatusNoContent {
		x.begin(status, x.kind())
		return
	}
	if len(body) >= packFrom {
		body = x.packed(body)
	}
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.begin(status, x.kind())
	_, _ = x.w.Write(body)
}

// begin sends the answer's header.
func (x *exchange) begin(status int, kind string) {
	x.status = status
	header := x.w.Header()
	header.Set("Content-Type", kind)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	x.w.WriteHeader(status)
}

const (
	jsonType = "application/json"
	v2Type   = "application/vnd.kafka.v2+json"
)

// kind is the Content-Type of an answer: that of v2, but for our own calls, for version 3, and for clients
// that only take plain JSON.
func (x *exchange) kind() string {
	path, accept := x.r.URL.Path, x.r.Header.Get("Accept")
	if strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/v3/") ||
		strings.Contains(accept, jsonType) && !strings.Contains(accept, "vnd.kafka") {
		return jsonType
	}
	return v2Type
}

// within bounds what the brokers are asked for.
func (x *exchange) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.r.Context(), d)
}
