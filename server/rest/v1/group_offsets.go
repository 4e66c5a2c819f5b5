package v1

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The bounds of a request to set offsets.
const (
	mostEntries = 1_000
	mostTargets = 10_000 // an entry without a partition means all partitions of its topic
)

// The bodies of the calls.
type (
	groupBody struct {
		Group   string            `json:"group"`
		State   string            `json:"state"`
		Lag     int64             `json:"lag"`
		Offsets []groupOffsetBody `json:"offsets"`
	}
	// groupOffsetBody has null for what is not known: if the group has not committed, or a leader is away.
	groupOffsetBody struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		Begin     *int64 `json:"beginning_offset"`
		Committed *int64 `json:"committed_offset"`
		End       *int64 `json:"end_offset"`
		Lag       *int64 `json:"lag"`
		Member    string `json:"member,omitempty"` // member of the group that has the partition
	}
	// wantedOffset has one of Offset, To and Timestamp, for one partition or for all.
	wantedOffset struct {
		Topic     string          `json:"topic"`
		Partition *int32          `json:"partition"`
		Offset    *int64          `json:"offset"`
		To        string          `json:"to"`
		Timestamp json.RawMessage `json:"timestamp"`
	}
)

// known returns a number; nil for -1.
func known(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

// groupOffsetsOf returns the offsets as a body has them, and the sum of the lags.
func groupOffsetsOf(g *kafka.Group, offsets []kafka.GroupOffset) (list []groupOffsetBody, lag int64) {
	list = []groupOffsetBody{}
	holders := g.Holders()
	for i := range offsets {
		o := &offsets[i]
		body := groupOffsetBody{
			Topic: o.Topic, Partition: o.Partition,
			Begin: known(o.Begin), Committed: known(o.Committed), End: known(o.End), Lag: known(o.Lag),
		}
		if m := holders[o.TopicPartition]; m != nil {
			body.Member = m.ID
		}
		list = append(list, body)
		lag += max(0, o.Lag)
	}
	return list, lag
}

// groupOffsets answers how far a group has come.
func groupOffsets(x *exchange.Exchange) error {
	q, err := x.Query("topics")
	if err != nil {
		return err
	}
	name := x.R.PathValue("group")
	if err := exchange.ValidGroup(name); err != nil {
		return err
	}
	var topics []string
	if q.Has("topics") {
		if topics, err = exchange.TopicList(q.Get("topics")); err != nil {
			return err
		}
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	g, err := x.Kafka.GroupOffsets(ctx, name, topics)
	if err != nil {
		return err
	}
	body := groupBody{Group: name, State: g.State}
	body.Offsets, body.Lag = groupOffsetsOf(&g, g.Offsets)
	x.JSON(http.StatusOK, body)
	return nil
}

// setGroupOffsets sets the offsets of a group, and answers with the new ones.
func setGroupOffsets(x *exchange.Exchange) error {
	name := x.R.PathValue("group")
	if err := exchange.ValidGroup(name); err != nil {
		return err
	}
	if x.IsDraining() {
		return exchange.Stopping()
	}
	text, err := x.Body()
	if err != nil {
		return err
	}
	wanted, err := readWanted(text)
	if err != nil {
		return err
	}
	targets, err := readTargets(x, wanted)
	if err != nil {
		return err
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	offsets, err := x.Kafka.SetGroupOffsets(ctx, name, targets)
	if err != nil {
		return setFailure(err)
	}
	body := struct {
		Group   string            `json:"group"`
		Offsets []groupOffsetBody `json:"offsets"`
	}{Group: name}
	body.Offsets, _ = groupOffsetsOf(&kafka.Group{}, offsets)
	x.JSON(http.StatusOK, body)
	return nil
}

// setFailure is the answer for offsets that were not set.
func setFailure(err error) error {
	var beyond *kafka.BeyondError
	switch {
	case errors.As(err, &beyond):
		return exchange.Invalid("%v", err)
	case errors.Is(err, kafka.ErrForeign):
		return exchange.IllegalState("the group has members that are not sluice's: only they can move it, or stop them")
	case errors.Is(err, kafka.ErrMaybe):
		return &exchange.Failure{Status: http.StatusGatewayTimeout, Code: exchange.CodeRetry, Message: err.Error(), Outcome: kafka.Unknown.String()}
	}
	return err
}

// readWanted reads {"offsets":[...]}.
func readWanted(text []byte) ([]wantedOffset, error) {
	var body struct {
		Offsets []wantedOffset `json:"offsets"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return nil, unreadable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, exchange.Errorf(http.StatusBadRequest, "invalid JSON: expected nothing more behind the object")
	}
	switch n := len(body.Offsets); {
	case n == 0:
		return nil, exchange.Invalid("\"offsets\" is missing or empty")
	case n > mostEntries:
		return nil, exchange.Errorf(http.StatusRequestEntityTooLarge, "more than %d offsets in a request", mostEntries)
	}
	return body.Offsets, nil
}

// unreadable is the answer for text that is no JSON, or JSON of another shape.
func unreadable(err error) error {
	var syntax *json.SyntaxError
	if err == io.EOF { //nolint:errorlint // the decoder's own, of an empty text
		return exchange.Errorf(http.StatusBadRequest, "invalid JSON: the body is empty; it is {\"offsets\":[...]}")
	}
	if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		return exchange.Errorf(http.StatusBadRequest, "invalid JSON: %v", err)
	}
	return exchange.Invalid("%s", strings.TrimPrefix(err.Error(), "json: "))
}

// readTargets returns the partitions that the entries mean. None may be meant twice.
func readTargets(x *exchange.Exchange, wanted []wantedOffset) (targets []kafka.Target, err error) {
	meant := map[kafka.TopicPartition]bool{}
	for i := range wanted {
		list, err := targetsOf(x, &wanted[i])
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if meant[t.TopicPartition] {
				return nil, exchange.Invalid("partition %s is given more than once", t.TopicPartition)
			}
			meant[t.TopicPartition] = true
		}
		if targets = append(targets, list...); len(targets) > mostTargets {
			return nil, exchange.Errorf(http.StatusRequestEntityTooLarge, "more than %d partitions in a request", mostTargets)
		}
	}
	return targets, nil
}

// targetsOf returns the partitions of one entry.
func targetsOf(x *exchange.Exchange, w *wantedOffset) ([]kafka.Target, error) {
	to, err := w.target()
	if err != nil {
		return nil, err
	}
	if !kafka.ValidTopic(w.Topic) {
		return nil, exchange.NoTopic()
	}
	if w.Partition != nil {
		to.TopicPartition = kafka.TopicPartition{Topic: w.Topic, Partition: *w.Partition}
		return []kafka.Target{to}, nil
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	topic, err := x.Kafka.Topic(ctx, w.Topic)
	var list []kafka.Target
	for _, p := range topic.Partitions {
		to.TopicPartition = kafka.TopicPartition{Topic: w.Topic, Partition: p.ID}
		list = append(list, to)
	}
	return list, err
}

// target returns the wanted offset, without a partition.
func (w *wantedOffset) target() (t kafka.Target, err error) {
	ways := 0
	for _, given := range []bool{w.Offset != nil, w.To != "", w.Timestamp != nil} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return t, exchange.Invalid("each of \"offsets\" has one of \"offset\", \"to\" and \"timestamp\"")
	case w.Partition != nil && *w.Partition < 0:
		return t, exchange.NoPartition()
	case w.Offset != nil && *w.Offset < 0:
		return t, exchange.Invalid("\"offset\" is not a whole number from 0 on")
	case w.Offset != nil:
		t.Offset = *w.Offset
	case w.To == "earliest":
		t.Offset = kafka.Earliest
	case w.To == "latest":
		t.Offset = kafka.Latest
	case w.To != "":
		return t, exchange.Invalid("\"to\": %q is neither earliest nor latest", exchange.Shortened(w.To))
	default:
		t.Offset = kafka.AtTime
		t.Time, err = exchange.Moment("timestamp", strings.Trim(string(w.Timestamp), `"`))
	}
	return t, err
}
