package record

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

const aTrace = "0af7651916cd43dd8448eb211c80319c"

// The examples and the rules are those of https://www.w3.org/TR/trace-context.
func TestTrace(t *testing.T) {
	for parent, want := range map[string]string{
		"00-" + aTrace + "-b7ad6b7169203331-01":                       aTrace,
		"00-" + aTrace + "-b7ad6b7169203331-00":                       aTrace,
		"cc-" + aTrace + "-b7ad6b7169203331-01-what.the.future.holds": aTrace,
		"cc-" + aTrace + "-b7ad6b7169203331-01":                       aTrace,
		"":                                                            "",
		"00":                                                          "",
		"ff-" + aTrace + "-b7ad6b7169203331-01":                       "",
		"00-" + aTrace + "-b7ad6b7169203331-01-":                      "",
		"00-" + aTrace + "-b7ad6b7169203331-010":                      "",
		"cc-" + aTrace + "-b7ad6b7169203331-010":                      "",
		"00-" + strings.ToUpper(aTrace) + "-b7ad6b7169203331-01":      "",
		"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01":      "",
		"00-" + aTrace + "-0000000000000000-01":                       "",
		"00_" + aTrace + "-b7ad6b7169203331-01":                       "",
		"00-" + aTrace + "-b7ad6b716920333\n-01":                      "",
		"00-" + aTrace + "-b7ad6b7169203331-0x":                       "",
		" 00-" + aTrace + "-b7ad6b7169203331-01":                      "",
	} {
		r := Record{Headers: []Header{{TraceParent, []byte("of another")}, {TraceParent, []byte(parent)}, {"Traceparent", nil}}}
		if got := r.Trace(); got != want {
			t.Errorf("%q: got %q, want %q", parent, got, want)
		}
	}
	if got := (&Record{Headers: []Header{{TraceParent, nil}}}).Trace(); got != "" {
		t.Errorf("a null: %q", got)
	}
}

func TestTraced(t *testing.T) {
	for trace, want := range map[string]string{"": "msg=said\n", aTrace: "msg=said trace=" + aTrace + "\n"} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		Traced(log, trace).Info("said")
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%q, want %q behind it", out.String(), want)
		}
	}
}
