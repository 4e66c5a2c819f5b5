package management

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

func TestAReloadAnswersWithWhatItDid(t *testing.T) {
	var fail error
	s := New(Sources{Reload: func(context.Context) (Reloaded, error) {
		return Reloaded{Changed: []string{"log.level"}, Restart: []string{"resp.address"}}, fail
	}}, testLog(t))
	w := ask(s.Control(), http.MethodPost, "/reload", nil)
	if want := "{\n  \"changed\": [\n    \"log.level\"\n  ],\n  \"needs_restart\": [\n    \"resp.address\"\n  ]\n}\n"; w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	fail = errors.New("sluice.yaml:3:16: resp.max_clients: \"many\" is not a whole number\nsluice.yaml:4:1: unknown key")
	w = ask(s.Control(), http.MethodPost, "/reload", nil)
	wantRefusal(t, w, http.StatusUnprocessableEntity, fail.Error())
}

func TestOneReloadAtATimeAndItOutlivesItsClient(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s := New(Sources{Reload: func(ctx context.Context) (Reloaded, error) {
		begun <- struct{}{}
		<-finish
		return Reloaded{}, ctx.Err()
	}}, testLog(t))
	first, hangUp := context.WithCancel(context.Background())
	answered := make(chan int, 1)
	go func() {
		answered <- ask(s.Control(), http.MethodPost, "/reload", func(r *http.Request) { *r = *r.WithContext(first) }).Code
	}()
	<-begun
	hangUp()
	wantRefusal(t, ask(s.Control(), http.MethodPost, "/reload", nil), http.StatusConflict, "under way")
	close(finish)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("%d: the client that hung up took the reload with it", status)
	}
}

func TestADrainIsBegunAndOrdersAreOnlyPosted(t *testing.T) {
	drained := 0
	s := New(Sources{Drain: func() { drained++ }}, testLog(t))
	for _, path := range []string{"/drain", "/reload"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
			w := ask(s.Control(), method, path, nil)
			wantRefusal(t, w, http.StatusMethodNotAllowed, "POST")
			if allow := w.Header().Get("Allow"); allow != "POST" {
				t.Errorf("%s %s: Allow: %s", method, path, allow)
			}
		}
	}
	if drained != 0 {
		t.Error("drained by reading")
	}
	if w := ask(s.Control(), http.MethodPost, "/drain", nil); w.Code != http.StatusAccepted || drained != 1 {
		t.Errorf("%d %s, drained %d times", w.Code, w.Body, drained)
	}
	wantRefusal(t, ask(s.Control(), http.MethodPost, "/reload", nil), http.StatusNotImplemented, "no configuration file")
}
