package daemon

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheControlSocketIsForItsUserAndGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := listenUnix(path); err == nil || err.Error() != path+" is in use by another sluice" {
		t.Errorf("a second one: %v", err)
	}
	l.Close()
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is left behind")
	}
}

func TestOnlyADeadSocketIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	l, err := listenUnix(path)
	if err != nil {
		t.Fatalf("in the way of a dead socket: %v", err)
	}
	l.Close()
	file := filepath.Join(t.TempDir(), "sluice.sock")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenUnix(file); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("a file: %v", err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "precious" {
		t.Errorf("the file is %q, %v", content, err)
	}
}
