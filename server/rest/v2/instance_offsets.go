package v2

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// commitOffsets answers when the brokers have the commit. Without a body it commits what earlier replies brought.
// Offsets in the body are those of the last processed records, as in Confluent's proxy: the next offsets are stored. They
// are stored as they are if the setting says so, as in Strimzi's bridge, or if they are called partitions, as in Redpanda's
// proxy; both answer 204.
func commitOffsets(x *exchange.Exchange, in *instance) error {
	body, err := x.Body()
	if err != nil {
		return err
	}
	asked, err := commitOf(body, x.Opts.ExactCommits)
	if err != nil {
		return err
	}
	later, err := exchange.Flag(x.R.URL.Query(), "async")
	if err != nil {
		return err
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	commit := in.commitDelivered
	if asked.explicit {
		commit = func(ctx context.Context) error { return in.commitAt(ctx, asked.offsets) }
	} else if err := in.awaitReplies(ctx); err != nil {
		return err
	}
	if later {
		cancel() // the commit is made nevertheless
	}
	if err := commit(ctx); err != nil && !(later && errors.Is(err, kafka.ErrNoAnswer)) {
		return err
	}
	if asked.exact {
		x.Send(http.StatusNoContent, nil)
		return nil
	}
	x.Send(http.StatusOK, []byte("[]"))
	return nil
}

// commitBody is what the body of a commit says.
type commitBody struct {
	offsets  []kafka.PartitionOffset // the next to be read
	explicit bool                    // there are offsets
	exact    bool                    // they were given as such
}

// commitOf reads the offsets to commit. Of a partition that is given twice the last one counts.
func commitOf(body []byte, exact bool) (c commitBody, err error) {
	c.exact = exact
	if len(body) == 0 {
		return c, nil
	}
	err = jsonscan.EachField(body, "the body", func(name string, raw []byte) error {
		if name != "offsets" && name != "partitions" {
			return exchange.Invalid("Unrecognized field: %s", name)
		}
		all, err := readPartitionOffsets(raw, name, "offset")
		c.explicit = c.explicit || !jsonscan.IsNull(raw)
		c.exact = c.exact || name == "partitions"
		for i := range all {
			at := kafka.PartitionOffset{TopicPartition: all[i].TopicPartition, Offset: all[i].offset + 1}
			if exact || name == "partitions" {
				at.Offset--
			}
			c.offsets = append(c.offsets, at)
		}
		return err
	})
	c.offsets = lastOfEach(c.offsets)
	return c, err
}

// awaitReplies waits until it is known which replies the client has.
func (in *instance) awaitReplies(ctx context.Context) error {
	if err := in.awaitReply(ctx); err != nil {
		return err
	}
	return in.sortHanded(ctx)
}

// commitDelivered commits what replies brought before now.
func (in *instance) commitDelivered(ctx context.Context) error {
	in.mu.Lock()
	if in.ended != alive {
		defer in.mu.Unlock()
		return in.notFound()
	}
	member, handed, through := in.member, slices.Clone(in.handed), in.deliveredThrough()
	in.mu.Unlock()
	if member == nil || len(through) == 0 {
		return nil
	}
	var list []kafka.PartitionOffset
	for tp, offset := range through {
		list = append(list, kafka.PartitionOffset{TopicPartition: tp, Offset: offset})
	}
	err := member.Commit(ctx, list)
	if err == nil || errors.Is(err, kafka.ErrMoved) {
		in.covered(member, handed, through)
	}
	return err
}

// covered forgets what a commit has covered. Records that came since stay.
func (in *instance) covered(member *kafka.Member, handed []*handedReply, through map[kafka.TopicPartition]int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.member != member {
		return
	}
	in.handed = slices.DeleteFunc(in.handed, func(reply *handedReply) bool {
		was := slices.Contains(handed, reply)
		if was {
			reply.last(in.delivered)
		}
		return was
	})
	maps.DeleteFunc(in.delivered, func(tp kafka.TopicPartition, offset int64) bool {
		committed, known := through[tp]
		return known && committed == offset
	})
}

// commitAt commits what the client says.
func (in *instance) commitAt(ctx context.Context, offsets []kafka.PartitionOffset) error {
	member, err := in.currentMember()
	if err != nil {
		return err
	}
	if err := member.CommitAt(ctx, offsets); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range offsets {
		if last, is := in.deliveredThrough()[p.TopicPartition]; is && last < p.Offset {
			in.forget(p.TopicPartition)
		}
	}
	return nil
}

// committedOffsets answers with the group's offsets in the partitions that the body names, or the query: many clients
// cannot send a body with GET.
func committedOffsets(x *exchange.Exchange, in *instance) error {
	partitions, err := partitionsAsked(x)
	if err != nil {
		return err
	}
	member, err := in.currentMember()
	if err != nil {
		return err
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	offsets, err := member.Committed(ctx, partitions)
	if err != nil {
		return err
	}
	type offset struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		Offset    int64  `json:"offset"`
		Metadata  string `json:"metadata"`
	}
	list := []offset{}
	for _, p := range offsets {
		list = append(list, offset{p.Topic, p.Partition, p.Offset, ""})
	}
	x.JSON(http.StatusOK, map[string][]offset{"offsets": list})
	return nil
}

// partitionsAsked returns the partitions that a body or the query names.
func partitionsAsked(x *exchange.Exchange) ([]kafka.TopicPartition, error) {
	body, err := x.Body()
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		return readPartitions(body)
	}
	q := x.R.URL.Query()
	topic := q.Get("topic")
	id, given, err := exchange.QueryInt(q, "partition", 1<<31-1)
	switch {
	case err != nil:
		return nil, err
	case !kafka.ValidTopic(topic) || !given:
		return nil, exchange.Invalid("name partitions in a body, {\"partitions\":[{\"topic\":\"t\",\"partition\":0}]}, or as ?topic=t&partition=0")
	}
	return []kafka.TopicPartition{{Topic: topic, Partition: int32(id)}}, nil //nolint:gosec // at most 31 bits
}
