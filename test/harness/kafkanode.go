package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// KafkaNode is one combined broker and controller. It keeps its ports and data when it is killed
// and started again.
type KafkaNode struct {
	// ID is its node.id, from 1.
	ID int
	// Addr is its client listener, host:port.
	Addr string
	// TLS and SASL are further listeners of a secured node: TLS with client certificates, SASL within TLS.
	TLS, SASL string

	java, classpath, cluster, dir string
	formatting                    []string // further arguments for its storage
	process                       *Process
}

// configure writes server.properties; the first half of ports are the brokers', the second half
// the controllers'. The further ports are for the listeners of a secured node, which has certificates.
func (n *KafkaNode) configure(ports, further []int, c *Certificates, o KafkaOptions) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return err
	}
	settings := n.settings(ports, o)
	if c != nil {
		n.secure(settings, c, further)
		n.formatting = securedFormat()
	}
	maps.Copy(settings, o.Properties)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s=%s\n", name, settings[name])
	}
	return os.WriteFile(n.properties(), []byte(text.String()), 0o600)
}

func (n *KafkaNode) settings(ports []int, o KafkaOptions) map[string]string {
	nodes := len(ports) / 2
	controllers := ports[nodes:]
	voters := make([]string, nodes)
	for i, port := range controllers {
		voters[i] = fmt.Sprintf("%d@%s", i+1, loopback(port))
	}
	replicas, insync := fmt.Sprint(nodes), fmt.Sprint(nodes/2+1)
	return map[string]string{
		"process.roles":             "broker,controller",
		"node.id":                   fmt.Sprint(n.ID),
		"controller.quorum.voters":  strings.Join(voters, ","),
		"controller.listener.names": "CONTROLLER",
		"listeners": fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s",
			n.Addr, loopback(controllers[n.ID-1])),
		"log.dirs":                                 filepath.Join(n.dir, "data"),
		"num.partitions":                           fmt.Sprint(max(o.Partitions, 1)),
		"auto.create.topics.enable":                fmt.Sprint(!o.NoAutoCreate),
		"default.replication.factor":               replicas,
		"min.insync.replicas":                      insync,
		"offsets.topic.replication.factor":         replicas,
		"offsets.topic.num.partitions":             "4",
		"transaction.state.log.replication.factor": replicas,
		"transaction.state.log.min.isr":            insync,
		// Defaults of 3 s and 6 s would make every test about groups slow, or refuse it.
		"group.initial.rebalance.delay.ms":         "0",
		"group.min.session.timeout.ms":             "1000",
		"group.consumer.min.session.timeout.ms":    "1000",
		"group.consumer.session.timeout.ms":        "6000",
		"group.consumer.min.heartbeat.interval.ms": "100",
		"group.consumer.heartbeat.interval.ms":     "500",
		"broker.session.timeout.ms":                "3000",
		"broker.heartbeat.interval.ms":             "500",
		"controller.quorum.election.timeout.ms":    "500",
		"controller.quorum.fetch.timeout.ms":       "1000",
		"replica.lag.time.max.ms":                  "3000",
	}
}

func (n *KafkaNode) properties() string { return filepath.Join(n.dir, "server.properties") }

func (n *KafkaNode) format(ctx context.Context) error {
	args := append([]string{
		"-XX:TieredStopAtLevel=1", "-cp", n.classpath, "kafka.tools.StorageTool", "format", "-t", n.cluster, "-c", n.properties(),
	}, n.formatting...)
	cmd := exec.CommandContext(ctx, n.java, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format the storage of Kafka node %d: %w\n%s", n.ID, err, out)
	}
	return nil
}

func (n *KafkaNode) launch() error {
	p, err := start(n.java, "-Xmx384m", "-XX:TieredStopAtLevel=1", "-cp", n.classpath,
		"kafka.Kafka", n.properties())
	n.process = p
	return err
}

// Ready returns when the node answers a metadata request that names so many brokers.
func (n *KafkaNode) Ready(ctx context.Context, brokers int) error {
	admin, err := OpenAdmin([]string{n.Addr})
	if err != nil {
		return err
	}
	defer admin.Close()
	return n.process.ready(ctx, func(ctx context.Context) error { return admin.sees(ctx, brokers) })
}

// Start starts a node that was killed or stopped, on the same ports and data, and does not wait.
func (n *KafkaNode) Start() error {
	select {
	case <-n.process.Done():
		return n.launch()
	default:
		return fmt.Errorf("Kafka node %d is still running", n.ID)
	}
}

// Kill ends the node with SIGKILL, as a crash would.
func (n *KafkaNode) Kill() error {
	if n.process == nil {
		return nil
	}
	return n.process.Kill()
}

// Stop ends the node with SIGTERM: a controlled shutdown, which moves its leaders away first.
func (n *KafkaNode) Stop(ctx context.Context) error {
	_, err := n.process.Stop(ctx)
	return err
}

// Pause freezes the node with SIGSTOP: its connections stay open and nothing answers.
func (n *KafkaNode) Pause() error { return n.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (n *KafkaNode) Resume() error { return n.signal(syscall.SIGCONT) }

func (n *KafkaNode) signal(sig syscall.Signal) error {
	if n.process == nil {
		return errors.New("node was never started")
	}
	return n.process.Signal(sig)
}

// LogCopy is what a node had of a partition at some time.
type LogCopy struct {
	from, to string
}

// CopyLog copies the files of a partition, of a node that may be running. What producers have sent and were
// answered is in them.
func (n *KafkaNode) CopyLog(topic string, partition int) (*LogCopy, error) {
	to, err := os.MkdirTemp("", "sluice-kafka-log-")
	if err != nil {
		return nil, err
	}
	c := &LogCopy{from: filepath.Join(n.dir, "data", fmt.Sprintf("%s-%d", topic, partition)), to: filepath.Join(to, "log")}
	return c, os.CopyFS(c.to, os.DirFS(c.from))
}

// Restore puts the files back in their old state. The node must not be running.
func (c *LogCopy) Restore() error {
	if err := os.RemoveAll(c.from); err != nil {
		return err
	}
	return os.CopyFS(c.from, os.DirFS(c.to))
}

// Remove deletes the copy.
func (c *LogCopy) Remove() { _ = os.RemoveAll(filepath.Dir(c.to)) }
