// Package openapi holds the HTTP door to its own document, as a stranger reads it: schemathesis makes
// requests of every call, right ones and wrong ones, and finds no 5xx and no answer that is not described.
//
// With the build tag openapi; make openapi-check.
package openapi
