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
	"time"

	"github.com/sluice-proxy/sluice/server/httpconn"
)

// exchange is one request and its answer.
type exchange struct {
	*service

	opts   *Options // as they were when it began
	w      http.ResponseWriter
	r      *http.Request
	status int // that was sent; 0 before

	route *route // nil if no route takes the request
	api   version
	sent  *sentBytes // nil if the request is not logged

	buffer       *[]byte
	decompressor *decompressor // nil if the body comes as it is
}

// begun begins the answer to a request, and decides whether the request will be logged.
func (s *service) begun(w http.ResponseWriter, r *http.Request, chosen *route) *exchange {
	x := &exchange{service: s, opts: s.options(), w: w, r: r, route: chosen}
	if chosen == nil {
		x.api = versionOf(r)
	} else {
		x.api = chosen.api
	}
	if share := x.opts.AccessLog; share > 0 && rand.Float64() < share {
		x.sent = &sentBytes{ResponseWriter: w}
		x.w = x.sent
	}
	return x
}

// guards are checked in this order before a route runs. The first error is the answer.
var guards = []func(*exchange) error{(*exchange).limitRequests, (*exchange).checkAccept}

// answer runs a route, and counts how the request ended.
func (s *service) answer(w http.ResponseWriter, r *http.Request, chosen *route) {
	x := s.begun(w, r, chosen)
	began := time.Now()
	defer func() {
		s.answering.Add(-1)
		x.release()
		x.count(time.Since(began))
	}()
	for _, guard := range guards {
		if err := guard(x); err != nil {
			x.fail(asFailure(err))
			return
		}
	}
	switch err := x.run(); {
	case errors.Is(err, errGone):
		panic(http.ErrAbortHandler) // net/http closes the connection
	case err != nil:
		x.fail(asFailure(err))
	}
}

// limitRequests counts the request, and refuses more at once than there may be.
func (x *exchange) limitRequests() error {
	if n := x.answering.Add(1); int(n) > x.opts.MaxRequests {
		return unavailable("too many requests at once")
	}
	return nil
}

// run answers 500 for a panic of a handler. If the answer has begun, it breaks off instead.
func (x *exchange) run() (err error) {
	defer func() {
		mistake := recover()
		if mistake == nil {
			return
		}
		x.log.Error("a request failed in sluice itself", "route", x.route.pattern, "panic", mistake, "stack", string(debug.Stack()))
		if x.status != 0 {
			panic(http.ErrAbortHandler) // the client must not take a part for the whole answer
		}
		err = plain(http.StatusInternalServerError, "a mistake in sluice; its log has more")
	}()
	return x.route.run(x)
}

// count counts how a request ended, and logs it.
func (x *exchange) count(took time.Duration) {
	countAnswer(x.meters[x.route], x.status, took)
	if x.sent != nil {
		x.logAccess(took)
	}
}

// refuse answers a request that no route takes.
func (s *service) refuse(w http.ResponseWriter, r *http.Request, f *failure) {
	x := s.begun(w, r, nil)
	x.fail(f)
	x.count(0)
}

// errGone ends an exchange whose client has gone.
var errGone = errors.New("the client has gone")

// problem is the body of a failure.
type problem struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
	Outcome string `json:"outcome,omitempty"`
}

// fail answers with a failure.
func (x *exchange) fail(f *failure) {
	// Not more than Debug: strangers must not fill the log.
	x.log.Debug("request not granted", "method", x.r.Method, "path", x.r.URL.Path, "status", f.status,
		"reason", f.message, "request_id", x.w.Header().Get(requestID))
	if x.status != 0 { // it is too late for another answer
		panic(http.ErrAbortHandler)
	}
	httpconn.MarkRefused(x.r)
	if f.again > 0 || f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests {
		x.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(f.again.Seconds()))))
	}
	x.json(f.status, problem{f.code, f.message, f.outcome})
}

// json answers with a small body. It is not for answers with records.
func (x *exchange) json(status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // cannot happen: all bodies are of strings, numbers and lists
		status, text = http.StatusInternalServerError, []byte(`{"error_code":50002,"message":"a mistake in sluice"}`)
	}
	x.send(status, text)
}

// send answers with a body of JSON. It does not wait for a client that does not read.
func (x *exchange) send(status int, body []byte) {
	if status == http.StatusNoContent {
		x.begin(status, x.kind())
		return
	}
	if len(body) >= compressFrom {
		body = x.compressed(body)
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

// kind returns the Content-Type of an answer.
func (x *exchange) kind() string { return x.api.kind(x.r) }

// asking returns a context for a question to the brokers: it ends with the request, or after the route's timeout.
func (x *exchange) asking() (context.Context, context.CancelFunc) { return x.within(x.timeout()) }

// timeout bounds a question to the brokers.
func (x *exchange) timeout() time.Duration {
	if x.route != nil && x.route.timeout > 0 {
		return x.route.timeout
	}
	return askTimeout
}

// within returns a context that ends with the request, or after the given time.
func (x *exchange) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.r.Context(), d)
}

// writeTimeout is how long a client may take to read a piece of an answer.
const writeTimeout = 10 * time.Second

// requestID is the header that has the request's id.
const requestID = "X-Request-Id"

// newID returns a random id for a request.
func newID() string {
	var random [8]byte
	binary.NativeEndian.PutUint64(random[:], rand.Uint64())
	return hex.EncodeToString(random[:])
}
