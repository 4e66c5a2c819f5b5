// Command sluice stands between applications and Kafka: it speaks the Redis protocol to one side
// and wraps librdkafka on the other.
//
// Exit statuses: 0 done, 1 failed while running, 64 wrong usage, 78 wrong configuration (EX_USAGE and
// EX_CONFIG of sysexits.h, so that a supervisor can tell "do not bother restarting" from 2, with which
// Go ends a program that crashed).
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sluice-proxy/sluice/systemd"
)

// The exit statuses of every subcommand.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 64
	exitConfig = 78
)

const description = `sluice stands between applications and Kafka: clients speak the Redis protocol, sluice does the rest.

Exit status: 0 done, 1 failed while running, 64 wrong usage, 78 wrong configuration.`

// commandLine is the whole command line; kong reads its tags.
type commandLine struct {
	Serve   serveCommand   `cmd:"" help:"Open the doors and run until a signal. The first SIGTERM or SIGINT drains, the second cuts; SIGHUP reads the configuration again."`
	Ctl     ctlCommand     `cmd:"" help:"Talk to a running sluice over its control socket."`
	Check   checkCommand   `cmd:"" help:"Validate a configuration without starting anything."`
	Topics  topicsCommand  `cmd:"" help:"Show the topics of a cluster."`
	Groups  groupsCommand  `cmd:"" help:"Show the consumer groups of a cluster and their lag."`
	Version versionCommand `cmd:"" help:"Show the versions of sluice, Go and librdkafka."`
}

// streams are what a subcommand may write to.
type streams struct {
	out, err io.Writer
	journal  bool // err is systemd's journal, where a line begins with its priority
}

// usageError is a command line that parses but makes no sense.
type usageError string

func (e usageError) Error() string { return string(e) }

// configError is a configuration sluice cannot run with.
type configError struct{ err error }

func (e configError) Error() string { return e.err.Error() }
func (e configError) Unwrap() error { return e.err }

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdout, os.Stderr, systemd.JournalStream(os.Stderr)}))
}

// run executes one command line and returns its exit status.
func run(args []string, to streams) int {
	status := -1
	parser, err := newParser(to, func(code int) { status = code })
	if err != nil {
		return report(to, err)
	}
	command, err := parser.Parse(args)
	if status >= 0 { // --help was asked for and given
		return status
	}
	if err == nil {
		err = command.Run()
	}
	return report(to, err)
}

// newParser reads the command line; exit is told when --help was given.
func newParser(to streams, exit func(status int)) (*kong.Kong, error) {
	return kong.New(&commandLine{},
		kong.Name("sluice"),
		kong.Description(description),
		kong.Writers(to.out, to.err),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Bind(to),
	)
}

// report tells the operator what went wrong and chooses the exit status.
func report(to streams, err error) int {
	var (
		parse *kong.ParseError
		usage usageError
		bad   configError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &bad):
		// Bare lines: file:line:column at the start is what editors jump to.
		to.complain(err.Error())
		return exitConfig
	case errors.As(err, &parse), errors.As(err, &usage):
		to.complain(fmt.Sprintf("sluice: %s\nTry \"sluice --help\".", plainly(err.Error())))
		return exitUsage
	default:
		to.complain("sluice: " + err.Error())
		return exitFailed
	}
}

// complain writes the last words of a command.
func (to streams) complain(text string) {
	if to.journal {
		mark := fmt.Sprintf("<%d>", priority(slog.LevelError))
		text = mark + strings.ReplaceAll(text, "\n", "\n"+mark)
	}
	fmt.Fprintln(to.err, text)
}

// noValue is how kong says that the command line ends where a flag's value should be.
var noValue = regexp.MustCompile(`^(-\S+): expected .*but got "EOL" \(<EOL>\)$`)

// plainly says what kong says in words that need no knowledge of scanners.
func plainly(complaint string) string {
	return noValue.ReplaceAllString(complaint, "$1 needs a value")
}
