package harness

import (
	"context"
	"fmt"
	"net"
	"os/exec"
)

// Redis is a running redis-server: the original our own words are compared with.
type Redis struct {
	*Process
	// Addr is where it listens, host:port.
	Addr string
}

// StartRedis starts an empty redis-server without persistence; args are further options of it.
func StartRedis(ctx context.Context, args ...string) (*Redis, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server is needed (Debian: apt-get install redis-server): %w", err)
	}
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	options := []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"}
	p, err := start(binary, append(options, args...)...)
	if err != nil {
		return nil, err
	}
	err = p.ready(ctx, func(ctx context.Context) error { return Accepts(ctx, addr) })
	if err != nil {
		_ = p.Kill()
		return nil, err
	}
	return &Redis{Process: p, Addr: addr}, nil
}

// Close ends the server.
func (r *Redis) Close() error { return r.Kill() }
