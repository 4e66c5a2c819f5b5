package consumer

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests. Eight tests run at a time, because most of them wait for brokers.
// The command line overrides that.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
