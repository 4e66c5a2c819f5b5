package config

import (
	"log/slog"
	"time"

	"github.com/sluice-proxy/sluice/cmd/sluice/logging"
	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

// Config is everything that an operator can choose, in the units of its types. Sizes are bytes.
type Config struct {
	RESP       RESP
	HTTP       HTTP
	Management Management
	Users      Users
	Kafka      kafka.Config
	AckTimeout time.Duration // of both doors, unless one has its own
	StateDir   string
	Insecure   bool
	Log        logging.Config
}

// RESP configures the Redis door. The daemon adds the password and the version to its options.
type RESP struct {
	Address   string
	Listeners map[string]RESPListener // further ones, by their names
	Options   resp.Options
}

// RESPListener is a further address of the Redis door, for clients that need other replies.
type RESPListener struct {
	Address string // host:port, or unix:/path; empty where systemd opens the socket
	resp.ListenerOptions
}

// HTTP configures the HTTP door. The daemon adds the options that both doors share.
type HTTP struct {
	Address string
	Options rest.Options
}

// Management configures the door of operators and monitoring.
type Management struct {
	Address string
	Control string   // path of the control socket, or autoControl
	Hosts   []string // host names, other than localhost, that requests may use
	Pprof   bool
}

// Users configures who may connect.
type Users struct {
	Password     Secret
	PasswordFile string
}

const (
	kibi = 1 << 10
	mebi = 1 << 20
)

// Default returns the configuration of a program without file and flags.
func Default() *Config {
	return &Config{
		RESP:       RESP{Address: "127.0.0.1:6380", Options: resp.DefaultOptions()},
		HTTP:       HTTP{Address: "127.0.0.1:8082", Options: rest.DefaultOptions()},
		Management: Management{Address: "127.0.0.1:9380", Control: autoControl},
		Kafka:      kafka.Defaults(),
		AckTimeout: resp.DefaultOptions().AckTimeout,
		Log:        logging.Config{Level: slog.LevelInfo, Format: "text"},
	}
}
