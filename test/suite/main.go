// Command suite runs go test with its arguments. It prints what failed and how every package ended. At the end it names
// the ten slowest tests, what was skipped, and what failed, with the reasons. Its exit status is that of go test.
//
//	go run ./test/suite -race -count=1 ./...
//
// With -v first it prints all that the tests write. SUITE_TIMES names a file to which it appends one line a test, its
// seconds first: what several runs have in common sorts them.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	args := os.Args[1:]
	verbose := len(args) > 0 && args[0] == "-v"
	if verbose {
		args = args[1:]
	}
	status, err := run(newReport(os.Stdout, verbose), args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// run runs go test, and tells the report what it says.
func run(r *report, args []string) (status int, err error) {
	signal.Ignore(syscall.SIGINT) // go test gets it as well, and ends
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	err = r.read(said)
	ended := cmd.Wait()
	r.end()
	if file := os.Getenv("SUITE_TIMES"); file != "" {
		err = errors.Join(err, r.appendTimes(file))
	}
	if exit := (*exec.ExitError)(nil); errors.As(ended, &exit) {
		return exit.ExitCode(), err
	}
	return 0, errors.Join(err, ended)
}
