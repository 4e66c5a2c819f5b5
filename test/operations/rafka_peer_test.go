package operations

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/tidwall/redcon"
)

// playedRafka is as Rafka 0.6.0 is for its clients and for Kafka: each connection has a Kafka consumer and a producer of its
// own, and a restart cuts all connections.
type playedRafka struct {
	addr        string
	brokers     string
	properties  binding.ConfigMap // section consumer of its librdkafka.json
	listener    net.Listener
	going       context.Context //nolint:containedctx // ends with SIGTERM
	end         context.CancelFunc
	connections sync.WaitGroup
	assignments atomic.Int64 // of partitions, to any consumer

	mu    sync.Mutex
	conns map[*rafkaConn]bool
	names map[string]bool
}

// startRafka opens the door at an address.
func startRafka(t *testing.T, addr string, brokers []string, properties binding.ConfigMap) *playedRafka {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &playedRafka{
		addr: addr, brokers: strings.Join(brokers, ","), properties: properties, listener: l,
		conns: map[*rafkaConn]bool{}, names: map[string]bool{},
	}
	r.going, r.end = context.WithCancel(t.Context())
	r.connections.Go(r.accept)
	t.Cleanup(r.terminate)
	return r
}

// terminate is SIGTERM. It returns when all consumers have left their groups, and all producers are flushed.
func (r *playedRafka) terminate() {
	r.end()
	r.listener.Close()
	r.mu.Lock()
	for c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.connections.Wait()
}

func (r *playedRafka) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		c := &rafkaConn{playedRafka: r, Conn: conn, out: redcon.NewWriter(conn)}
		r.mu.Lock()
		r.conns[c] = true
		if r.going.Err() != nil {
			c.Close()
		}
		r.mu.Unlock()
		r.connections.Go(c.serve)
	}
}

// rafkaConn is a connection, with its own Kafka clients.
type rafkaConn struct {
	*playedRafka
	net.Conn

	out      *redcon.Writer
	name     string // group:name
	topics   string
	consumer *binding.Consumer
	producer *binding.Producer
	reports  sync.WaitGroup
}

// rafkaCommands are those that rafka-rb sends, with the prefix of their errors.
var rafkaCommands = map[string]struct {
	prefix string
	do     func(*rafkaConn, []string) error
}{
	"CLIENT": {"CONS ", (*rafkaConn).setName},
	"BLPOP":  {"CONS ", (*rafkaConn).pop},
	"RPUSH":  {"CONS ", (*rafkaConn).ack},
	"RPUSHX": {"PROD ", (*rafkaConn).produce},
	"DUMP":   {"PROD ", (*rafkaConn).flush},
}

func (c *rafkaConn) serve() {
	defer c.leave()
	in := redcon.NewReader(c.Conn)
	for {
		command, err := in.ReadCommand()
		if err != nil {
			return
		}
		args := make([]string, len(command.Args))
		for i, arg := range command.Args {
			args[i] = string(arg)
		}
		verb := strings.ToUpper(args[0])
		if how, known := rafkaCommands[verb]; known {
			if err := how.do(c, args[1:]); err != nil {
				c.out.WriteError(how.prefix + err.Error())
			}
		} else {
			c.out.WriteBulkString("OK") // QUIT
		}
		if c.out.Flush() != nil || verb == "QUIT" {
			return
		}
	}
}

// leave ends the connection's Kafka clients: the consumer commits what was acknowledged, the producer sends what it has.
func (c *rafkaConn) leave() {
	c.Close()
	c.mu.Lock()
	delete(c.conns, c)
	delete(c.names, c.name)
	c.mu.Unlock()
	if c.consumer != nil {
		_ = c.consumer.Unsubscribe()
		for c.consumer.Poll(0) != nil { // what is fetched is dropped, as Rafka does
		}
		_ = c.consumer.Close()
	}
	if c.producer != nil {
		c.producer.Flush(5000)
		c.producer.Close()
		c.reports.Wait()
	}
}

func (c *rafkaConn) setName(args []string) error {
	name := args[1]
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.names[name]:
		return fmt.Errorf("id %s is already taken", name)
	case c.name != "":
		return fmt.Errorf("Client ID is already set to %s", c.name)
	case !strings.Contains(name, ":"):
		return errors.New("Cannot parse group.id")
	}
	c.name, c.names[name] = name, true
	c.out.WriteBulkString("OK")
	return nil
}

// pop is BLPOP topics:<t1,t2>[:<json>] <seconds>.
func (c *rafkaConn) pop(args []string) error {
	if err := c.subscribe(args[0]); err != nil {
		return err
	}
	seconds, err := strconv.Atoi(args[len(args)-1])
	if err != nil {
		seconds = 5
	}
	over := time.NewTimer(time.Duration(seconds) * time.Second)
	defer over.Stop()
	for {
		select {
		case <-c.going.Done():
			return errors.New("Server shutdown")
		case <-over.C:
			c.out.WriteRaw([]byte("*-1\r\n"))
			return nil
		default:
		}
		switch event := c.consumer.Poll(100).(type) {
		case *binding.Message:
			c.record(event)
			return nil
		case binding.Error:
			if event.Code() != binding.ErrTransport {
				return fmt.Errorf("Poll %w", event)
			}
		}
	}
}

func (c *rafkaConn) record(m *binding.Message) {
	c.out.WriteArray(8)
	c.out.WriteBulkString("topic")
	c.out.WriteBulkString(*m.TopicPartition.Topic)
	c.out.WriteBulkString("partition")
	c.out.WriteInt64(int64(m.TopicPartition.Partition))
	c.out.WriteBulkString("offset")
	c.out.WriteInt64(int64(m.TopicPartition.Offset))
	c.out.WriteBulkString("value")
	c.out.WriteBulk(m.Value)
}

// subscribe makes the connection's Kafka consumer, at the first BLPOP.
func (c *rafkaConn) subscribe(key string) error {
	parts := strings.SplitN(key, ":", 3)
	if c.name == "" {
		return errors.New("Connection not ready. Identify yourself using `CLIENT SETNAME` first")
	}
	if c.consumer != nil {
		if c.topics != parts[1] {
			return fmt.Errorf("Client '%s' has another Consumer registered", c.name)
		}
		return nil
	}
	group, id, _ := strings.Cut(c.name, ":")
	properties := maps.Clone(c.properties)
	if len(parts) == 3 {
		if err := json.Unmarshal([]byte(parts[2]), &properties); err != nil {
			return err
		}
	}
	maps.Copy(properties, binding.ConfigMap{
		"bootstrap.servers": c.brokers, "group.id": group, "client.id": id,
		"enable.auto.commit": true, "enable.auto.offset.store": false, "enable.metrics.push": false,
	})
	consumer, err := binding.NewConsumer(&properties)
	if err != nil {
		return err
	}
	c.consumer, c.topics = consumer, parts[1]
	return consumer.SubscribeTopics(strings.Split(c.topics, ","), func(_ *binding.Consumer, event binding.Event) error {
		if _, is := event.(binding.AssignedPartitions); is {
			c.assignments.Add(1)
		}
		return nil // the binding assigns and revokes by itself
	})
}

// ack is RPUSH acks <topic>:<partition>:<offset>. librdkafka commits the offset behind it, some time later.
func (c *rafkaConn) ack(args []string) error {
	parts := strings.SplitN(args[1], ":", 3)
	partition, err := strconv.ParseInt(parts[1], 10, 32)
	offset, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err := cmp.Or(err, err2); err != nil {
		return err
	}
	if c.consumer == nil {
		return errors.New("No consumer registered")
	}
	_, err = c.consumer.StoreOffsets([]binding.TopicPartition{
		{Topic: &parts[0], Partition: int32(partition), Offset: binding.Offset(offset + 1)},
	})
	if err == nil {
		c.out.WriteInt(1)
	}
	return err
}

// produce is RPUSHX topics:<topic>[:<key>] <value>.
func (c *rafkaConn) produce(args []string) error {
	if err := c.openProducer(); err != nil {
		return err
	}
	parts := strings.SplitN(args[0], ":", 3)
	m := &binding.Message{
		TopicPartition: binding.TopicPartition{Topic: &parts[1], Partition: binding.PartitionAny}, Value: []byte(args[1]),
	}
	if len(parts) == 3 {
		m.Key = []byte(parts[2])
	}
	if err := c.producer.Produce(m, nil); err != nil {
		return err
	}
	c.out.WriteInt(1)
	return nil
}

func (c *rafkaConn) openProducer() (err error) {
	if c.producer != nil {
		return nil
	}
	c.producer, err = binding.NewProducer(&binding.ConfigMap{
		"bootstrap.servers": c.brokers, "go.produce.channel.size": 0, "enable.metrics.push": false,
	})
	if err != nil {
		return err
	}
	c.reports.Go(func() {
		for range c.producer.Events() { // Rafka logs failures, and goes on
		}
	})
	return nil
}

// flush is DUMP <milliseconds>.
func (c *rafkaConn) flush(args []string) error {
	if c.producer == nil {
		c.out.WriteBulkString("OK")
		return nil
	}
	millis, err := strconv.Atoi(args[0])
	if err != nil {
		return errors.New("NaN")
	}
	c.out.WriteInt(c.producer.Flush(millis))
	return nil
}
