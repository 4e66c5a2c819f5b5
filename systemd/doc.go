// Package systemd talks to the service manager: readiness, status line, watchdog pings, inherited sockets.
//
// Without systemd everything in it does nothing. Two functions of go-systemd are not used. Its SdNotify leaves
// NOTIFY_SOCKET in the environment, where every child finds it. Its ListenersWithNames drops unusable descriptors
// without an error.
package systemd
