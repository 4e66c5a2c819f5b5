// Package cli is the command line of sluice: a file for each subcommand.
package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/cmd/sluice/logging"
)

// The exit statuses of every subcommand.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 64 // EX_USAGE of sysexits.h
	exitConfig = 78 // EX_CONFIG
)

const description = `sluice stands between applications and Kafka: clients speak the Redis protocol or HTTP, sluice does the rest.

Exit status: 0 done, 1 failed while running, 64 wrong usage, 78 wrong configuration.`

// commandLine is the whole command line. kong reads its tags.
type commandLine struct {
	Serve   serveCommand   `cmd:"" help:"Open the doors and run until a signal. The first SIGTERM or SIGINT drains, the second cuts; SIGHUP reads the configuration again."`
	Ctl     ctlCommand     `cmd:"" help:"Talk to a running sluice over its control socket."`
	Check   checkCommand   `cmd:"" help:"Validate a configuration without starting anything."`
	Topics  topicsCommand  `cmd:"" help:"Show the topics of a cluster."`
	Groups  groupsCommand  `cmd:"" help:"Show the consumer groups of a cluster and their lag."`
	DLQ     dlqCommand     `cmd:"" name:"dlq" help:"Show dead letters: records that were given up."`
	Version versionCommand `cmd:"" help:"Show the versions of sluice, Go and librdkafka."`
}

// Env is what a subcommand needs of its process.
type Env struct {
	Version  string
	Out, Err io.Writer
	Journal  bool // systemd's journal reads Err, and a line begins with its priority
}

// Run executes one command line and returns its exit status.
func Run(args []string, env Env) int {
	status := -1
	parser, err := newParser(env, func(code int) { status = code })
	if err != nil {
		return env.report(err)
	}
	command, err := parser.Parse(joinAgo(args))
	if status >= 0 { // kong has shown the text of --help
		return status
	}
	if err != nil {
		return env.report(pointed(args, err))
	}
	return env.report(command.Run())
}

var (
	// surplus matches kong's error for an argument that a subcommand does not take.
	surplus = regexp.MustCompile(`^unexpected argument (\S+)$`)
	// listing are the subcommands that list, with the name of one that they list.
	listing = map[string]string{"topics": "topic", "groups": "group"}
)

// pointed names the subcommand that takes a name, where the name was given to one that lists.
func pointed(args []string, err error) error {
	m := surplus.FindStringSubmatch(err.Error())
	if m == nil || listing[args[0]] == "" {
		return err
	}
	return config.UsageError(fmt.Sprintf("%s; one %s: sluice %s describe %s", err, listing[args[0]], args[0], m[1]))
}

// ago matches a value that kong would take for a flag: --to -1h.
var ago = regexp.MustCompile(`^-\d`)

// joinAgo writes a value that begins with a minus behind its flag, with an equals sign.
func joinAgo(args []string) []string {
	var joined []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--to" && i+1 < len(args) && ago.MatchString(args[i+1]) {
			joined = append(joined, args[i]+"="+args[i+1])
			i++
			continue
		}
		joined = append(joined, args[i])
	}
	return joined
}

// newParser makes the parser of the command line. It calls exit after --help.
func newParser(env Env, exit func(status int)) (*kong.Kong, error) {
	return kong.New(&commandLine{},
		kong.Name("sluice"),
		kong.Description(description),
		kong.Writers(env.Out, env.Err),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Bind(env),
	)
}

// report writes the error of a command, and returns its exit status.
func (env Env) report(err error) int {
	var (
		parse *kong.ParseError
		usage config.UsageError
		bad   config.Error
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &bad):
		// Without "sluice: ", because editors jump to a file:line:column at the beginning of a line.
		env.complain(err.Error())
		return exitConfig
	case errors.As(err, &parse), errors.As(err, &usage):
		env.complain(fmt.Sprintf("sluice: %s\nTry \"sluice --help\".", usageText(err.Error())))
		return exitUsage
	default:
		env.complain("sluice: " + err.Error())
		return exitFailed
	}
}

// complain writes an error text. Each of its lines gets a priority for the journal.
func (env Env) complain(text string) {
	if env.Journal {
		mark := fmt.Sprintf("<%d>", logging.Priority(slog.LevelError))
		text = mark + strings.ReplaceAll(text, "\n", "\n"+mark)
	}
	fmt.Fprintln(env.Err, text)
}

// noValue matches kong's error for a flag without its value at the end of the command line.
var noValue = regexp.MustCompile(`^(-\S+): expected .*but got "EOL" \(<EOL>\)$`)

// usageText rewrites kong's errors that use words of a scanner.
func usageText(text string) string {
	return noValue.ReplaceAllString(text, "$1 needs a value")
}
