package server

import (
	"testing"
	"time"
)

func TestALoopRunsWithoutAWatchdog(t *testing.T) {
	beat, end := Watch(nil).Loop("accept", time.Second)
	beat()
	end()
}

func TestALoopIsToldToTheWatchdog(t *testing.T) {
	var told string
	beats, ended := 0, false
	watch := Watch(func(loop string, gap time.Duration) (beat, end func()) {
		told = loop + " " + gap.String()
		return func() { beats++ }, func() { ended = true }
	})
	beat, end := watch.Loop("accept", time.Second)
	beat()
	beat()
	end()
	if told != "accept 1s" || beats != 2 || !ended {
		t.Errorf("%q, %d beats, ended: %v", told, beats, ended)
	}
}
