package main

import (
	"context"
	"fmt"

	"github.com/sluice-proxy/sluice/test/harness"
)

// bindingTopic is produced to by both sides.
const bindingTopic = "produce-binding"

// pair is one figure of both sides, round by round.
type pair struct{ plain, sluice []float64 }

func (p *pair) add(plain, sluice float64) {
	p.plain, p.sluice = append(p.plain, plain), append(p.sluice, sluice)
}

// againstBinding compares one connection with a program that has librdkafka in itself.
func (b *bench) againstBinding(ctx context.Context) error {
	if err := b.topic(ctx, bindingTopic); err != nil {
		return err
	}
	var accepted, inKafka, lingering, waiting, cpu pair
	err := b.with(ctx, "", func(s *harness.Sluice) error {
		through := b.sluiceContender(ctx, s, "RPUSHX", bindingTopic, 1, 64)
		n, err := through.size(ctx, b.round)
		if err != nil {
			return err
		}
		through.n = n
		for i := range b.rounds {
			f, err := b.child(ctx, "produce", bindingTopic, n, "-alike")
			if err != nil {
				return err
			}
			same, err := b.child(ctx, "produce", bindingTopic, n, "-alike", "-linger", "10")
			if err != nil {
				return err
			}
			if err := through.round(ctx); err != nil {
				return err
			}
			taken, whole, err := b.streamed(ctx, s, bindingTopic, n)
			if err != nil {
				return err
			}
			accepted.add(float64(f.Records)/f.Enqueued.Seconds(), taken)
			inKafka.add(f.rate(), whole)
			lingering.add(same.rate(), whole)
			waiting.add(f.rate(), through.whole[i])
			cpu.add(float64(f.CPU.Microseconds())/float64(f.Records), through.cpu[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	t := b.table("Records of 100 bytes per second, one RPUSHX connection with pipeline 64 against a loop of Produce in a process of its own, "+
		"both with acks=all, idempotence and lz4; the binding lingers librdkafka's 5 ms, or sluice's 10. *Accepted* is what the producing side sees, "+
		"*in Kafka* ends with the last delivery report. sluice's client keeps 64 commands under way; in the last line but one it is redis-benchmark, "+
		"which sends 64 and waits for all answers, so that client and server take turns.",
		"", "binding", "sluice", "ratio")
	accepted.line(t, "accepted", func(float64) verdict { return open })
	inKafka.line(t, "in Kafka", func(r float64) verdict { return judge("≥ 0.8", r >= 0.8) })
	lingering.line(t, "in Kafka, the binding lingering 10 ms", func(float64) verdict { return open })
	waiting.line(t, "in Kafka, the client waiting for all 64 answers", func(float64) verdict { return open })
	t.add(open, "CPU, µs per record (sluice: without its client)", fmt.Sprintf("%.1f", median(cpu.plain)), fmt.Sprintf("%.1f", median(cpu.sluice)), "")
	return nil
}

func (p *pair) line(t *table, what string, judged func(float64) verdict) {
	r := median(ratios(p.sluice, p.plain))
	t.add(judged(r), what, thousands(median(p.plain)), thousands(median(p.sluice)), ratio(r))
}
