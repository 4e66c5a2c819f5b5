// Package exchange is what every call needs to answer a request.
package exchange

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

// Exchange is one request and its answer.
type Exchange struct {
	*Service

	Opts   *Options // as they were when the request began
	W      http.ResponseWriter
	R      *http.Request
	Status int // of the answer; 0 before it is sent

	route *Route // nil if no route takes the request
	api   Version
	sent  *sentBytes // nil if the request is not logged

	buffer       *[]byte
	decompressor *decompressor // nil if the body comes as it is
}

// begun begins the answer to a request, and decides whether the request will be logged.
func (s *Service) begun(w http.ResponseWriter, r *http.Request, chosen *Route) *Exchange {
	x := &Exchange{Service: s, Opts: s.Options(), W: w, R: r, route: chosen}
	if chosen == nil {
		x.api = versionOf(r)
	} else {
		x.api = chosen.API
	}
	if share := x.Opts.AccessLog; share > 0 && rand.Float64() < share {
		x.sent = &sentBytes{ResponseWriter: w}
		x.W = x.sent
	}
	return x
}

// guards are checked in this order before a route runs. The first error is the answer.
var guards = []func(*Exchange) error{(*Exchange).limitRequests, (*Exchange).checkAccept}

// Answer runs a route, and counts how the request ended.
func (s *Service) Answer(w http.ResponseWriter, r *http.Request, chosen *Route) {
	x := s.begun(w, r, chosen)
	began := time.Now()
	defer func() {
		s.Answering.Add(-1)
		x.release()
		x.count(time.Since(began))
	}()
	for _, guard := range guards {
		if err := guard(x); err != nil {
			x.fail(AsFailure(err))
			return
		}
	}
	switch err := x.run(); {
	case errors.Is(err, ErrGone):
		panic(http.ErrAbortHandler) // net/http closes the connection
	case err != nil:
		x.fail(AsFailure(err))
	}
}

// limitRequests counts the request, and refuses more at once than there may be.
func (x *Exchange) limitRequests() error {
	if n := x.Answering.Add(1); int(n) > x.Opts.MaxRequests && !x.route.Open {
		return Unavailable("too many requests at once")
	}
	return nil
}

// run answers 500 for a panic of a handler. If the answer has begun, it breaks off instead.
func (x *Exchange) run() (err error) {
	defer func() {
		mistake := recover()
		if mistake == nil {
			return
		}
		x.Log.Error("a request failed in sluice itself", "route", x.route.Pattern, "panic", mistake, "stack", string(debug.Stack()))
		if x.Status != 0 {
			panic(http.ErrAbortHandler) // the client must not take a part for the whole answer
		}
		err = Errorf(http.StatusInternalServerError, "a mistake in sluice; its log has more")
	}()
	return x.route.Run(x)
}

// count counts how a request ended, and logs it.
func (x *Exchange) count(took time.Duration) {
	x.CountAnswer(x.route, x.Status, took)
	if x.sent != nil {
		x.logAccess(took)
	}
}

// Refuse answers a request that no route takes.
func (s *Service) Refuse(w http.ResponseWriter, r *http.Request, f *Failure) {
	x := s.begun(w, r, nil)
	x.fail(f)
	x.count(0)
}

// ErrGone ends an exchange whose client has gone.
var ErrGone = errors.New("the client has gone")

// Problem is the body of a failure.
type Problem struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
	Outcome string `json:"outcome,omitempty"`
}

// fail answers with a failure.
func (x *Exchange) fail(f *Failure) {
	// Not more than Debug: strangers must not fill the log.
	x.Log.Debug("request not granted", "method", x.R.Method, "path", x.R.URL.Path, "status", f.Status,
		"reason", f.Message, "request_id", x.W.Header().Get(RequestID))
	if x.Status != 0 { // it is too late for another answer
		panic(http.ErrAbortHandler)
	}
	httpconn.MarkRefused(x.R)
	if x.api == V2 && x.Opts.BridgeAnswers {
		f = f.asBridge()
	}
	if f.Again > 0 || f.Status == http.StatusServiceUnavailable || f.Status == http.StatusTooManyRequests {
		x.W.Header().Set("Retry-After", strconv.Itoa(max(1, int(f.Again.Seconds()))))
	}
	x.JSON(f.Status, Problem{f.Code, f.Message, f.Outcome})
}

// JSON answers with a small body. It is not for answers with records.
func (x *Exchange) JSON(status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // cannot happen: all bodies are of strings, numbers and lists
		status, text = http.StatusInternalServerError, []byte(`{"error_code":50002,"message":"a mistake in sluice"}`)
	}
	x.Send(status, text)
}

// Send answers with a body of JSON. It does not wait for a client that does not read.
func (x *Exchange) Send(status int, body []byte) {
	if status == http.StatusNoContent {
		x.Begin(status, x.ContentType())
		return
	}
	if len(body) >= CompressFrom {
		body = x.Compressed(body)
	}
	x.W.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.Begin(status, x.ContentType())
	_ = x.WriteBody(body)
}

// Begin sends the answer's header.
func (x *Exchange) Begin(status int, kind string) {
	x.Status = status
	header := x.W.Header()
	header.Set("Content-Type", kind)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	x.W.WriteHeader(status)
}

// ContentType returns the Content-Type of an answer.
func (x *Exchange) ContentType() string {
	if x.route != nil && x.route.Records {
		if only, is := onlyRecordType(x.R.Header); is {
			return only
		}
	}
	return x.api.kind(x.R)
}

// AskContext returns a context for a question to the brokers: it ends with the request, or after the route's timeout.
func (x *Exchange) AskContext() (context.Context, context.CancelFunc) { return x.Within(x.Timeout()) }

// Timeout bounds a question to the brokers.
func (x *Exchange) Timeout() time.Duration {
	if x.route != nil && x.route.Timeout > 0 {
		return x.route.Timeout
	}
	return AskTimeout
}

// Within returns a context that ends with the request, or after the given time.
func (x *Exchange) Within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.R.Context(), d)
}

// RequestID is the header that has the request's id.
const RequestID = "X-Request-Id"

// NewID returns a random id for a request.
func NewID() string {
	var random [8]byte
	binary.NativeEndian.PutUint64(random[:], rand.Uint64())
	return hex.EncodeToString(random[:])
}
