package harness

import (
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FakeOptions describe a fake cluster.
type FakeOptions struct {
	// Brokers is how many brokers there are; 0 means one.
	Brokers int
	// Port is where its only broker listens, on loopback; 0 means a free one for each.
	Port int
	// Partitions is how many a topic gets that a client's request creates; 0 means one.
	Partitions int
	// NoAutoCreate makes the brokers refuse topics that nobody created.
	NoAutoCreate bool
	// ACLs makes the brokers refuse what Admin.Deny says; everybody may do all else.
	ACLs bool
}

// Fake is a Kafka cluster inside this process: milliseconds to start, and no quirks of a real one.
type Fake struct {
	// Cluster is kfake's own handle, for tests that inject faults.
	Cluster *kfake.Cluster
}

// StartFake starts a fake cluster. Group session timeouts down to 100 ms are allowed.
func StartFake(o FakeOptions) (*Fake, error) {
	opts := []kfake.Opt{
		kfake.NumBrokers(max(o.Brokers, 1)),
		kfake.DefaultNumPartitions(max(o.Partitions, 1)),
		kfake.GroupMinSessionTimeout(100 * time.Millisecond),
	}
	if o.Port != 0 {
		opts = append(opts, kfake.Ports(o.Port))
	}
	if !o.NoAutoCreate {
		opts = append(opts, kfake.AllowAutoTopicCreation())
	}
	if o.ACLs {
		opts = append(opts, kfake.EnableACLs(), kfake.User("PLAIN", "ANONYMOUS", "", anything()...))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, err
	}
	return &Fake{Cluster: cluster}, nil
}

// anything is what may be done where nothing is denied.
func anything() (rules []kfake.ACL) {
	for _, of := range []kmsg.ACLResourceType{
		kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup, kmsg.ACLResourceTypeCluster, kmsg.ACLResourceTypeTransactionalId,
	} {
		rules = append(rules, kfake.ACL{
			Resource: of, Name: "*", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAll, Allow: true,
		})
	}
	return rules
}

// Brokers are the addresses to bootstrap from.
func (f *Fake) Brokers() []string { return f.Cluster.ListenAddrs() }

// Close ends the cluster; its records are gone.
func (f *Fake) Close() error {
	f.Cluster.Close()
	return nil
}
