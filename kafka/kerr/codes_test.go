package kerr

import (
	"slices"
	"strings"
	"testing"

	rd "github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// What a record ends with is decided for each code of the linked librdkafka, once, and for no other.
func TestEveryCodeIsDecided(t *testing.T) {
	decided := map[string]int{}
	for _, d := range meanings {
		for _, name := range strings.Fields(d.codes) {
			decided[name]++
		}
	}
	known := rd.Codes()
	if len(known) < 190 {
		t.Fatalf("librdkafka has only %d codes", len(known))
	}
	for code, name := range known {
		if decided[name] != 1 {
			t.Errorf("%s (%d, %q) is decided %d times", name, code, code.String(), decided[name])
		}
		delete(decided, name)
	}
	for name := range decided {
		t.Errorf("librdkafka has no %s", name)
	}
	// Only what is true of a batch, and leaves nothing written, is sent again.
	for _, d := range meanings {
		if d.Divide && !slices.Contains([]record.Outcome{record.Rejected, record.Retry}, d.Outcome) {
			t.Errorf("%s may be written, and would be sent again", d.codes)
		}
	}
}
