// Package systemd meets the packaged service as an operator does: it installs the built .deb in a
// Debian of its own, booted with a real systemd, and starts, reloads, kills and upgrades it there.
//
// The tests need root, and stand behind the build tag `systemd`: `make test-systemd` runs them. A
// machine that cannot boot a container skips them and says why. What is booted shares no folder, no
// network, no process table and no control group with the machine, and leaves nothing behind but the
// Debian trees in .cache. SYSTEMD_SUITES chooses the Debians by their names ("bookworm trixie").
package systemd
