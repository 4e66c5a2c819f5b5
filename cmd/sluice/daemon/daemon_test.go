package daemon

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/cmd/sluice/logging"
)

// Warnings of one kind name different properties: the log must not take them for repetitions.
func TestEveryWarningOfTheStartIsWritten(t *testing.T) {
	var out strings.Builder
	log := logging.Open(&out, true, logging.Config{Level: slog.LevelInfo, Format: "text"})
	logWarnings(log, slices.Repeat([]config.Warning{{Message: "property ignored", Attrs: []any{"property", "x"}}}, 20))
	log.Close()
	if want := strings.Repeat("<4>level=WARN msg=\"property ignored\" property=x\n", 20); out.String() != want {
		t.Errorf("got %s", out.String())
	}
}
