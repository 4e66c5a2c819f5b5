package config

import (
	"strings"
	"testing"
)

func TestWhereTheControlSocketGoes(t *testing.T) {
	long := "/" + strings.Repeat("x", maxSocketPath-len(SocketName))
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
		cfg := Default()
		cfg.Management.Control, cfg.StateDir = test.setting, test.state
		if got := cfg.ControlPath(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
	if _, err := read("management: {control: " + long + "/sluice.sock}\n"); err == nil || !strings.Contains(err.Error(), "107 bytes") {
		t.Errorf("a path that is too long: %v", err)
	}
}
