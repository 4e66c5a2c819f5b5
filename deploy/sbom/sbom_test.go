package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

func TestMain(m *testing.M) { harnesstest.Main(m) }

func TestListsWhatIsLinked(t *testing.T) {
	var out bytes.Buffer
	if err := write(&out, harnesstest.Binary(), "1.2.3", "2026-01-01T00:00:00Z"); err != nil {
		t.Fatal(err)
	}
	var got bom
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, c := range got.Components {
		versions[c.Name] = c.Version
	}
	info, err := buildinfo.ReadFile(harnesstest.Binary())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Deps {
		if versions[m.Path] != m.Version {
			t.Errorf("%s is %q in the list and %s in the binary", m.Path, versions[m.Path], m.Version)
		}
	}
	for _, name := range []string{"openssl", "zlib"} {
		if versions[name] == "" {
			t.Errorf("no version of %s", name)
		}
	}
	if len(got.Dependencies) != 1 || len(got.Dependencies[0].DependsOn) != len(got.Components) {
		t.Errorf("dependencies: %v", got.Dependencies)
	}
	said, err := exec.Command(harnesstest.Binary(), "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "librdkafka " + versions["librdkafka"] + "\n"; !strings.Contains(string(said), want) {
		t.Errorf("listed is %sthe binary says\n%s", want, said)
	}
}

// A list without OpenSSL would be worse than no list.
func TestMissingLibraryIsAnError(t *testing.T) {
	content, err := os.ReadFile(harnesstest.Binary())
	if err != nil {
		t.Fatal(err)
	}
	stripped := filepath.Join(t.TempDir(), "sluice")
	content = bytes.ReplaceAll(content, []byte("OpenSSL 3"), []byte("OpenSSX 3"))
	if err := os.WriteFile(stripped, content, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := write(&bytes.Buffer{}, stripped, "1", ""); err == nil || !strings.Contains(err.Error(), "openssl") {
		t.Errorf("without OpenSSL: %v", err)
	}
}
