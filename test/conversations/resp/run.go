package resp

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// target is what a transcript talks to.
type target struct {
	// kind is kfake, kafka or redis.
	kind string
	addr string
	// admin and sluice are nil for redis.
	admin  *harness.Admin
	sluice *harness.Sluice
	// suffix makes the {names} of this run unlike those of any other on the same cluster.
	suffix string
	// patience is how long one reply may take.
	patience time.Duration
}

// run is one transcript being played.
type run struct {
	*target
	proto int
	conns map[string]*conn
	vars  map[string]string
}

// play runs a script in RESP2 or RESP3. The first mismatch ends it, with the line in the error.
func play(ctx context.Context, s *script, t *target, proto int) error {
	r := &run{target: t, proto: proto, conns: map[string]*conn{}, vars: map[string]string{}}
	defer r.hangup()
	for _, st := range s.steps {
		if !r.applies(st.tags) {
			continue
		}
		if err := r.step(ctx, st); err != nil {
			return fmt.Errorf("%s:%d: %s %s: %w", s.name, st.line, st.conn+st.verb, st.text, err)
		}
	}
	for name, c := range r.conns {
		if err := c.quiet(); err != nil {
			return fmt.Errorf("%s: at the end of connection %q: %w", s.name, name, err)
		}
	}
	return nil
}

func (r *run) hangup() {
	for _, c := range r.conns {
		_ = c.net.Close()
	}
}

// applies tells whether a line's conditions hold for this run.
func (r *run) applies(tags []string) bool {
	holds := []string{fmt.Sprintf("resp%d", r.proto), r.kind}
	if r.kind != "redis" {
		holds = append(holds, "sluice")
	}
	for _, tag := range tags {
		if !slices.Contains(holds, tag) {
			return false
		}
	}
	return true
}

func (r *run) step(ctx context.Context, st step) error {
	text := r.fill(st.text)
	switch st.verb {
	case "!":
		return r.act(ctx, st.conn, text)
	case "<":
		return r.expect(st.conn, text)
	}
	args, err := splitArgs(text)
	if err != nil {
		return err
	}
	c, err := r.connection(st.conn)
	if err != nil {
		return err
	}
	if st.verb == ">" {
		return c.send(args)
	}
	_, err = c.net.Write([]byte(strings.Join(args, "")))
	return err
}

var placeholder = regexp.MustCompile(`\{[a-z][a-z0-9-]*\}`)

// fill replaces {name}: by what a (?P<name>...) captured, or else by a name of this run alone.
func (r *run) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, "{}")
		if captured, ok := r.vars[name]; ok {
			return captured
		}
		return name + "-" + r.suffix
	})
}

// connection opens the named connection at its first use, and after it was closed.
func (r *run) connection(name string) (*conn, error) {
	if c, ok := r.conns[name]; ok {
		return c, nil
	}
	c, err := dial(r.addr, r.proto, r.patience)
	if err != nil {
		return nil, err
	}
	r.conns[name] = c
	return c, nil
}

func (r *run) expect(name, text string) error {
	p, err := parsePattern(text)
	if err != nil {
		return err
	}
	c, ok := r.conns[name]
	if !ok {
		return errors.New("a reply on a connection that sent nothing")
	}
	v, err := c.read(r.patience)
	if err != nil {
		return err
	}
	return p.check(text, v, c.proto, r.vars)
}
