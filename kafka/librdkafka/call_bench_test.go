package librdkafka

import "testing"

// BenchmarkCall is what a call into C costs, by the shortest one. Compare it with -tags plaincgo.
func BenchmarkCall(b *testing.B) {
	p, err := NewProducer(map[string]string{"bootstrap.servers": "127.0.0.1:1", "log_level": "0"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		p.Retire()
		if err := p.Close(b.Context()); err != nil {
			b.Error(err)
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		queueLength(p.queue)
	}
}

// BenchmarkSignal is what raising and lowering a signal costs. Compare it with -tags plainruntime.
func BenchmarkSignal(b *testing.B) {
	s, err := newSignal()
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	for b.Loop() {
		s.raise()
		s.tryLower(uintptr(s.fd))
	}
}
