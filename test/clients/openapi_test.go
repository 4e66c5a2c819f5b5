//go:build openapi

package clients

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	askFor      = "75" // seconds that schemathesis makes requests for, unless OPENAPI_TIME says otherwise
	askPatience = 3 * time.Minute
)

func TestTheDocumentIsOpenAPI(t *testing.T) {
	stranger(t, "openapi-spec-validator", filepath.Join("..", "..", "..", "server", "rest", "openapi.json"))
}

// OPENAPI_SEED asks other questions.
func TestAnswersAreAsDescribed(t *testing.T) {
	strangers(t)
	sluice := openDescribed(t)
	t.Log(stranger(t, "schemathesis", "--no-color", "run", "http://"+sluice.HTTP+"/openapi.json",
		"--max-time", cmp.Or(os.Getenv("OPENAPI_TIME"), askFor),
		"--seed", cmp.Or(os.Getenv("OPENAPI_SEED"), "1"), "--generation-database", "none"))
	shown := succeeded(t, sluice)
	if len(shown) == 0 {
		t.Error("no call succeeded even once")
	}
	t.Logf("%d calls succeeded:\n%s", len(shown), strings.Join(shown, "\n"))
}

// succeeded are the calls that were answered well at least once: the others say nothing but what is wrong.
func succeeded(t *testing.T, sluice *harness.Sluice) (calls []string) {
	t.Helper()
	for _, s := range harnesstest.Scrape(t, t.Context(), sluice).Series {
		if s.Name == "sluice_http_requests_total" && s.Labels["status"] == "2xx" {
			calls = append(calls, fmt.Sprintf("%6.0f %s %s", s.Value, s.Labels["method"], s.Labels["route"]))
		}
	}
	return calls
}

// openDescribed starts a proxy before a fake cluster with the topics that schemathesis.toml names.
func openDescribed(t *testing.T) *harness.Sluice {
	t.Helper()
	ctx := harnesstest.Within(t, startPatience)
	fake := harnesstest.Fake(t, harness.FakeOptions{NoAutoCreate: true})
	harnesstest.Topic(t, ctx, fake.Admin, "orders", 3)
	harnesstest.Topic(t, ctx, fake.Admin, "blobs", 1)
	return harnesstest.Sluice(t, ctx, harness.SluiceOptions{
		Brokers: fake.Brokers(), HTTP: harnesstest.FreeAddr(t), Management: harnesstest.FreeAddr(t),
	})
}

// folder holds what schemathesis is told, and the list of the packages that it needs.
const folder = "openapi"

// strangers is the folder of the programs of requirements.txt, which are installed once.
func strangers(t *testing.T) string {
	t.Helper()
	list := filepath.Join(folder, "requirements.txt")
	return packages.Virtualenv(t, packages.Stamped(t, folder, list), "-r", list)
}

// stranger runs one of them.
func stranger(t *testing.T, name string, args ...string) string {
	t.Helper()
	return packages.Run(t, folder, askPatience, "", filepath.Join(strangers(t), name), args...)
}
