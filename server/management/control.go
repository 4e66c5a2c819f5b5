package management

import (
	"context"
	"net/http"
	"time"
)

// reloadTimeout bounds a reload, and stays below what a request may take.
const reloadTimeout = 20 * time.Second

// reload answers POST /reload: 422 with the reason when the new configuration is refused.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	if s.sources.Reload == nil {
		refuse(w, http.StatusNotImplemented, "no configuration file was given at the start")
		return
	}
	if !s.reloading.TryLock() {
		refuse(w, http.StatusConflict, "a reload is under way")
		return
	}
	defer s.reloading.Unlock()
	// A client that hangs up does not leave half a reload.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), reloadTimeout)
	defer cancel()
	done, err := s.sources.Reload(ctx)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	done.Changed, done.Restart = append([]string{}, done.Changed...), append([]string{}, done.Restart...)
	answer(w, http.StatusOK, done)
}

// Draining is the answer of POST /drain.
type Draining struct {
	Draining bool `json:"draining"`
}

// drain answers POST /drain before the drain is over.
func (s *Server) drain(w http.ResponseWriter, _ *http.Request) {
	if s.sources.Drain == nil {
		refuse(w, http.StatusNotImplemented, "draining is not offered")
		return
	}
	s.sources.Drain()
	answer(w, http.StatusAccepted, Draining{true})
}

// Errors is the answer of GET /errors: the last warning or error of each kind, the latest first.
type Errors struct {
	Errors []LastError `json:"errors"`
}

// LastError is the last line of one kind, which is its message.
type LastError struct {
	At    time.Time `json:"at"`
	Level string    `json:"level"` // WARN or ERROR
	Text  string    `json:"text"`  // the message with its attributes, as in the log
	Count int64     `json:"count"` // lines of this kind since the start
}

func (s *Server) lastErrors(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, Errors{append([]LastError{}, s.sources.Errors()...)})
}
