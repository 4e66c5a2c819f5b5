package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// stateDir is a state directory held by this process alone.
type stateDir struct{ lock *os.File }

// lockStateDir creates the directory when needed and takes it: two processes writing one store would
// spoil it. The lock goes with the process, however that ends.
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

// Close gives the directory back.
func (s *stateDir) Close() error { return s.lock.Close() }
