package producer

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// reportLoop is the goroutine that reads the events of one producer handle. It never waits for a session.
type reportLoop struct {
	producer *producer
	handle   *librdkafka.Producer
	batching batching        // of the handle
	former   *sync.WaitGroup // done when a handle that failed has ended
	reported bool            // a report came since the last look
	busy     time.Time       // when a handle for smaller batches last had records
	ending   chan struct{}   // closed when the loop must end
	ended    chan struct{}   // closed when the loop has ended
	beat     func()

	topics      map[uintptr]topicCounters // of reported topics, by librdkafka's handle of the topic
	woken       []*Publisher              // to be woken after this series of reports
	losses      lossLog
	logs        librdkafka.LogLimiter
	outOfEpochs bool // brokers refuse the handle's epoch as an old one
}

func newReportLoop(p *producer, handle *librdkafka.Producer) *reportLoop {
	return &reportLoop{
		producer: p, handle: handle, former: &p.handles.former, ending: make(chan struct{}), ended: make(chan struct{}), topics: map[uintptr]topicCounters{},
	}
}

const (
	eventWait     = time.Second     // longest wait for an event
	reportLoopGap = 3 * time.Second // bounds one wait, with the handling of its events
	drainTime     = 5 * time.Second // for the last reports of a handle that failed
)

// run reads events until the handle ends. A handle that failed for good is discarded here.
func (d *reportLoop) run() {
	defer close(d.ended)
	if d.read() {
		return
	}
	// The handle has failed, and has a successor.
	discard(context.Background(), d.handle, d.producer.log)
	d.former.Done()
}

// read returns true when it was told to end, and false when the handle failed for good and was drained.
func (d *reportLoop) read() bool {
	var end func()
	d.beat, end = d.producer.producers.config().Watch("producer:"+d.producer.profile, reportLoopGap)
	defer end()
	defer d.logLosses()
	for {
		d.beat()
		d.handle.Wait(eventWait)
		if d.take() {
			d.drainFailed()
			return false
		}
		now := time.Now()
		d.doubt()
		d.losses.log(d.producer.log, now)
		if d.idle(now) {
			d.producer.splitter.close(d)
		}
		select {
		case <-d.ending:
			return true
		default:
		}
	}
}

// doubt has the brokers asked whether they answer when records wait and none was reported.
func (d *reportLoop) doubt() {
	if !d.reported && d.handle.Pending() > 0 {
		d.producer.producers.cluster.Doubt()
	}
	d.reported = false
}

// idle tells whether a handle for smaller batches is no longer needed.
func (d *reportLoop) idle(now time.Time) bool {
	if d.batching == whole {
		return false
	}
	if d.busy.IsZero() || d.handle.Pending() > 0 {
		d.busy = now
	}
	return now.Sub(d.busy) >= splitIdle
}

func (d *reportLoop) logLosses() {
	d.losses.logged = time.Time{}
	d.losses.log(d.producer.log, time.Now())
}

// take takes all events that are there. It returns whether the handle failed and was replaced.
func (d *reportLoop) take() (failed bool) {
	for {
		event := d.handle.Poll(d.report)
		switch event.Kind {
		case librdkafka.Nothing:
			return failed
		case librdkafka.Reports:
			d.reported = true
			d.producer.accumulator.reported()
			d.wake()
			d.replaceOutOfEpochs()
			d.beat()
		case librdkafka.Failure:
			failed = d.fail(event) || failed
		case librdkafka.Stats:
			d.takeStatistics(event.Text)
		case librdkafka.Log:
			d.logs.Log(d.producer.log, event)
		}
	}
}

// report counts a run of delivery reports, then tells the sessions. So a session that knows a record's outcome finds
// it counted.
func (d *reportLoop) report(run []librdkafka.Report) {
	if anyFailed(run) {
		run = d.resendRefused(run)
	}
	d.count(run)
	for i := 0; i < len(run); i += librdkafka.Sample {
		if took, ok := run[i].Latency(); ok {
			d.producer.latency.Observe(took, int64(min(librdkafka.Sample, len(run)-i)))
		}
	}
	for len(run) > 0 {
		n := sameOutcome(run)
		d.tell(&run[0], n)
		run = run[n:]
	}
}

// sameOutcome is how many of the first reports can be told as one. Buffered records of one session have the same
// opaque value, and mostly arrive in a row.
func sameOutcome(run []librdkafka.Report) int {
	n, first := 1, &run[0]
	for n < len(run) && run[n].Opaque == first.Opaque && run[n].Err == librdkafka.None && first.Err == librdkafka.None {
		n++
	}
	return n
}

// count counts the outcomes of a run, in one step for each series of reports of one topic.
func (d *reportLoop) count(run []librdkafka.Report) {
	var ended [4]int64
	var records, bytes int64
	for i := range run {
		ended[outcomeOf(run[i].Err, run[i].Status)]++
		records, bytes = records+1, bytes+run[i].Size
		if i+1 < len(run) && run[i+1].TopicHandle() == run[i].TopicHandle() {
			continue
		}
		a := d.counters(&run[i])
		for o, n := range ended {
			if n > 0 {
				a.row.profiles[d.producer.index].end(record.Outcome(o), n)
			}
		}
		d.producer.unload(a, records, bytes)
		ended, records, bytes = [4]int64{}, 0, 0
	}
}

// counters finds the counters of a report's topic.
func (d *reportLoop) counters(r *librdkafka.Report) topicCounters {
	a, known := d.topics[r.TopicHandle()]
	if !known {
		a = d.producer.producers.counters.of(r.Topic())
		d.topics[r.TopicHandle()] = a
	}
	return a
}

// tell tells a session n reports that say the same.
func (d *reportLoop) tell(r *librdkafka.Report, n int) {
	ps, failure := d.producer.producers, d.failure(r)
	publisher := ps.publishers.find(publisherOf(r.Opaque))
	if publisher == nil {
		ps.counters.unknownEvents.Add(int64(n))
		return
	}
	if publisher.report(r, failure, n) {
		d.woken = append(d.woken, publisher)
	}
}

// failure is what a session is told of a record, nil if the brokers have the record.
func (d *reportLoop) failure(r *librdkafka.Report) *Error {
	outcome := outcomeOf(r.Err, r.Status)
	if outcome == record.OK {
		return nil
	}
	failure := &Error{Outcome: outcome, Topic: r.Topic(), Reason: d.reason(r), Cause: causeOf(r.Err)}
	if why := d.producer.producers.problem(failure.Topic, r.Partition); why != "" && outcome != record.Rejected {
		failure.Reason += ": " + why
	}
	d.losses.add(*failure)
	if r.Err == librdkafka.TopicAuthorization {
		d.producer.producers.topics.deny(failure)
	}
	if r.Err == librdkafka.UnknownTopic || r.Err == librdkafka.UnknownTopicLocal {
		d.producer.producers.topics.invalidate(failure.Topic)
	}
	return failure
}

// reason says why a record failed. For a record that is too large it names the topic's limit.
func (d *reportLoop) reason(r *librdkafka.Report) string {
	reason := reasonFor(r.Err, r.Partition)
	if r.Err != librdkafka.MessageTooLarge {
		return reason
	}
	return strings.TrimSuffix(reason+", for the topic's max.message.bytes of "+d.producer.producers.limit(r.Topic()), " of ")
}

// wake wakes the sessions that can go on, once for each series of reports.
func (d *reportLoop) wake() {
	for i, publisher := range d.woken {
		publisher.wake()
		d.woken[i] = nil
	}
	d.woken = d.woken[:0]
}

// fail logs an error event. After a fatal error it replaces the handle, and returns whether that was done.
func (d *reportLoop) fail(event librdkafka.Event) (replaced bool) {
	p := d.producer
	if !event.Fatal || !d.present() {
		d.logs.LogFailure(p.log, event)
		return false
	}
	if d.batching == whole {
		replaced = p.replace(d)
	} else {
		replaced = p.splitter.drop(d)
	}
	p.log.Error("producer failed for good", "err", event.Text, "replaced", replaced)
	if replaced {
		d.handle.Retire()
		d.handle.Purge()
	}
	return replaced
}

// replaceOutOfEpochs gives a handle that has used up its epochs a successor. Each refused batch costs an epoch, as
// does each record that times out. There are 32 767. Then librdkafka begins again at 0, which brokers refuse. The old
// handle still sends what it has.
func (d *reportLoop) replaceOutOfEpochs() {
	if !d.outOfEpochs {
		return
	}
	d.outOfEpochs = false
	if d.batching == whole {
		d.producer.replaceOutOfEpochs(d)
	} else {
		d.producer.splitter.close(d)
	}
}

// present tells whether new records still go to the handle.
func (d *reportLoop) present() bool {
	if d.batching == whole {
		return d.handle == d.producer.handle.Load()
	}
	return d.handle == d.producer.splitter.handles[d.batching].Load()
}

func (d *reportLoop) takeStatistics(text string) {
	if err := d.producer.statistics.take(d, text); err != nil {
		d.producer.log.Debug("statistics not understood", "err", err)
	}
}

// drainFailed reads the last reports of a handle that failed, for at most drainTime.
func (d *reportLoop) drainFailed() {
	until := time.Now().Add(drainTime)
	for d.handle.Pending() > 0 && time.Now().Before(until) {
		d.beat()
		d.handle.Wait(10 * time.Millisecond)
		d.take()
	}
}

// finish ends the handle. What the handle has is sent until ctx ends, and then given up.
func (d *reportLoop) finish(ctx context.Context) {
	d.handle.Retire()
	d.handle.Flush()
	d.await(ctx)
	if d.handle.Pending() > 0 {
		d.handle.Purge()
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		d.await(short)
		cancel()
	}
	close(d.ending)
	d.handle.Wake()
	<-d.ended
	discard(ctx, d.handle, d.producer.log)
}

// await returns when all reports have been read, or when ctx ends.
func (d *reportLoop) await(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for d.handle.Pending() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
