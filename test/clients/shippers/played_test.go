//go:build matrix

package shippers

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

// shipper is what is played of a log shipper.
type shipper interface {
	// connect opens a connection, and sends and judges what comes before the first batch.
	connect(addr string) error
	// send ships a batch. It returns the lines that the shipper keeps to send again.
	send(batch []string) (kept []string, err error)
	// close ends the connection.
	close()
}

// login is what every shipper may be told of a server besides its address.
type login struct {
	password string
	db       int
}

// play is a shipper in one of its modes.
type play struct {
	name     string
	with     func(login) shipper
	batch    int  // lines, the shipper's default where it has one
	buffered bool // sends PUBLISH, whose answer says that sluice has the line in memory
	deaf     bool // never looks at an answer
}

var plays = []play{
	{"Filebeat", func(l login) shipper { return &filebeat{login: l} }, filebeatBatch, false, false},
	{"Filebeat, a key of each event", func(l login) shipper { return &filebeat{login: l, keyOf: hostKey} }, filebeatBatch, false, false},
	{"Filebeat, channel", func(l login) shipper { return &filebeat{login: l, channel: true} }, filebeatBatch, true, false},
	{"Logstash", func(l login) shipper { return &logstash{rubyClient: rubyClient{login: l}} }, logstashBatch, false, false},
	{"Logstash, batch", func(l login) shipper { return &logstash{rubyClient: rubyClient{login: l}, batched: true} }, logstashBatch, false, false},
	{"Logstash, channel", func(l login) shipper { return &logstash{rubyClient: rubyClient{login: l}, channel: true} }, logstashBatch, true, false},
	{"Fluentd, asc", func(l login) shipper { return &fluentd{rubyClient{login: l}, "RPUSH"} }, 1000, false, false},
	{"Fluentd, desc", func(l login) shipper { return &fluentd{rubyClient{login: l}, "LPUSH"} }, 1000, false, false},
	{"Fluentd, publish", func(l login) shipper { return &fluentd{rubyClient{login: l}, "PUBLISH"} }, 1000, true, false},
	{"Vector, rpush", func(l login) shipper { return &vector{login: l, name: "RPUSH"} }, 1, false, false},
	{"Vector, lpush in batches", func(l login) shipper { return &vector{login: l, name: "LPUSH"} }, 500, false, false},
	{"Vector, channel", func(l login) shipper { return &vector{login: l, name: "PUBLISH"} }, 500, true, false},
	{"Fluent Bit", func(l login) shipper { return &fluentBit{login: l} }, 500, false, true},
}

// hostKey is a key with a record's key, the same for all lines, so that they keep their order.
func hostKey(string) string { return key + ":web-1" }

// shipping is a shipper on its way.
type shipping struct {
	again   map[string]bool // lines that were kept at least once
	refused []string        // the errors of the door
	sent    int             // batches that are done
}

// ship gives a shipper batch after batch, and each of them until nothing of it is kept. The shippers wait a second or more
// before they try again; here it is a moment. Before each try it calls look, unless that is nil.
func ship(ctx context.Context, s shipper, addr string, batches iter.Seq[[]string], look func(*shipping)) (*shipping, error) {
	all, connected := &shipping{again: map[string]bool{}}, false
	defer s.close()
	for kept := range batches {
		err := harness.Until(ctx, func(context.Context) (err error) {
			if look != nil {
				look(all)
			}
			if !connected {
				if err := s.connect(addr); err != nil {
					s.close()
					return all.failed(err, nil)
				}
				connected = true
			}
			if kept, err = s.send(kept); err != nil {
				s.close()
				connected = false
				if len(kept) > 0 {
					return all.failed(err, kept)
				}
			}
			return nil
		})
		if err != nil {
			return all, err
		}
		all.sent++
	}
	return all, nil
}

// failed notes an error and what is sent again.
func (s *shipping) failed(err error, kept []string) error {
	for _, line := range kept {
		s.again[line] = true
	}
	if r := refusal(""); errors.As(err, &r) {
		s.refused = append(s.refused, string(r))
	}
	return err
}

// Every line arrives, once and in its order, with a password and without one.
func TestPlayedShippersDeliver(t *testing.T) {
	for _, p := range plays {
		for name, l := range map[string]login{"": {}, " with a password": {password: password}} {
			t.Run(p.name+name, func(t *testing.T) {
				t.Parallel()
				var config []string
				if l.password != "" {
					config = append(config, guarded)
				}
				d := open(t, config...)
				lines := numbered(3 * max(p.batch, 20))
				got, err := ship(d.ctx, p.with(l), d.Addr, slices.Chunk(lines, p.batch), nil)
				if err != nil || len(got.again) > 0 {
					t.Errorf("%d lines were sent again, %v: %q", len(got.again), err, got.refused)
				}
				d.holds(lines)
			})
		}
	}
}

// What keeps a shipper from connecting is said in Redis' words, and each of them takes it for a failure.
func TestPlayedShippersThatMayNotConnect(t *testing.T) {
	d := open(t, guarded)
	for _, p := range plays {
		for name, c := range map[string]struct {
			login login
			want  string
		}{
			"database 1":     {login{password: password, db: 1}, "ERR DB index is out of range"},
			"wrong password": {login{password: "guess"}, "WRONGPASS "},
			"no password":    {login{}, "NOAUTH "},
		} {
			t.Run(p.name+", "+name, func(t *testing.T) {
				s := p.with(c.login)
				err := s.connect(d.Addr)
				defer s.close()
				if err == nil { // some send nothing before their first line
					_, err = s.send([]string{"line"})
				}
				want := c.want
				if p.deaf && c.login.db != 0 {
					want = "NOAUTH " // SELECT comes in front of AUTH
				}
				switch {
				case p.deaf && c.login.password == "":
					if err != nil {
						t.Errorf("it sees %v, and looks at nothing", err)
					}
				case err == nil || !strings.HasPrefix(err.Error(), want):
					t.Errorf("got %v, want %s", err, want)
				}
			})
		}
	}
	d.holds(nil)
}

// While sluice refuses, a shipper that looks at answers keeps its lines. When the cause is gone, all of them arrive. Only
// PUBLISH is answered before the brokers have refused a topic for the first time: those lines are lost.
func TestPlayedShippersAreRefused(t *testing.T) {
	for _, p := range plays {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.isRefused(t)
		})
	}
}

func (p *play) isRefused(t *testing.T) {
	t.Helper()
	d, created := openWithout(t), false
	var before, after []string
	batches := func(yield func([]string) bool) {
		for i := 0; len(after) < 2*p.batch; i++ {
			batch := some(i, p.batch)
			if created {
				after = append(after, batch...)
			} else {
				before = append(before, batch...)
			}
			if !yield(batch) {
				return
			}
		}
	}
	got, err := ship(d.ctx, p.with(login{}), d.Addr, batches, func(s *shipping) {
		if !created && (len(s.refused) > 0 || p.deaf && s.sent > 0) {
			d.createTopic()
			created = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !p.deaf && (len(got.refused) == 0 || !strings.Contains(got.refused[0], "PROD rejected: topic logs: it does not exist")) {
		t.Errorf("refused with %.200q", got.refused)
	}
	again := func(line string) bool { return got.again[line] }
	beforeMay, afterMay := losses{repeat: again}, losses{repeat: again}
	if p.deaf || p.buffered {
		beforeMay.lose = len(before)
	}
	if p.deaf {
		afterMay.lose = len(after)
	}
	d.tally(before, beforeMay)
	d.tally(after, afterMay)
	if p.deaf && slices.Contains(d.lines(), before[0]) {
		t.Errorf("%q is there, which was refused", before[0])
	}
}
