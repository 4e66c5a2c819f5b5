// Package parallel sets how many parallel tests of a package run at a time.
package parallel

import "flag"

// waiting is how many tests run at a time when most of them wait for servers.
const waiting = "16"

// Waiting is for the TestMain of a package whose tests mostly wait. It overrides the command line's -parallel, which is
// the number of processors by default.
func Waiting() {
	if err := flag.Set("test.parallel", waiting); err != nil {
		panic(err)
	}
}
