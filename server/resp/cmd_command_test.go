package resp

import (
	"slices"
	"strings"
	"testing"
)

// COMMAND in both protocols: as many as COUNT says, each with Redis' ten elements.
func TestCommand(t *testing.T) {
	d := open(t, Options{}, brokers...)
	for _, proto := range []string{"2", "3"} {
		t.Run("RESP"+proto, func(t *testing.T) {
			p := d.dial(t)
			p.ask("HELLO " + proto)
			all := p.ask("COMMAND").([]any)
			if n := p.ask("COMMAND COUNT"); n != int64(len(all)) || len(all) != len(commands) {
				t.Errorf("%d commands, COUNT says %v, the table has %d", len(all), n, len(commands))
			}
			var names []any
			for _, one := range all {
				names = append(names, checkCommand(t, one.([]any)))
			}
			if !slices.Equal(names, p.ask("COMMAND LIST").([]any)) {
				t.Error("COMMAND LIST names others")
			}
		})
	}
}

// checkCommand checks a command's shape (server.c, addReplyCommandInfo) and returns its name.
func checkCommand(t *testing.T, c []any) any {
	t.Helper()
	name, known := c[0].(string)
	arity, number := c[1].(int64)
	row := findAny([]byte(name))
	if len(c) != 10 || !known || !number || row == nil || int(arity) != row.arity {
		t.Errorf("%v", c)
		return name
	}
	for _, i := range []int{2, 6} {
		for _, word := range elements(c[i]) {
			if _, ok := word.(status); !ok {
				t.Errorf("%s: %v in element %d is no simple string", name, word, i)
			}
		}
	}
	for _, sub := range elements(c[9]) {
		if of := checkCommand(t, sub.([]any)).(string); !strings.HasPrefix(of, name+"|") {
			t.Errorf("%s inside %s", of, name)
		}
	}
	return name
}

// elements are those of an array or a set.
func elements(reply any) []any {
	if s, ok := reply.(set); ok {
		return s
	}
	return reply.([]any)
}

func TestCommandInfoAndDocs(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	p.ask("HELLO 3")
	got := p.ask("COMMAND INFO client|list nosuch client|nosuch nosuch|x PING").([]any)
	if len(got) != 5 || got[0].([]any)[0] != "client|list" || got[1] != nil || got[2] != nil || got[3] != nil || got[4].([]any)[0] != "ping" {
		t.Errorf("%v", got)
	}
	docs := p.ask("COMMAND DOCS").(pairs)
	if len(docs) != len(commands) {
		t.Errorf("%d of %d commands are documented", len(docs), len(commands))
	}
	for _, doc := range docs {
		facts := doc[1].(pairs)
		if facts[0][0] != "summary" || facts[0][1] == "" {
			t.Errorf("%v", doc)
		}
	}
	if docs := p.ask("COMMAND DOCS nosuch client|list").(pairs); len(docs) != 1 || docs[0][0] != "client|list" {
		t.Errorf("%v", docs)
	}
}

func TestCommandFilters(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	for line, want := range map[string]any{
		"COMMAND LIST FILTERBY PATTERN r*set":    "[reset]",
		"COMMAND LIST FILTERBY ACLCAT list":      "[blmpop blpop brpop llen lmpop lpop lpush lpushx rpop rpush rpushx]",
		"COMMAND LIST FILTERBY MODULE x":         "[]",
		"COMMAND LIST FILTERBY PATTERN nosuch":   "[]",
		"COMMAND LIST FILTERBY":                  failure("ERR syntax error"),
		"COMMAND LIST FILTERBY NOSUCH x":         failure("ERR syntax error"),
		"COMMAND LIST SORTBY PATTERN x":          failure("ERR syntax error"),
		"COMMAND LIST FILTERBY PATTERN a b c d ": failure("ERR syntax error"),
	} {
		got := p.ask(line)
		if list, ok := got.([]any); ok {
			got = "[" + joined(list) + "]"
		}
		if got != want {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}

func joined(list []any) string {
	var words []string
	for _, one := range list {
		words = append(words, one.(string))
	}
	return strings.Join(words, " ")
}

func TestHelp(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	for container, subs := range subcommands {
		lines := p.ask(container + " help").([]any)
		if len(lines) != 1+2*len(subs) || !strings.HasPrefix(string(lines[0].(status)), strings.ToUpper(container)+" <subcommand>") {
			t.Errorf("%s: %v", container, lines)
		}
	}
}
