package harness

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// asService puts the child's own number where systemd would: only the child knows it, and keeps it
// when it becomes the program (sd_listen_fds(3), sd_watchdog_enabled(3)).
const asService = `LISTEN_PID=$$ WATCHDOG_PID=$$ exec "$0" "$@"`

// startService starts name with args as systemd starts a service: with more environment, and with
// sockets from descriptor 3 on.
func startService(env []string, inherit []Inherited, name string, args ...string) (*Process, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", asService, name}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	var names []string
	for _, i := range inherit {
		file, err := i.Listener.File()
		if err != nil {
			return nil, fmt.Errorf("socket %s: %w", i.Name, err)
		}
		defer file.Close() // the child has its own by then
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
		names = append(names, i.Name)
	}
	if len(names) > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	}
	return launch(cmd)
}
