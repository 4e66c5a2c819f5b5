package rest

import "time"

// pending is a record whose result is not written.
type pending struct {
	line       int64
	failure    *failure // it was not sent; nil: it was
	until      time.Time
	key, value embedded // as version 3 tells them
}
