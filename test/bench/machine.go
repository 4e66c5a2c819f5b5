package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/test/harness"
)

// machine says where and with what the figures were made.
func (b *bench) machine(ctx context.Context, command string) string {
	_, librdkafka := kafka.LibraryVersion()
	facts := [][2]string{
		{"made by", "`" + command + "`"},
		{"date", time.Now().UTC().Format("2006-01-02 15:04 UTC")},
		{"machine", fmt.Sprintf("%s, %d cores, Linux %s", processor(), runtime.NumCPU(), firstLine("/proc/sys/kernel/osrelease"))},
		{"load before", firstLine("/proc/loadavg")},
		{"sluice", strings.Join(strings.Fields(output(ctx, b.binary, "version")), " ")},
		{"Apache Kafka", kafkaVersion() + ", one node, " + fmt.Sprint(partitions) + " partitions; " + line(output(ctx, "java", "-version"))},
		{"redis-server", line(output(ctx, "redis-server", "--version"))},
		{"redis-benchmark", line(output(ctx, "redis-benchmark", "--version"))},
		{"plain binding", "confluent-kafka-go, librdkafka " + librdkafka},
	}
	text := "\n"
	for _, fact := range facts {
		text += fmt.Sprintf("* %s: %s\n", fact[0], fact[1])
	}
	return text
}

func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // no name is no reason to stop
	_, rest, _ := strings.Cut(string(info), "model name")
	_, name, _ := strings.Cut(line(rest), ":")
	return strings.TrimSpace(name)
}

func firstLine(file string) string {
	text, _ := os.ReadFile(file) // a fact that is not known is left empty
	return line(string(text))
}

func line(text string) string {
	for l := range strings.Lines(text) {
		if !strings.Contains(l, "_JAVA_OPTIONS") { // the JVM says that it read it
			return strings.TrimSpace(l)
		}
	}
	return ""
}

func output(ctx context.Context, name string, args ...string) string {
	text, _ := exec.CommandContext(ctx, name, args...).CombinedOutput() // as above
	return string(text)
}

// kafkaVersion is in the name of the jar that was fetched.
func kafkaVersion() string {
	root, err := harness.Root()
	if err != nil {
		return ""
	}
	found, err := filepath.Glob(filepath.Join(root, "test/kafka/.cache/libs/kafka_*.jar"))
	if err != nil || len(found) == 0 {
		return ""
	}
	_, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(found[0]), ".jar"), "-")
	return version
}
