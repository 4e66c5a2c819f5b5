package config

import (
	"fmt"
	"regexp"
	"strings"
)

// keptHeaders reads the names of fields that records keep.
func keptHeaders(to *[]string) kind {
	return list(to, "names of header fields", func(given string) error {
		if !fieldName.MatchString(given) {
			return fmt.Errorf("%q is not the name of a header", given)
		}
		if why := unkept[strings.ToLower(given)]; why != "" {
			return fmt.Errorf("%q %s; choose another header", given, why)
		}
		return nil
	})
}

// fieldName matches a token (RFC 9110, 5.6.2).
var fieldName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// What fields are that no record may keep.
const (
	credential   = "has a secret of the sender, which must not get into a topic"
	ofConnection = "belongs to the connection and cannot be kept"
)

// unkept says why a field cannot be kept. net/http takes those of the connection out of the request's header.
var unkept = map[string]string{
	"authorization": credential, "proxy-authorization": credential, "cookie": credential,
	"host": ofConnection, "transfer-encoding": ofConnection, "trailer": ofConnection,
}
