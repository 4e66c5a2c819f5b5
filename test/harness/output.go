package harness

import "sync"

// outputKept bounds what is remembered of a child's output, in bytes: its end tells why it died.
const outputKept = 1 << 20

// output is the end of what a child wrote, safe to read while it writes.
type output struct {
	mu   sync.Mutex
	tail []byte
}

// Write implements io.Writer and never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = append(o.tail, p...)
	if cut := len(o.tail) - outputKept; cut > 0 {
		o.tail = append(o.tail[:0], o.tail[cut:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.tail)
}
