//go:build freeze

package systemd

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func init() { children["freeze"] = freezeChild }

// freezeChild is a child that runs two loops until one is late, and writes its name.
func freezeChild() {
	beats := NewBeats(time.Now)
	for _, name := range []string{"free", "frozen"} {
		beat, _ := beats.Register(name, time.Second)
		go func() {
			for range time.Tick(time.Millisecond) {
				beat()
			}
		}()
	}
	fmt.Fprintln(os.Stdout, "running")
	for range time.Tick(time.Millisecond) {
		if late := beats.Late(); len(late) > 0 {
			fmt.Fprintln(os.Stdout, names(late))
			return
		}
	}
}

func TestFreezeStopsTheLoopItNames(t *testing.T) {
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = []string{childVariable + "=freeze", "GORACE=atexit_sleep_ms=0", "SLUICE_FREEZE=frozen"}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "running" {
		t.Fatalf("%q", lines.Text())
	}
	if err := child.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != "[frozen]" {
		t.Errorf("%q is late", lines.Text())
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}
