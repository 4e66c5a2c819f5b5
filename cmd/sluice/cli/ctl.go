package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/server/management"
)

// systemSocket is the control socket of the unit sluice.service.
const systemSocket = "/run/sluice/" + config.SocketName

// maxAnswer bounds an answer, in bytes. The status of ten thousand subscriptions fits.
const maxAnswer = 64 << 20

// ctlCommand has the flags of its subcommands, so that they may stand in front of the subcommand or behind it.
type ctlCommand struct {
	controlFlags
	Status ctlStatus `cmd:"" help:"Show what a running sluice is doing."`
	Reload ctlReload `cmd:"" help:"Let a running sluice read its configuration again. Exits with 78, and nothing has changed, when the configuration is wrong."`
	Leases ctlLeases `cmd:"" help:"Show who holds which record, the oldest first."`
	Errors ctlErrors `cmd:"" help:"Show the last warning or error of each kind."`
	Drain  ctlDrain  `cmd:"" help:"Let a running sluice finish and stop. Returns when it has begun to."`
}

// controlFlags name the running sluice.
type controlFlags struct {
	Socket  string        `placeholder:"PATH" help:"Control socket of the running sluice; else SLUICE_CONTROL, else /run/sluice/sluice.sock."`
	Timeout time.Duration `default:"30s" help:"How long sluice may take to answer."`
}

type ctlReload struct{}

type ctlDrain struct{}

// Run lets a running sluice reload, and shows the result.
func (ctlReload) Run(env Env, ctl *ctlCommand) error {
	var done management.Reloaded
	if err := ctl.ask(http.MethodPost, "/reload", &done); err != nil {
		return err
	}
	printReloaded(env.Out, done)
	return nil
}

// Run lets a running sluice drain.
func (ctlDrain) Run(env Env, ctl *ctlCommand) error {
	if err := ctl.ask(http.MethodPost, "/drain", &management.Draining{}); err != nil {
		return err
	}
	fmt.Fprintln(env.Out, "draining")
	return nil
}

// printReloaded shows the changed settings, with the time when each takes effect. The running sluice may be of another
// version, and may have settings that this table does not know.
func printReloaded(to io.Writer, done management.Reloaded) {
	if len(done.Changed)+len(done.Restart) == 0 {
		fmt.Fprintln(to, "nothing has changed")
	}
	for _, key := range done.Changed {
		fmt.Fprintf(to, "changed %s: %s\n", cmp.Or(config.TakesEffect(key), "at once"), key)
	}
	for _, key := range done.Restart {
		fmt.Fprintf(to, "needs a restart: %s\n", key)
	}
	for _, warning := range done.Warnings {
		fmt.Fprintf(to, "warning: %s\n", warning)
	}
}

// path returns the path of the control socket.
func (c *controlFlags) path() (string, error) {
	if c.Socket != "" {
		return c.Socket, nil
	}
	if path := os.Getenv("SLUICE_CONTROL"); path != "" {
		return path, nil
	}
	if _, err := os.Stat(systemSocket); err != nil {
		return "", fmt.Errorf("no control socket: neither --socket nor SLUICE_CONTROL is given, and %w "+
			"(a sluice outside of systemd has one with --state-dir or --control, and logs its path at the start)", err)
	}
	return systemSocket, nil
}

// ask sends a request to the running sluice and decodes its answer. A refusal becomes an error: a config.Error if the
// configuration is the reason.
func (c *controlFlags) ask(method, path string, answer any) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	status, body, err := c.exchange(ctx, method, path)
	if err != nil {
		return err
	}
	if status/100 == 2 {
		if err := json.Unmarshal(body, answer); err != nil {
			return fmt.Errorf("no answer of a sluice: %w", err)
		}
		return nil
	}
	var refused struct{ Error string }
	if err := json.Unmarshal(body, &refused); err != nil || refused.Error == "" {
		return fmt.Errorf("no answer of a sluice: HTTP status %d", status)
	}
	if status == http.StatusUnprocessableEntity {
		return config.Error{Err: errors.New(refused.Error)}
	}
	return errors.New(refused.Error)
}

// exchange sends a request, and returns status and body of its answer.
func (c *controlFlags) exchange(ctx context.Context, method, path string) (status int, body []byte, err error) {
	socket, err := c.path()
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, nil)
	if err != nil {
		return 0, nil, err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, nil, c.unanswered(ctx, socket, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, nil, c.unanswered(ctx, socket, err)
	}
	return response.StatusCode, body, nil
}

// unanswered returns the error of a request without an answer.
func (c *controlFlags) unanswered(ctx context.Context, socket string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer from %s within %s", socket, c.Timeout)
	}
	return fmt.Errorf("no sluice answers: %w", err)
}
