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

// Producers are the librdkafka producers that all sessions share, one for each profile, with what they know of topics.
type Producers struct {
	settings *atomic.Pointer[config.Config]
	log      *slog.Logger
	life     *lifetime.Lifetime
	cluster  *cluster.Cluster

	all         []*producer // by the index of the profile
	delivered   *producer
	buffered    *producer
	publishers  publishers
	topics      topicGate
	counters    counterTable
	limits      limits
	problems    atomic.Pointer[problems]
	offline     atomic.Bool      // no broker answers: see holdsBack
	lastWritten map[string]int64 // how many records were written at the last look, by topic with records under way; see diagnose
}

// Open starts a producer for each profile. No broker needs to be reachable.
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

// config is the present configuration. Nobody changes what it points to.
func (ps *Producers) config() *config.Config { return ps.settings.Load() }

// apply applies the bounds of a configuration.
func (ps *Producers) apply(cfg *config.Config) { ps.topics.limit.Store(int64(cfg.Produce.MaxTopics)) }

// Publisher makes a session's handle on the producers. Other goroutines call wake when something has happened that the
// session waits for; wake must not block. The session closes the handle.
func (ps *Producers) Publisher(wake func()) (*Publisher, error) {
	p := &Publisher{producers: ps, wake: wake, toDeliver: sessionBatch{producer: ps.delivered}, toBuffer: sessionBatch{producer: ps.buffered}}
	p.threshold.Store(-1)
	return p, ps.publishers.add(p)
}

// ListGroups asks the brokers for groups; see cluster.Engine.
func (ps *Producers) ListGroups(name string, limit time.Duration) ([]librdkafka.Group, error) {
	return ps.delivered.handle.Load().Groups(name, limit)
}

// Stopping says that the process is about to end. Records that fail from now on count as undelivered.
func (ps *Producers) Stopping() { ps.counters.stop() }

const (
	// topicsTime bounds the wait for topics when a client ends, because groups are to be left in time as well.
	topicsTime = 2 * time.Second
	topicsTick = 5 * time.Millisecond
)

// AwaitTopics waits until no record waits for its topic, so that librdkafka sends these records too. It waits for
// topicsTime at most, and for half of ctx's time.
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

// Close ends the producers, each until ctx ends. First all records end that still wait for their topic.
func (ps *Producers) Close(ctx context.Context) {
	for _, t := range ps.topics.all() {
		t.giveUpHeld(ps)
	}
	for _, p := range ps.all {
		p.close(ctx)
	}
}

// Undelivered is how many records have failed since Stopping, or still have no outcome.
func (ps *Producers) Undelivered() int64 {
	return ps.counters.undelivered() + ps.held()
}

// successor is a handle that is to replace a producer's handle.
type successor struct {
	handle     *librdkafka.Producer
	properties config.Properties
}

// Successors are new handles, by the producer that each is for.
type Successors map[*producer]successor

// Prepare makes a handle for every profile whose properties change. With an error it leaves no handle.
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

// Reconfigure applies a configuration, with the handles that Prepare made for it.
func (ps *Producers) Reconfigure(cfg *config.Config, made Successors) {
	ps.apply(cfg)
	for p, s := range made {
		p.reconfigure(s.handle, s.properties)
	}
}
