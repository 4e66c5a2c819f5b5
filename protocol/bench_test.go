package protocol

import (
	"bytes"
	"strings"
	"testing"
)

func BenchmarkReaderPipelined(b *testing.B) {
	command := appendCommand(nil, "RPUSHX", "topics:greetings", strings.Repeat("v", 100))
	benchmarkReader(b, command, 16)
}

func BenchmarkReaderSingle(b *testing.B) {
	command := appendCommand(nil, "RPUSHX", "topics:greetings", strings.Repeat("v", 100))
	benchmarkReader(b, command, 1)
}

func BenchmarkReaderInline(b *testing.B) {
	benchmarkReader(b, []byte("RPUSHX topics:greetings \"Hello there!\"\r\n"), 16)
}

func BenchmarkReaderLarge(b *testing.B) {
	benchmarkReader(b, appendCommand(nil, "RPUSHX", "topics:greetings", strings.Repeat("v", 1<<20)), 1)
}

// benchmarkReader measures one command; depth of them arrive with each read.
func benchmarkReader(b *testing.B, command []byte, depth int) {
	input := bytes.Repeat(command, depth)
	r := NewReader(DefaultLimits())
	b.SetBytes(int64(len(command)))
	b.ReportAllocs()
	for n := 0; n < b.N; n += depth {
		for rest := input; len(rest) > 0; {
			k := copy(r.Space(), rest)
			r.Filled(k)
			rest = rest[k:]
			for {
				args, err := r.Next()
				if err != nil {
					b.Fatal(err)
				}
				if args == nil {
					break
				}
			}
		}
	}
}

func BenchmarkEncoder(b *testing.B) {
	var e Encoder
	value := bytes.Repeat([]byte("v"), 100)
	b.ReportAllocs()
	for b.Loop() {
		e.Array(3)
		e.Int(1 << 40)
		e.Bulk(value)
		e.Null()
		e.Reset()
	}
}

func BenchmarkParseConsumeKey(b *testing.B) {
	key := []byte("topics:greetings")
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = ParseConsumeKey(key)
	}
}

func BenchmarkParseRecordID(b *testing.B) {
	id := []byte("greetings:3:1234567890")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ParseRecordID(id)
	}
}

func BenchmarkParseTimeout(b *testing.B) {
	seconds := []byte("1.5")
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = ParseTimeout(seconds)
	}
}

func BenchmarkMatch(b *testing.B) {
	pattern, name := []byte("topics:*"), []byte("topics:greetings")
	b.ReportAllocs()
	for b.Loop() {
		Match(pattern, name)
	}
}
