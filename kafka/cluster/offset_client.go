package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// mostOffsetClients bounds how many there are at once. Each is a consumer of librdkafka, with a thread for every broker.
const mostOffsetClients = 4

// OffsetClient speaks to a group's coordinator in the group's name without joining it: what librdkafka's admin
// client has for that ends the process when a coordinator moves. It lives for one question.
type OffsetClient struct {
	consumer *librdkafka.Consumer
}

// WithOffsetClient makes an offset client for a group, waiting for a place for as long as ctx allows, and lets it do something.
func (c *Cluster) WithOffsetClient(ctx context.Context, group string, do func(*OffsetClient) error) error {
	select {
	case c.offsetSlots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: too many ask for offsets of groups", kerr.ErrNoAnswer)
	case <-c.life.Context.Done():
		return kerr.ErrStopping
	}
	consumer, err := librdkafka.NewConsumer(offsetClientProperties(c.config(), group))
	if err != nil {
		<-c.offsetSlots
		return err
	}
	dismiss := func() {
		consumer.Discard(c.life.Context)
		<-c.offsetSlots
	}
	defer func() { // destroying takes a moment, seconds when a commit has no answer
		if !c.life.Go(dismiss) {
			dismiss()
		}
	}()
	return do(&OffsetClient{consumer})
}

// offsetClientProperties are those of a consumer that never joins its group.
func offsetClientProperties(c *config.Config, group string) config.Properties {
	p := c.ConsumerProperties(group, nil, 0)
	delete(p, "group.instance.id") // that of a member who may be there
	p["enable.auto.commit"] = "false"
	// librdkafka destroys a consumer only when what it asked has an answer, or none within this.
	p["socket.timeout.ms"], p["fetch.wait.max.ms"] = "6000", "500"
	return p
}

// committedOf asks, through any consumer with the group's name, what the group has committed of the
// partitions: those of which it has nothing are left out.
func committedOf(ctx context.Context, consumer *librdkafka.Consumer, partitions []record.TopicPartition) (map[record.TopicPartition]int64, error) {
	list := make([]librdkafka.Partition, 0, len(partitions))
	for _, tp := range partitions {
		list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition})
	}
	answer, err := consumer.Committed(list, time.Duration(MillisLeft(ctx))*time.Millisecond)
	if err != nil {
		return nil, kerr.InGroup(err)
	}
	offsets := map[record.TopicPartition]int64{}
	for _, p := range answer {
		if p.Err == librdkafka.None && p.Offset >= 0 {
			offsets[record.TopicPartition{Topic: p.Topic, Partition: p.ID}] = p.Offset
		}
	}
	return offsets, nil
}

// offsetClientTick is how often an offset client that waits looks whether it still should.
const offsetClientTick = 50 * time.Millisecond

const (
	// ticket is that of an offset client's commits: there is one at a time.
	ticket = 1
	// coordinatorPause is the pause after a broker has said that it is not the group's coordinator, or not yet.
	coordinatorPause = 100 * time.Millisecond
)

// Commit has offsets committed in the group's name. The brokers take that only of a group that has no
// members, else the error is ErrForeign.
func (e *OffsetClient) Commit(ctx context.Context, offsets []record.PartitionOffset) error {
	for {
		code, err := e.commitOnce(ctx, offsets)
		switch {
		case err != nil:
			return err
		case code != librdkafka.NotCoordinator:
			return nonMemberError(code)
		}
		select { // the coordinator has just moved, or has just begun: nothing was committed
		case <-time.After(coordinatorPause):
		case <-ctx.Done():
			return nonMemberError(code)
		}
	}
}

// commitOnce returns the brokers' answer to a commit: of partitions that failed, the first speaks for all.
func (e *OffsetClient) commitOnce(ctx context.Context, offsets []record.PartitionOffset) (librdkafka.Code, error) {
	if err := e.consumer.Commit(librdkafka.PartitionsAt(offsets), ticket); err != nil {
		return librdkafka.None, kerr.InGroup(err)
	}
	for ctx.Err() == nil {
		event := e.consumer.Poll()
		switch {
		case event.Kind == librdkafka.Committed && event.Ticket == ticket:
			return codeOf(event), nil
		case event.Kind == librdkafka.Nothing:
			e.consumer.Wait(offsetClientTick)
		}
	}
	return librdkafka.None, kerr.ErrMaybe
}

func codeOf(event librdkafka.Event) librdkafka.Code {
	code := event.Code
	for i := range event.Partitions {
		if code == librdkafka.None {
			code = event.Partitions[i].Err
		}
	}
	return code
}

// nonMemberError is how a commit of one who is not in the group ended.
func nonMemberError(code librdkafka.Code) error {
	err := kerr.InGroup(kerr.FromCode(code))
	if errors.Is(err, kerr.ErrMoving) { // said of members: of a generation, or an id, that we do not have
		return kerr.ErrForeign
	}
	return err
}
