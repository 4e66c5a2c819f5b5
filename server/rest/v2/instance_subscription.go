package v2

import (
	"context"
	"net/http"
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// mostSubscribed bounds the topics that one instance subscribes to by name.
const mostSubscribed = 1_000

// subscribeBody is what a client subscribes to: topics by name, or a pattern.
type subscribeBody struct {
	topics  []string
	pattern string
	given   int // how many of the two the body has
}

func readSubscribeBody(body []byte) (w subscribeBody, err error) {
	err = jsonscan.EachField(body, "the body", func(name string, raw []byte) (err error) {
		switch {
		case jsonscan.IsNull(raw):
			return nil
		case name == "topics":
			w.topics, err = topicsOf(raw)
		case name == "topic_pattern":
			if w.pattern, err = jsonscan.String(name, raw); err == nil && w.pattern == "" {
				err = exchange.Invalid("\"topic_pattern\" is empty")
			}
		default:
			return exchange.Invalid("Unrecognized field: %s", name)
		}
		w.given++
		return err
	})
	switch {
	case err != nil:
		return w, err
	case w.given == 0:
		return w, incomplete("expected \"topics\" or \"topic_pattern\"")
	case w.given > 1:
		return w, errExclusive()
	}
	return w, nil
}

func topicsOf(raw []byte) (topics []string, err error) {
	err = jsonscan.EachElement(raw, "topics", mostSubscribed, func(raw []byte) error {
		name, err := jsonscan.String("topics", raw)
		if err == nil && !kafka.ValidTopic(name) {
			err = exchange.Invalid("\"topics\": %q is not the name of a topic", name)
		}
		topics = append(topics, name)
		return err
	})
	slices.Sort(topics)
	return slices.Compact(topics), err
}

// subscribe begins to fetch at once. Records of earlier topics that are not committed go back.
func subscribe(x *exchange.Exchange, in *instance) error {
	body, err := neededBody(x)
	if err != nil {
		return err
	}
	w, err := readSubscribeBody(body)
	if err != nil {
		return err
	}
	if err := in.inTurn(x, func() error {
		return joinWithin(x.R.Context(), in.bell, func() error { return in.subscribe(x, w) })
	}); err != nil {
		return err
	}
	x.Send(http.StatusNoContent, nil)
	return nil
}

func (in *instance) subscribe(x *exchange.Exchange, w subscribeBody) error {
	interest := kafka.SubscribeOptions{Topics: w.topics, Overrides: in.overrides, Address: x.Address()}
	byPattern := w.pattern != ""
	if byPattern {
		pattern, err := kafka.Pattern(w.pattern)
		if err != nil {
			return exchange.Invalid("\"topic_pattern\": %v", err)
		}
		interest.Topics = []string{pattern}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.ended != alive:
		return in.notFound()
	case in.member != nil && (len(in.interest.Topics) == 0 || in.pattern != byPattern):
		return errExclusive()
	case in.member != nil && slices.Equal(in.interest.Topics, interest.Topics) && !in.member.Broken():
		return nil
	}
	in.leave(true)
	if len(interest.Topics) == 0 { // subscribing to nothing unsubscribes
		return nil
	}
	return in.join(x.Kafka, interest, byPattern)
}

// join joins the group. The caller holds mu.
func (in *instance) join(client *kafka.Client, interest kafka.SubscribeOptions, byPattern bool) error {
	member, err := client.Join(in.id, interest, in.bell.Ring)
	if err != nil {
		return takenName(err)
	}
	in.member, in.interest, in.pattern = member, interest, byPattern
	return nil
}

// subscription answers with the topics; of a pattern, those that match it now.
func subscription(x *exchange.Exchange, in *instance) error {
	ctx, cancel := x.AskContext()
	defer cancel()
	topics, err := in.topics(ctx)
	if err != nil {
		return err
	}
	answer := struct {
		Topics     []string             `json:"topics"`
		Partitions []map[string][]int32 `json:"partitions,omitzero"`
	}{Topics: append([]string{}, topics...)}
	if x.Opts.BridgeAnswers {
		answer.Partitions = bridgePartitions(in.partitions())
	}
	x.JSON(http.StatusOK, answer)
	return nil
}

// topics returns what it is subscribed to, by name or by pattern.
func (in *instance) topics(ctx context.Context) ([]string, error) {
	in.mu.Lock()
	member, subscribed := in.member, len(in.interest.Topics) > 0
	in.mu.Unlock()
	if member == nil || !subscribed {
		return nil, nil
	}
	return member.Topics(ctx)
}

// unsubscribe also ends an assignment, as in REST v2. Records that are not committed go back.
func unsubscribe(x *exchange.Exchange, in *instance) error {
	err := in.inTurn(x, func() error {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.leave(true)
		return nil
	})
	if err != nil {
		return err
	}
	x.Send(http.StatusNoContent, nil)
	return nil
}

// joinWithin joins again whenever the bell rings, as long as there is no place for a subscription yet.
func joinWithin(ctx context.Context, bell server.Bell, join func() error) error {
	ctx, cancel := context.WithTimeout(ctx, server.SubscriptionWait)
	defer cancel()
	return server.JoinWithin(join, func(refusal error) error { return bell.Await(ctx, refusal) })
}

// errNotSubscribed is the answer to an instance that has nothing to read yet.
func errNotSubscribed(bridge int) error {
	return &exchange.Failure{
		Status: http.StatusConflict, Code: exchange.CodeIllegalState, Bridge: bridge,
		Message: "the instance is neither subscribed to topics nor assigned partitions",
	}
}

// errExclusive has the words of Kafka's own consumer (SubscriptionState.java).
func errExclusive() error {
	return exchange.IllegalState("Subscription to topics, partitions and pattern are mutually exclusive")
}
