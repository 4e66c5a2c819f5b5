//go:build plainruntime

package conn

import "github.com/sluice-proxy/sluice/protocol"

// What spin.go and yield.go do, left out: reads do not spin and sessions do not yield.

func spin(_ uintptr, _ *protocol.Reader, n int, err error) (int, error) { return n, err }

// Turns counts nothing.
type Turns struct{}

func (*Turns) othersSince(*int64) int64 { return 0 }

func yieldTo(int64) {}
