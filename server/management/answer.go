package management

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// refusal is the answer to a request that is refused.
type refusal struct {
	Error string `json:"error"`
}

// answer sends JSON. It does not matter whether the client reads it.
func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil { // a number that JSON does not have: a mistake of ours
		status, text = http.StatusInternalServerError, []byte(`{"error":"`+err.Error()+`"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

func refuse(w http.ResponseWriter, status int, why string) { answer(w, status, refusal{why}) }

// reading refuses requests other than GET and HEAD.
func reading(run http.HandlerFunc) http.Handler { return only(run, http.MethodGet, http.MethodHead) }

// posting refuses requests other than POST.
func posting(run http.HandlerFunc) http.Handler { return only(run, http.MethodPost) }

func only(run http.HandlerFunc, methods ...string) http.Handler {
	allowed := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", allowed)
			refuse(w, http.StatusMethodNotAllowed, "method not allowed: use "+allowed)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		run(w, r)
	})
}
