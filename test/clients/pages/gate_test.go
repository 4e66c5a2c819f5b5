//go:build clients

package pages

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// gate is a full pipe in the place of the file of handlers: a handler opens it, and waits in its write.
type gate struct {
	log    *doneLog
	pipe   *os.File
	opened *os.File // inotify
}

func (l *doneLog) gate(t *testing.T) *gate {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	for page := []byte(strings.Repeat("\n", os.Getpagesize())); err == nil; {
		_, err = unix.Write(pipe, page)
	}
	if err != unix.EAGAIN {
		t.Fatal(err)
	}
	opened, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.InotifyAddWatch(opened, path, unix.IN_OPEN); err != nil {
		t.Fatal(err)
	}
	l.put(t, func(place string) error { return os.Link(path, place) })
	g := &gate{l, os.NewFile(uintptr(pipe), path), os.NewFile(uintptr(opened), "inotify")}
	t.Cleanup(g.close)
	return g
}

func (g *gate) close() { _, _ = g.pipe.Close(), g.opened.Close() }

// entered waits until a handler is inside: its record is in hand.
func (g *gate) entered(t *testing.T, ctx context.Context) {
	t.Helper()
	deadline, _ := ctx.Deadline()
	if err := g.opened.SetReadDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	if _, err := g.opened.Read(make([]byte, unix.SizeofInotifyEvent+unix.NAME_MAX+1)); err != nil {
		t.Fatalf("no handler began: %v", err)
	}
}

// open lets the handler finish, and returns the line that it wrote. Later handlers find no pipe.
func (g *gate) open(t *testing.T, ctx context.Context) (line string) {
	t.Helper()
	g.log.remove(t)
	deadline, _ := ctx.Deadline()
	if err := g.pipe.SetReadDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	written, some := "", make([]byte, os.Getpagesize())
	for !strings.HasSuffix(written, "\n") {
		n, err := g.pipe.Read(some)
		if err != nil {
			t.Fatalf("the handler wrote %q: %v", written, err)
		}
		written = strings.TrimLeft(written+string(some[:n]), "\n")
	}
	g.close()
	line = strings.TrimSpace(written)
	g.log.kept = append(g.log.kept, line)
	return line
}
