//go:build generated

package clients

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// workshop is a folder with the program of generated/<language> and the document that the door at url serves.
func workshop(t *testing.T, language, url string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("generated", language))); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/openapi.json", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	document, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the document: %s, %v", answer.Status, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.json"), document, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// expectRoundTrip checks, asking Kafka itself, what every program of generated/ does: it produces two records, and takes
// them through a consumer instance and from a group.
func (d *door) expectRoundTrip(t *testing.T, language string) {
	t.Helper()
	var compact bytes.Buffer // some of them put spaces into JSON
	for _, value := range d.values(t) {
		if err := json.Compact(&compact, []byte(value)); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
	if got := compact.String(); got != `{"sku":9}"two"` {
		t.Errorf("the topic holds %s", got)
	}
	d.expectCommitted(t, language+"-v2", 2)
	d.expectCommitted(t, language+"-v1", 2)
}
