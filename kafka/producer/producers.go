package producer

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
)

// Producers are the shared librdkafka producers, one by profile, and what all of them know of topics.
type Producers struct {
	settings *atomic.Pointer[config.Config]
	log      *slog.Logger
	life     *lifetime.Lifetime
	cluster  *cluster.Cluster

	all         []*producer // by profile
	delivered   *producer
	buffered    *producer
	publishers  publishers
	topics      topicGate
	counters    counterTable
	limits      limits
	problems    atomic.Pointer[problems]
	lastWritten map[string]int64 // by topic with records under way, records written at the last look; see diagnose
}

// openProducers starts a producer for each profile; no broker needs to be reachable.
func Open(settings *atomic.Pointer[config.Config], log *slog.Logger, life *lifetime.Lifetime, cluster *cluster.Cluster) (*Producers, error) {
	profiles := []string{config.Delivered, config.Buffered}
	ps := &Producers{
		settings: settings, log: log, life: life, cluster: cluster,
		topics: topicGate{names: map[string]*topic{}}, counters: newCounterTable(len(profiles)),
	}
	ps.apply(ps.config())
	for _, profile := range profiles {
		p, err := newProducer(profile, ps)
		if err != nil {
			ps.Close(life.Context)
			return nil, fmt.Errorf("producer profile %s: %w", profile, err)
		}
		ps.all = append(ps.all, p)
	}
	ps.delivered, ps.buffered = ps.all[0], ps.all[1]
	return ps, nil
}

// config is the configuration as it is now. Nobody changes what it points to.
func (ps *Producers) config() *config.Config { return ps.settings.Load() }

// apply applies the bounds of a configuration.
func (ps *Producers) apply(cfg *config.Config) { ps.topics.limit.Store(int64(cfg.Produce.MaxTopics)) }

// Publisher makes a session's handle on the producers. wake is called, from other goroutines and
// never blocking, when something the session waits for has happened. The session closes the handle.
func (ps *Producers) Publisher(wake func()) (*Publisher, error) {
	p := &Publisher{producers: ps, wake: wake, toDeliver: sessionBatch{producer: ps.delivered}, toBuffer: sessionBatch{producer: ps.buffered}}
	p.threshold.Store(-1)
	return p, ps.publishers.add(p)
}

// groups asks the brokers for groups; see cluster.Engine.
func (ps *Producers) ListGroups(name string, limit time.Duration) ([]librdkafka.Group, error) {
	return ps.delivered.handle.Load().Groups(name, limit)
}

// Stopping says that the process is about to end: a record that fails from now on counts as not
// delivered in Close's error.
func (ps *Producers) Stopping() { ps.counters.stop() }

const (
	// topicsTime bounds how long the end of a client waits for its records' topics: groups are to be left as well.
	topicsTime = 2 * time.Second
	topicsTick = 5 * time.Millisecond
)

// awaitTopics lets records that wait for their topics go on to librdkafka, which sends them before its producer ends. It
// returns when none waits, after topicsTime, or when half of ctx's time is over: who is left ends in the other half.
func (ps *Producers) AwaitTopics(ctx context.Context) {
	limit := topicsTime
	if end, bounded := ctx.Deadline(); bounded {
		limit = min(limit, time.Until(end)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(topicsTick)
	defer tick.Stop()
	for ps.held() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// held is how many records wait for their topics.
func (ps *Producers) held() (n int64) {
	for _, p := range ps.all {
		n += p.held.Load()
	}
	return n
}

// close ends the producers, each until ctx ends. What still waits for its topic ends first: nobody asks for it any more,
// though a question may be under way.
func (ps *Producers) Close(ctx context.Context) {
	for _, t := range ps.topics.all() {
		t.giveUpHeld(ps)
	}
	for _, p := range ps.all {
		p.close(ctx)
	}
}

// undelivered is how many records have failed since Stopping, or are still without an end.
func (ps *Producers) Undelivered() int64 {
	return ps.counters.undelivered() + ps.held()
}

// successor is a producer handle that is to take over.
type successor struct {
	handle     *librdkafka.Producer
	properties config.Properties
}

// successors are the handles that take over, by the producer that they are for.
type Successors map[*producer]successor

// prepare makes a handle for every profile whose properties change, or none at all.
func (ps *Producers) Prepare(cfg *config.Config) (Successors, error) {
	made := Successors{}
	for _, p := range ps.all {
		properties := cfg.ProducerProperties(p.profile)
		if !p.handles.differs(properties) {
			continue
		}
		handle, err := librdkafka.NewProducer(properties)
		if err != nil {
			for p, s := range made {
				discard(ps.life.Context, s.handle, p.log)
			}
			return nil, err
		}
		made[p] = successor{handle, properties}
	}
	return made, nil
}

// reconfigure applies a configuration, for which prepare has made the handles.
func (ps *Producers) Reconfigure(cfg *config.Config, made Successors) {
	ps.apply(cfg)
	for p, s := range made {
		p.reconfigure(s.handle, s.properties)
	}
}
