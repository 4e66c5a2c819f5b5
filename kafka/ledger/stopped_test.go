package ledger

import (
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Each way in which failed records stop a partition is told apart, and so is a partition that goes on.
func TestAStoppedLedgerSaysWhy(t *testing.T) {
	t.Parallel()
	hour := dawn.Add(time.Hour)
	for name, tt := range map[string]struct {
		fail   func(l *Ledger, s *Member)
		want   StopReason // empty: it goes on
		offset int64
		held   int
		due    time.Time
	}{
		"nothing has failed": {fail: func(l *Ledger, s *Member) { l.Accept(s, 0) }},
		"a failed record waits alone": {
			fail: func(l *Ledger, s *Member) { l.Retry(s, 0, dawn, hour, OnlyItself, true) },
		},
		"all of a key wait": {
			fail: func(l *Ledger, s *Member) {
				l.Retry(s, 0, dawn, hour, TheKey, true)
				l.Release(s, 1)
				l.Release(s, 2)
				l.first(s, dawn)
			},
			want: StopCrowded, offset: 0, held: 3, due: hour,
		},
		"the partition waits": {
			fail: func(l *Ledger, s *Member) { l.Retry(s, 1, dawn, hour, ThePartition, true) },
			want: StopRetry, offset: 1, held: 1, due: hour,
		},
		"the time of the record has come": {
			fail: func(l *Ledger, s *Member) { l.Retry(s, 1, dawn, dawn, ThePartition, true) },
		},
		"the front of a full window waits": {
			fail: func(l *Ledger, s *Member) {
				l.Retry(s, 0, dawn, hour, OnlyItself, true)
				for offset := int64(3); offset < 8; offset++ {
					l.Append(record.Record{Offset: offset})
					l.Lend(s, dawn, true)
				}
				for offset := int64(1); offset < 8; offset++ {
					l.Accept(s, offset)
				}
			},
			want: StopWindow, offset: 0, held: 1, due: hour,
		},
		"a dead letter cannot be written": {
			fail: func(l *Ledger, s *Member) {
				l.GiveUp(s, 2, dawn, OnlyItself, true)
				l.Halt(true)
			},
			want: StopLetter, offset: 2, held: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, s := newLedger(&rules{order: Shared, window: Window{Records: 8, Bytes: 1 << 20}}, &LeaseCounts{}), &Member{}
			for offset := range int64(3) {
				l.Append(record.Record{Offset: offset, Key: []byte("k")})
				l.Lend(s, dawn, true)
			}
			tt.fail(l, s)
			got, is := l.Stopped(dawn)
			if is != (tt.want != "") || is && (got.Reason != tt.want || got.Record.Offset != tt.offset || got.Held != tt.held || !got.Record.Due.Equal(tt.due)) {
				t.Errorf("stopped: %v, %+v", is, got)
			}
		})
	}
}
