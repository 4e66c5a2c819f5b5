package kafkatest

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, and fails when a goroutine outlives them. Eight tests run at a time, because most of
// them wait for brokers. The command line overrides that.
func Main(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
