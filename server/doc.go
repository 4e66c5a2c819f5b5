// Package server is what the doors of sluice share.
//
// A door lets clients in: server/resp speaks the Redis protocol, server/rest speaks HTTP, server/management answers
// operators. This package has what more than one of them needs, and knows none of them.
package server
