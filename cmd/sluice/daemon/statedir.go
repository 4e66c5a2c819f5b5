package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// stateDir is a state directory that this process has locked.
type stateDir struct{ lock *os.File }

// lockStateDir creates the directory if it is missing, and locks it: two processes would destroy each other's data. The
// kernel releases the lock when the process ends.
func lockStateDir(dir string) (*stateDir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("state_dir: %s is in use by another sluice", dir)
		}
		return nil, fmt.Errorf("state_dir: %s: %w", dir, err)
	}
	return &stateDir{lock}, nil
}

// Close releases the directory.
func (s *stateDir) Close() error { return s.lock.Close() }
