package systemd

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestJournalStream(t *testing.T) {
	dir := t.TempDir()
	journal, other := create(t, filepath.Join(dir, "journal")), create(t, filepath.Join(dir, "other"))
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(journal.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		variable string
		file     *os.File
		want     bool
	}{
		{fmt.Sprintf("%d:%d", stat.Dev, stat.Ino), journal, true},
		{fmt.Sprintf("%d:%d", stat.Dev, stat.Ino), other, false}, // inherited, and redirected
		{fmt.Sprintf("%d:%d", stat.Dev+1, stat.Ino), journal, false},
		{"", journal, false},
		{"nonsense", journal, false},
	} {
		t.Setenv("JOURNAL_STREAM", c.variable)
		if got := JournalStream(c.file); got != c.want {
			t.Errorf("JOURNAL_STREAM=%s: %v of %s", c.variable, got, c.file.Name())
		}
	}
}

func create(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}
