package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhereTheControlSocketGoes(t *testing.T) {
	long := "/" + strings.Repeat("x", maxSocketPath-len(controlName))
	for _, test := range []struct{ setting, runtime, state, want string }{
		{"auto", "/run/sluice", "/var/lib/sluice", "/run/sluice/sluice.sock"},
		{"auto", "/run/a:/run/b", "", "/run/a/sluice.sock"},
		{"auto", "", "/var/lib/sluice", "/var/lib/sluice/sluice.sock"},
		{"auto", "", "", ""},
		{"auto", long, "/state", "/state/sluice.sock"},
		{"auto", "", long, ""},
		{"", "/run/sluice", "/var/lib/sluice", ""},
		{"/x/y", "/run/sluice", "/var/lib/sluice", "/x/y"},
	} {
		t.Setenv("RUNTIME_DIRECTORY", test.runtime)
		cfg := defaultConfig()
		cfg.Management.Control, cfg.StateDir = test.setting, test.state
		if got := cfg.controlPath(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
	if _, err := read("management: {control: " + long + "/sluice.sock}\n"); err == nil || !strings.Contains(err.Error(), "107 bytes") {
		t.Errorf("a path that is too long: %v", err)
	}
}

func TestTheControlSocketIsForItsUserAndGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := listenControl(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := listenControl(path); err == nil || err.Error() != "management.control: "+path+" is in use by another sluice" {
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
	l, err := listenControl(path)
	if err != nil {
		t.Fatalf("in the way of a dead socket: %v", err)
	}
	l.Close()
	file := write(t, "sluice.sock", "precious")
	if _, err := listenControl(file); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("a file: %v", err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "precious" {
		t.Errorf("the file is %q, %v", content, err)
	}
}
