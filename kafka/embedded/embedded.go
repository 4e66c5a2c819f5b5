// Package embedded runs a Kafka broker inside the process, for development: nothing to install, nothing to configure. The
// broker is franz-go's kfake. It is no production store: it has one node, without replication.
package embedded

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Options choose where the broker listens and what it keeps. The zero value runs.
type Options struct {
	// Address is where to listen, host:port. Empty means a free port of 127.0.0.1.
	Address string
	// StateDir keeps topics and group offsets in its subfolder "broker" across restarts, also after a kill -9. Empty keeps
	// everything in memory: the memory of records is never freed.
	StateDir string
	// Partitions is the number of partitions of a topic that its first use creates. 0 means 1, as in a real Kafka.
	Partitions int
	// Topics exist from the start. The value is the number of partitions.
	Topics map[string]int32
	// Log gets the broker's warnings and errors. nil discards them.
	Log *slog.Logger
}

// Broker is a running broker. Topics are created by their first use.
type Broker struct {
	cluster *kfake.Cluster
}

// Start returns once the broker answers. It fails when the address is in use, and when the state in StateDir cannot be read.
func Start(opts Options) (*Broker, error) {
	cluster, err := kfake.NewCluster(opts.kfake()...)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	if opts.StateDir != "" {
		cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
			createWanted(cluster, r.(*kmsg.MetadataRequest)) //nolint:forcetypeassert // by the key
			return nil, nil, false
		})
	}
	return &Broker{cluster}, nil
}

// createWanted creates the topics that a request is the first to use. kfake does that itself, but saves its list of topics
// only when it stops or when a call creates a topic. After a kill -9 the other topics would be gone, with their records.
func createWanted(cluster *kfake.Cluster, r *kmsg.MetadataRequest) {
	if !r.AllowAutoTopicCreation {
		return
	}
	for _, t := range r.Topics {
		if t.Topic != nil && cluster.TopicInfo(*t.Topic) == nil {
			// It fails for a name that differs from another name only in . and _; Kafka refuses such a name too.
			_ = cluster.CreateTopic(*t.Topic, 0, nil)
		}
	}
}

func (o Options) kfake() []kfake.Opt {
	address := o.Address
	if address == "" {
		address = "127.0.0.1:0"
	}
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, address) }),
		kfake.AllowAutoTopicCreation(),
		kfake.DefaultNumPartitions(max(1, o.Partitions)),
	}
	for topic, partitions := range o.Topics {
		options = append(options, kfake.SeedTopics(partitions, topic))
	}
	if o.StateDir != "" {
		options = append(options, kfake.DataDir(filepath.Join(o.StateDir, "broker")))
	}
	if o.Log != nil {
		options = append(options, kfake.WithLogger(logger{o.Log}))
	}
	return options
}

// Addr is the broker's bootstrap address, host:port.
func (b *Broker) Addr() string { return b.cluster.ListenAddrs()[0] }

// Close ends the broker and its connections. With a StateDir it saves the state.
func (b *Broker) Close() { b.cluster.Close() }
