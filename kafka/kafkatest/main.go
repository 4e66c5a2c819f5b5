package kafkatest

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-proxy/sluice/test/parallel"
)

// Main runs the tests of a package whose tests wait for brokers. It fails when a goroutine outlives them.
func Main(m *testing.M) {
	parallel.Waiting()
	goleak.VerifyTestMain(m)
}
