package systemd

import (
	"fmt"
	"os"
	"syscall"
)

// JournalStream reports whether f is a stream to the journal. Lines in it may begin with a priority, <3> for an error.
//
// systemd sets JOURNAL_STREAM to device and inode of the stream. The variable alone proves nothing: a child inherits it
// although its output may go elsewhere.
//
// See "Automatic Protocol Upgrading" in https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
func JournalStream(f *os.File) bool {
	var device, inode uint64
	if _, err := fmt.Sscanf(os.Getenv("JOURNAL_STREAM"), "%d:%d", &device, &inode); err != nil {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Dev == device && stat.Ino == inode
}
