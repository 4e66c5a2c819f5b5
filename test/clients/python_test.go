package clients

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// redisPy are the versions of redis-py in the tests: without HELLO and CLIENT SETINFO, with
// SETINFO, and the newest, which speaks RESP3 and does not fall back.
var redisPy = []string{"4.6.0", "6.4.0", "8.1.0"}

func TestRedisPy(t *testing.T) {
	for _, version := range redisPy {
		t.Run(version, func(t *testing.T) {
			python := virtualenv(t, "redis-py-"+version, "redis=="+version)
			d := open(t)
			host, port, err := net.SplitHostPort(d.Addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(program(t, "", python, "redis_py.py", host, port, d.topic))
			d.expectCommitted(t, "myapp", 3)
			d.expectCommitted(t, "resp3", 1)
		})
	}
}

// virtualenv installs what pip calls these packages, once, and returns the interpreter that has them.
func virtualenv(t *testing.T, name string, wanted ...string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(".cache", name))
	if err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(dir, "bin", "python")
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return python
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatalf("python3 is needed: %v\n%s", err, packages)
	}
	program(t, "", "python3", "-m", "venv", "--clear", dir)
	program(t, "", python, append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, wanted...)...)
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return python
}
