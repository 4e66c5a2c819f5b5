package resp

import (
	"context"

	"github.com/sluice-proxy/sluice/test/harness"
)

// until: REPLY COMMAND..., asked again and again, each time on a connection of its own (in RESP2),
// until the answer is that. REPLY is one word of the notation.
func (r *run) until(ctx context.Context, _ string, args []string) error {
	p, err := parsePattern(args[0])
	if err != nil {
		return err
	}
	return harness.Until(ctx, func(context.Context) error {
		c, err := dial(r.addr, 2, r.patience)
		if err != nil {
			return err
		}
		defer c.net.Close()
		if err := c.send(args[1:]); err != nil {
			return err
		}
		v, err := c.read(r.patience)
		if err != nil {
			return err
		}
		return p.check(args[0], v, c.proto, r.vars)
	})
}
