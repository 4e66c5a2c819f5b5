package resp

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
)

// drain sends the proxy the signal that makes it end politely, and does not wait.
func (r *run) drain(context.Context, string, []string) error {
	return r.sluice.Signal(syscall.SIGTERM)
}

// exited: STATUS, waited for.
func (r *run) exited(ctx context.Context, _ string, args []string) error {
	status, err := r.sluice.Wait(ctx)
	if err == nil && strconv.Itoa(status) != args[0] {
		err = fmt.Errorf("exit status %d\n%s", status, r.sluice.Output())
	}
	return err
}

// restart kills the proxy with SIGKILL and starts it again; all connections are gone.
func (r *run) restart(ctx context.Context, _ string, _ []string) error {
	r.hangup()
	clear(r.conns)
	again, err := r.sluice.Restart(ctx)
	if err != nil {
		return err
	}
	r.sluice = again
	return nil
}
