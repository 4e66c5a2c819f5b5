package daemon

import (
	"path/filepath"
	"testing"
)

func TestAStateDirectoryHasOneOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "state")
	first, err := lockStateDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockStateDir(dir); err == nil || err.Error() != "state_dir: "+dir+" is in use by another sluice" {
		t.Errorf("second owner: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lockStateDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
