package server

import (
	"crypto/sha256"
	"crypto/subtle"
)

// PasswordMatches compares a client's password with the configured one. An empty password asks for none: everything
// matches. The time that the comparison takes tells nothing about the password, its length included.
func PasswordMatches(given []byte, password string) bool {
	if password == "" {
		return true
	}
	got, want := sha256.Sum256(given), sha256.Sum256([]byte(password)) // both have the same length
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
