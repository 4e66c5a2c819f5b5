package systemd

import (
	"fmt"
	"os"
	"syscall"
)

// JournalStream reports whether f goes straight into the journal, where a line may begin with its
// priority, <3> for an error. systemd puts the device and inode of the stream into JOURNAL_STREAM: the
// variable alone says nothing, for a child whose output goes elsewhere inherits it.
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
