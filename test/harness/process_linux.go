package harness

import "syscall"

// dieWithParent keeps a crashed or killed test run from leaving servers behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
