package management

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// refusal is the answer to a request that is not granted.
type refusal struct {
	Error string `json:"error"`
}

// answer sends JSON. A client that does not take it is its own trouble.
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

// reading lets only requests through that read.
func reading(run http.HandlerFunc) http.Handler { return only(run, http.MethodGet, http.MethodHead) }

// posting lets only orders through.
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
