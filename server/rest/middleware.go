package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/httpconn"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// middleware does one thing before the handler.
type middleware func(*Server, http.Handler) http.Handler

// before is what is done with every request before its route runs, in this order. Then the mux chooses the route, and
// the guards of package exchange are checked.
var before = []middleware{
	markHandled,
	withLiveContext,
	identify,
	refuseHTTP2,
	checkHost,
	checkOrigin,
	checkPassword,
	cleanPath,
}

// handler puts everything that comes before in front of the mux.
func (s *Server) handler(mux http.Handler) http.Handler {
	for i := len(before) - 1; i >= 0; i-- {
		mux = before[i](s, mux)
	}
	return mux
}

// markHandled tells the connection that a handler answers from now on.
func markHandled(_ *Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpconn.MarkHandled(r)
		next.ServeHTTP(w, r)
	})
}

// withLiveContext gives a request a context that has not ended. When a stream stops reading its body early, net/http
// takes the expired read deadline for a disconnect, and cancels the contexts of all later requests of the connection.
// Such a request is answered, and is the last one of its connection.
func withLiveContext(_ *Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && r.Context().Err() != nil {
			w.Header().Set("Connection", "close")
			r = r.WithContext(context.WithoutCancel(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
}

// identify gives the answer the request's id. The client's own id counts if it can be written into a log.
func identify(_ *Server, next http.Handler) http.Handler {
	strange := func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\' }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(exchange.RequestID)
		if id == "" || len(id) > 128 || strings.ContainsFunc(id, strange) {
			id = exchange.NewID()
		}
		w.Header().Set(exchange.RequestID, id)
		next.ServeHTTP(w, r)
	})
}

// refuseHTTP2 refuses the first line of HTTP/2, which net/http leaves to its handler where HTTP/2 is off.
func refuseHTTP2(s *Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && r.Method == httpconn.Preface {
			w.Header().Set("Connection", "close")
			s.service.Refuse(w, r, exchange.Errorf(http.StatusHTTPVersionNotSupported, "HTTP/2 is not spoken here"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkHost refuses names that are not ours: DNS rebinding needs them.
func checkHost(s *Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !server.AnswersTo(r.Host, s.service.Options().Hosts) {
			s.service.Refuse(w, r, exchange.Errorf(http.StatusMisdirectedRequest,
				"not served under this name: ask by address or as localhost, or allow it in http.hosts"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkOrigin refuses pages of other origins.
func checkOrigin(s *Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !server.SameOrigin(r.Header.Get("Origin"), r.Host) {
			s.service.Refuse(w, r, exchange.Errorf(http.StatusForbidden, "not served to other origins"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkPassword asks for the password: "Authorization: Bearer <password>" (RFC 6750), or Basic with any user (RFC 7617).
// Only the very path of an open route does without.
func checkPassword(s *Server, next http.Handler) http.Handler {
	open := s.openPaths()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if password := s.service.Options().Password; password != "" && !open[r.URL.Path] && !server.PasswordMatches(passwordOf(r), password) {
			s.authFailures.Add(1)
			w.Header().Set("WWW-Authenticate", `Basic realm="sluice", charset="UTF-8"`)
			s.service.Refuse(w, r, &exchange.Failure{Status: http.StatusUnauthorized, Code: exchange.CodeUnauthentic, Message: "a password is needed"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// passwordOf returns the password that a request brings.
func passwordOf(r *http.Request) []byte {
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return []byte(token)
	}
	_, given, _ := r.BasicAuth()
	return []byte(given)
}

// cleanPath refuses a path that the mux would redirect.
func cleanPath(s *Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cleaned, ok := exchange.CleanRequest(r)
		if !ok {
			s.notFound(w, r)
			return
		}
		next.ServeHTTP(w, cleaned)
	})
}
