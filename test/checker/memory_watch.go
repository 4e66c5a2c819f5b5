package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// bystander is how long others waited at most, for an answer to RPUSH and for /healthz.
type bystander struct {
	push, health time.Duration
	err          error
}

// standBy asks until ctx ends.
func standBy(ctx context.Context, sluice *harness.Sluice) (b bystander) {
	d, err := knock(sluice.Addr)
	if err != nil {
		return bystander{err: err}
	}
	defer d.close()
	for pause(ctx, bystanderPause) == nil {
		begun := time.Now()
		answer, err := d.ask("RPUSH", "topics:"+bystanderTopic, "x")
		if no, refused := answer.(refusal); refused {
			err = errors.New(string(no))
		}
		pushed := time.Now()
		status, _, got := sluice.Get(ctx, "/healthz")
		if ctx.Err() != nil {
			return b
		}
		if err = errors.Join(err, got); err != nil || status != http.StatusOK {
			b.err = errors.Join(b.err, fmt.Errorf("a bystander: /healthz answers %d", status), err)
			return b
		}
		b.push, b.health = max(b.push, pushed.Sub(begun)), max(b.health, time.Since(pushed))
	}
	return b
}

// guard kills sluice when it takes more memory than limit, as the kernel would, and returns the most
// that it took.
func guard(ctx context.Context, sluice *harness.Sluice, limit int) (most int) {
	for pause(ctx, 20*time.Millisecond) == nil {
		_, peak, err := memory(sluice.PID())
		if err != nil {
			return most
		}
		if most = max(most, peak); most > limit {
			_ = sluice.Kill()
			return most
		}
	}
	return most
}

// memory reads how many bytes a process has resident, and had at most.
func memory(pid int) (now, most int, err error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		n, _ := strconv.Atoi(fields[1])
		switch fields[0] {
		case "VmRSS:":
			now = n << 10
		case "VmHWM:":
			most = n << 10
		}
	}
	return now, most, nil
}
