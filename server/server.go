// Package server is what the doors have in common: letting connections in, and knowing under which
// names strangers may ask.
package server
