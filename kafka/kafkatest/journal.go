package kafkatest

import (
	"strings"
	"sync"
)

// Journal keeps what is logged.
type Journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *Journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(line))
	return len(line), nil
}

// Count is how often a text was logged.
func (j *Journal) Count(text string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines {
		n += strings.Count(line, text)
	}
	return n
}

// String is all that was logged.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "")
}
