package harness

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// KafkaOptions describe a cluster of real Apache Kafka nodes.
type KafkaOptions struct {
	// Nodes is how many combined brokers and controllers there are; 0 means one.
	Nodes int
	// Partitions is how many a topic gets that a client's request creates; 0 means one.
	Partitions int
	// NoAutoCreate sets auto.create.topics.enable=false.
	NoAutoCreate bool
	// Secured adds listeners with TLS and SASL, on which nobody may do anything without a right; see KafkaNode.TLS, Allow.
	Secured bool
	// Properties are added to every node's server.properties.
	Properties map[string]string
}

// Kafka is a running cluster.
type Kafka struct {
	// Nodes in the order of their node.id, which starts at 1.
	Nodes []*KafkaNode
	// Certificates are those of a secured cluster; else nil.
	Certificates *Certificates

	dir string
}

// StartKafka fetches the jars if need be, formats and starts the nodes, and returns when each of
// them answers a metadata request that names all.
func StartKafka(ctx context.Context, o KafkaOptions) (*Kafka, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("java 17 is needed for Apache Kafka (Debian: apt-get install openjdk-17-jre-headless): %w", err)
	}
	classpath, err := jars(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sluice-kafka-")
	if err != nil {
		return nil, err
	}
	k := &Kafka{dir: dir}
	if err := k.start(ctx, java, classpath, o); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *Kafka) start(ctx context.Context, java, classpath string, o KafkaOptions) error {
	nodes := max(o.Nodes, 1)
	ports, err := FreePorts((2 + securedPorts) * nodes)
	if err != nil {
		return err
	}
	if o.Secured {
		if k.Certificates, err = makeCertificates(k.dir); err != nil {
			return err
		}
	}
	cluster, err := clusterID()
	if err != nil {
		return err
	}
	for i := range nodes {
		node := &KafkaNode{
			java: java, classpath: classpath, cluster: cluster,
			dir: filepath.Join(k.dir, fmt.Sprint(i+1)), ID: i + 1, Addr: loopback(ports[i]),
		}
		if err := node.configure(ports[:2*nodes], ports[2*nodes+i*securedPorts:], k.Certificates, o); err != nil {
			return err
		}
		k.Nodes = append(k.Nodes, node)
	}
	if err := k.each(func(n *KafkaNode) error { return n.format(ctx) }); err != nil {
		return err
	}
	if err := k.each((*KafkaNode).launch); err != nil {
		return err
	}
	return k.Ready(ctx)
}

// each does something with all nodes at once: a Java process takes seconds to start.
func (k *Kafka) each(do func(*KafkaNode) error) error {
	errs := make([]error, len(k.Nodes))
	var wg sync.WaitGroup
	for i, node := range k.Nodes {
		wg.Go(func() { errs[i] = do(node) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Ready returns when every node knows of all nodes.
func (k *Kafka) Ready(ctx context.Context) error {
	return k.each(func(n *KafkaNode) error { return n.Ready(ctx, len(k.Nodes)) })
}

// Brokers are the addresses to bootstrap from.
func (k *Kafka) Brokers() []string {
	addrs := make([]string, len(k.Nodes))
	for i, node := range k.Nodes {
		addrs[i] = node.Addr
	}
	return addrs
}

// Close kills the nodes and deletes their data.
func (k *Kafka) Close() error {
	return errors.Join(k.each((*KafkaNode).Kill), os.RemoveAll(k.dir))
}

// clusterID is a fresh id in Kafka's form: 16 random bytes in URL-safe base64 without padding.
func clusterID() (string, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", err
	}
	id[0] &= 0x7f // Kafka refuses an id that begins with a dash
	return base64.RawURLEncoding.EncodeToString(id[:]), nil
}
