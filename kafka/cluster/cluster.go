// Package cluster asks the brokers about topics, groups, offsets, lag.
package cluster

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Cluster asks the brokers about topics, groups, offsets and themselves.
type Cluster struct {
	settings *atomic.Pointer[config.Config]
	log      *slog.Logger
	life     *lifetime.Lifetime

	reading     chan struct{} // a slot for each reading
	groupSlots  chan struct{} // a slot for each question for groups
	offsetSlots chan struct{} // a slot for each offset client
	admin       atomic.Pointer[sharedAdmin]
	state       clusterState
	doubted     atomic.Bool // see Doubt
	engine      Engine

	uncheckedLetters sync.Once // see checkDeadLetters
}

// Engine is what a Cluster needs of those who produce and consume. Its functions are called from several goroutines.
type Engine struct {
	// Groups asks all brokers for their groups, or for the group that is named; see librdkafka.Producer.Groups.
	Groups func(name string, limit time.Duration) ([]librdkafka.Group, error)
	// Served are the groups that this proxy serves, by name.
	Served func() map[string]Served
	// Seek moves a served group to other offsets and commits them; it returns those of partitions that are not
	// assigned to this proxy.
	Seek func(ctx context.Context, group string, offsets []record.PartitionOffset) (elsewhere []record.PartitionOffset, err error)
	// Asked is told of the brokers after each question whether they answer; failed is the question's error.
	Asked func(ctx context.Context, ask Ask, heard []Heard, failed error)
	// Changed is told of a topic that was created, altered or deleted.
	Changed func(topic string)
}

// Ask puts one question to the brokers, in bounded time.
type Ask func(ctx context.Context, question func(context.Context, *Admin) error) error

// New makes a Cluster that answers questions at once; its loop begins with Run.
func New(settings *atomic.Pointer[config.Config], log *slog.Logger, life *lifetime.Lifetime) *Cluster {
	c := &Cluster{
		settings: settings, log: log, life: life,
		reading: make(chan struct{}, mostAsked), groupSlots: make(chan struct{}, mostGroupQuestions), offsetSlots: make(chan struct{}, mostOffsetClients),
	}
	c.Reconfigure(c.config())
	return c
}

// Run keeps what the brokers told up to date, until the life ends. It is called once, before any question.
func (c *Cluster) Run(e Engine) {
	c.engine = e
	c.life.Go(func() { c.refresh(c.life.Context) })
}

// config is the configuration as it is now. Nobody changes what it points to.
func (c *Cluster) config() *config.Config { return c.settings.Load() }

// Reconfigure makes administrative reads use other properties. The old client ends, in the background, when nobody is
// inside any more.
func (c *Cluster) Reconfigure(cfg *config.Config) {
	old := c.admin.Swap(&sharedAdmin{brokers: cfg.Brokers, properties: cfg.Properties})
	if old != nil {
		c.life.Go(func() { old.close(c.life.Context) })
	}
}

// Close ends the administrative client.
func (c *Cluster) Close(ctx context.Context) { c.admin.Load().close(ctx) }
