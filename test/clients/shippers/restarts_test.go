//go:build matrix

package shippers

import (
	"context"
	"fmt"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

// What a played shipper sends around a restart: batches of so many lines, some before it, and some after it.
const (
	restartBatch = 100
	around       = 10
)

// sluice is restarted while lines come. None is lost that RPUSH has answered, and only lines that the shipper has sent
// again are there twice. PUBLISH is answered from memory: nothing is lost where sluice is told to stop.
func TestPlayedShippersOverRestarts(t *testing.T) {
	for _, p := range plays {
		for name, politely := range map[string]bool{"SIGTERM": true, "kill -9": false} {
			t.Run(p.name+", "+name, func(t *testing.T) {
				t.Parallel()
				p.overRestart(t, politely)
			})
		}
	}
}

func (p *play) overRestart(t *testing.T, politely bool) {
	t.Helper()
	d := open(t)
	var (
		lines     []string
		underWay  = make(chan struct{})
		restarted = make(chan struct{})
		ended     = make(chan error, 1)
		got       *shipping
	)
	batches := func(yield func([]string) bool) {
		for i, left := 0, around; left > 0; i++ {
			if i == around {
				close(underWay)
			}
			select {
			case <-restarted:
				left--
			default:
			}
			batch := some(i, min(p.batch, restartBatch))
			lines = append(lines, batch...)
			if !yield(batch) {
				return
			}
		}
	}
	go func(addr string) {
		var err error
		got, err = ship(d.ctx, p.with(login{}), addr, batches, nil)
		ended <- err
	}(d.Addr)
	<-underWay
	d.restart(politely)
	close(restarted)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	may := losses{repeat: func(line string) bool { return got.again[line] }}
	if p.deaf || p.buffered && !politely {
		may.lose = len(lines)
	}
	d.arrives(lines[len(lines)-1])
	d.tally(lines, may)
}

// losses are what may go wrong with lines.
type losses struct {
	lose   int                    // so many lines may be lost
	repeat func(line string) bool // whether a line may be there twice; nil is never
}

// tally counts the lines that are lost, and those that are there twice.
func (d *door) tally(lines []string, may losses) {
	d.t.Helper()
	var times map[string]int
	lost := 0
	err := harness.Until(d.ctx, func(context.Context) error { // what is answered from memory may still be under way
		times, lost = count(d.lines()), 0
		for _, line := range lines {
			if times[line] == 0 {
				lost++
			}
		}
		if lost > may.lose {
			return fmt.Errorf("%d lines are lost", lost)
		}
		return nil
	})
	if err != nil {
		d.t.Error(err)
	}
	twice := 0
	for _, line := range lines {
		if times[line] < 2 {
			continue
		}
		twice++
		if may.repeat == nil || !may.repeat(line) {
			d.t.Errorf("%q is there %d times", line, times[line])
		}
	}
	d.t.Logf("of %d lines, %d are lost, and %d are there twice", len(lines), lost, twice)
}
