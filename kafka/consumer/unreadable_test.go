package consumer

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/test/harness"
)

// writeRaw appends the bytes of a batch to the first partition of letters.
func writeRaw(t *testing.T, k *kfake.Cluster, raw []byte) {
	t.Helper()
	admin, err := harness.OpenAdmin(k.ListenAddrs())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.WriteBatch(kafkatest.Bounded(t), "letters", raw); err != nil {
		t.Fatal(err)
	}
}

// zeros is a batch's body of one record of so many zeros.
func zeros(n int) []byte {
	length := 1 + 1 + 1 + 1 + 5 + n + 1
	body := binary.AppendVarint(nil, int64(length))
	body = append(body, 0, 0, 0, 1)
	body = binary.AppendVarint(body, int64(n))
	return append(append(body, make([]byte, n)...), 0)
}

func zstdOf(t *testing.T, body []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(body, nil)
}

func brokenGzip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	packed := b.Bytes()
	packed[12] ^= 0xff
	return packed
}

func TestABatchThatCannotBeReadIsTold(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]func(*testing.T) []byte{
		"zstd, too large unpacked": func(t *testing.T) []byte { return harness.RawBatch(4, 1, zstdOf(t, zeros(150<<20))) },
		"zstd, broken":             func(*testing.T) []byte { return harness.RawBatch(4, 3, []byte("no zstd")) },
		"gzip, broken":             func(t *testing.T) []byte { return harness.RawBatch(1, 3, brokenGzip(t)) },
		"lz4, broken":              func(*testing.T) []byte { return harness.RawBatch(3, 3, []byte("no lz4")) },
		"snappy, broken":           func(*testing.T) []byte { return harness.RawBatch(2, 3, []byte("\xff\xff\xff\xff\xff\xff")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 2, nil)
			raw := batch(t)
			writeRaw(t, k, raw)
			fill(t, c, "letters", 2)
			w := join(t, c, "a", topicsOf("letters"))
			wantTaken(t, w.take(t, 2), 0, 1)
			w.AcceptThrough(letters, 1)
			told := w.obstructed(t)
			if told.TopicPartition != letters || told.Offset != 2 {
				t.Fatalf("told %v", told)
			}
			status := c.Status()[0]
			if status.Trouble != told.Error() || status.Unreadable != 1 {
				t.Errorf("the status says %q of %d", status.Trouble, status.Unreadable)
			}
			next := 2 + int64(binary.BigEndian.Uint32(raw[57:]))
			if elsewhere, err := c.Seek(kafkatest.Bounded(t), "group", []record.PartitionOffset{{TopicPartition: letters, Offset: next}}); err != nil || len(elsewhere) > 0 {
				t.Fatal(elsewhere, err)
			}
			wantTaken(t, w.take(t, 2), next, next+1)
			if status := c.Status()[0]; status.Trouble != "" || status.Unreadable != 0 {
				t.Errorf("the status still says %q of %d", status.Trouble, status.Unreadable)
			}
			if n := c.Counts().Unreadable; n != 1 {
				t.Errorf("%d batches were counted, want 1", n)
			}
		})
	}
}

// obstructed asks for records until it is told why none come.
func (w *worker) obstructed(t *testing.T) (told *unreadableError) {
	t.Helper()
	for {
		lent, err := w.Next(1, 1<<20, nil)
		switch {
		case errors.As(err, &told):
			return told
		case err != nil || len(lent) > 0:
			t.Fatalf("got %v, %v", lent, err)
		}
		kafkatest.Await(t, w.woken, "an answer")
	}
}
