package kafka

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests. It lets many tests go on at a time, which mostly wait for brokers,
// unless the command line says otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
