package librdkafka

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestABIIsTheLibrarys compiles abi.h behind the rdkafka.h of the linked module. The compiler names each prototype, value and
// field that differs.
func TestABIIsTheLibrarys(t *testing.T) {
	t.Parallel()
	abi, err := os.ReadFile("abi.h")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := compile(t, checksOf(t, string(abi))); err != nil {
		t.Errorf("abi.h is not what rdkafka.h says: %v\n%s", err, out)
	}
}

// TestAWrongABIDoesNotCompile makes one mistake after the other in a copy of abi.h.
func TestAWrongABIDoesNotCompile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("abi.h")
	if err != nil {
		t.Fatal(err)
	}
	abi := string(text)
	for _, c := range []struct{ right, wrong, named string }{
		{"int rd_kafka_outq_len(rd_kafka_t *rk);", "size_t rd_kafka_outq_len(rd_kafka_t *rk);", "rd_kafka_outq_len"},
		{"rd_kafka_flush(rd_kafka_t *rk, int timeout_ms)", "rd_kafka_flush(rd_kafka_t *rk)", "rd_kafka_flush"},
		{"rd_kafka_new(rd_kafka_type_t type,", "rd_kafka_new(int type,", "rd_kafka_new"},
		{"int32_t correlation, size_t size, void *opaque);", "int64_t correlation, size_t size, void *opaque);", "rd_kafka_interceptor_f_on_request_sent_t"},
		{"RD_KAFKA_RESP_ERR__TRANSPORT = -195", "RD_KAFKA_RESP_ERR__TRANSPORT = -196", "RD_KAFKA_RESP_ERR__TRANSPORT"},
		{"RD_KAFKA_RESP_ERR__TRANSPORT = -195", "RD_KAFKA_RESP_ERR__NO_SUCH = -195", "RD_KAFKA_RESP_ERR__NO_SUCH"},
		{"#define RD_KAFKA_EVENT_LOG 0x4", "#define RD_KAFKA_EVENT_LOG 0x2", "RD_KAFKA_EVENT_LOG"},
		{"\tint64_t offset;\n\tvoid *_private;", "\tint32_t offset;\n\tvoid *_private;", "rd_kafka_message_s.offset"},
		{"\tint cnt;\n\tint size;\n", "\tint size;\n\tint cnt;\n", "rd_kafka_topic_partition_list_s.cnt"},
		{"\tint isr_cnt;\n\tint32_t *isrs;\n", "\tint isr_cnt;\n\tchar *isrs;\n", "isrs"},
		{"\tint member_assignment_size;\n", "", "rd_kafka_group_member_info"},
	} {
		t.Run(c.named, func(t *testing.T) {
			t.Parallel()
			if strings.Count(abi, c.right) != 1 {
				t.Fatalf("abi.h does not have %q once", c.right)
			}
			out, err := compile(t, checksOf(t, strings.Replace(abi, c.right, c.wrong, 1)))
			if err == nil || !strings.Contains(out, c.named) {
				t.Errorf("the compiler said %v and does not name %s:\n%s", err, c.named, out)
			}
		})
	}
}

var (
	abiStruct = regexp.MustCompile(`(?s)struct (rd_kafka_\w+) (\{\n.*?\n\})`)
	abiField  = regexp.MustCompile(`(?m)^\t[\w *]*?(\w+);`)
	abiEnum   = regexp.MustCompile(`(?s)typedef enum \{(.*?)\} (\w+);`)
	abiMember = regexp.MustCompile(`(\w+) = (-?\w+)`)
	abiMacro  = regexp.MustCompile(`(?m)^#define (RD_KAFKA_\w+) (\S+)`)
)

// checksOf is a C file that compiles when abi is what rdkafka.h says. rdkafka.h comes first. abi then leaves out the types that
// C does not let a file define twice, and an assertion for each value and field compares these.
func checksOf(t *testing.T, abi string) string {
	t.Helper()
	checks := &strings.Builder{}
	fmt.Fprintf(checks, "#include <rdkafka.h>\n#include <stddef.h>\n%s\n", abi)
	values, fields := 0, 0
	check := func(name, value string) {
		values++
		fmt.Fprintf(checks, "_Static_assert((%s) == (%s), \"%s\");\n", name, value, name)
	}
	for _, m := range abiMacro.FindAllStringSubmatch(abi, -1) {
		check(m[1], m[2])
	}
	for _, e := range abiEnum.FindAllStringSubmatch(abi, -1) {
		for _, m := range abiMember.FindAllStringSubmatch(e[1], -1) {
			check(m[1], m[2])
		}
		fmt.Fprintf(checks, "typedef enum { %s } abi_%s;\n", abiMember.ReplaceAllString(e[1], "abi_$1 = $2"), e[2])
		fmt.Fprintf(checks, "_Static_assert(sizeof(%[1]s) == sizeof(abi_%[1]s) && ((%[1]s)-1 < 0) == ((abi_%[1]s)-1 < 0), \"%[1]s\");\n", e[2])
	}
	for _, s := range abiStruct.FindAllStringSubmatch(abi, -1) {
		fmt.Fprintf(checks, "struct abi_%[1]s %[2]s;\n_Static_assert(sizeof(struct %[1]s) == sizeof(struct abi_%[1]s), \"%[1]s\");\n", s[1], s[2])
		for _, f := range abiField.FindAllStringSubmatch(s[2], -1) {
			fields++
			fmt.Fprintf(checks, "_Static_assert(offsetof(struct %[1]s, %[2]s) == offsetof(struct abi_%[1]s, %[2]s), \"%[1]s.%[2]s\");\n"+
				"_Static_assert(sizeof(((struct %[1]s *)0)->%[2]s) == sizeof(((struct abi_%[1]s *)0)->%[2]s), \"%[1]s.%[2]s\");\n"+
				"void abi_%[1]s_%[2]s(struct %[1]s *a, struct abi_%[1]s *b) { a->%[2]s = b->%[2]s; }\n", s[1], f[1])
		}
	}
	if values < 50 || fields < 50 {
		t.Fatalf("found %d values and %d fields in abi.h: the expressions that look for them are wrong", values, fields)
	}
	return checks.String()
}

// compile has the C compiler check a file, and returns what it says.
func compile(t *testing.T, text string) (said string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "checks.c")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	compiler := strings.Fields(goSays(t, "env", "CC"))
	module := goSays(t, "list", "-m", "-f", "{{.Dir}}", "github.com/confluentinc/confluent-kafka-go/v2")
	args := slices.Concat(compiler[1:], []string{
		"-std=gnu11", "-fsyntax-only", "-Werror", "-Wall", "-isystem", filepath.Join(module, "kafka", "librdkafka_vendor"), file,
	})
	out, err := exec.Command(compiler[0], args...).CombinedOutput()
	return string(out), err
}

// goSays runs the go command.
func goSays(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
