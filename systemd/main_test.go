package systemd

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// children are what this binary does instead of testing if childVariable names one of them. They are processes that
// systemd started.
var children = map[string]func(){"inherit": inheritChild, "serve": serveChild}

const childVariable = "SLUICE_TEST_CHILD"

func TestMain(m *testing.M) {
	if child, found := children[os.Getenv(childVariable)]; found {
		child()
		return
	}
	goleak.VerifyTestMain(m)
}
