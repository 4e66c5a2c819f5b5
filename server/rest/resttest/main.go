package resttest

import (
	commandline "flag"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-proxy/sluice/test/parallel"
)

// Main runs the tests of a package. They fail if a goroutine is left, or if the document describes an answer of the
// package's calls that no test got. owns reports whether a path of the document is a call of the package.
func Main(m *testing.M, owns func(path string) bool) {
	parallel.Waiting()
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		status = 1
	}
	if missing := TheContract().neverShown(owns); status == 0 && everyTestRan() && len(missing) > 0 {
		_, _ = os.Stderr.WriteString("in openapi.json, but no test got it:\n" + strings.Join(missing, "\n") + "\n")
		status = 1
	}
	os.Exit(status)
}

// everyTestRan reports whether the command line chose no tests.
func everyTestRan() bool {
	for _, chosen := range []string{"test.run", "test.skip", "test.list", "test.bench", "test.fuzz"} {
		if f := commandline.Lookup(chosen); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

// The owners of the document's paths.
var (
	InV1      = func(path string) bool { return strings.HasPrefix(path, "/v1/") }
	InV2      = isV2
	InV3      = func(path string) bool { return strings.HasPrefix(path, "/v3/") }
	Documents = func(path string) bool { return !InV1(path) && !InV2(path) && !InV3(path) }
)
