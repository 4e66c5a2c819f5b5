package consumer

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests. It lets many tests go on at a time, which mostly wait for brokers.
// The command line goes above that.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
