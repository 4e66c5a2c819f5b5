package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// program is the command line that --help describes.
type program struct {
	about    string
	version  string
	commands []command
}

// command is one subcommand. Its path has one word or two: "serve", "topics list".
type command struct {
	path, usage, about string
	flags, arguments   []entry
}

// entry is a line of help: a flag, an argument or a subcommand.
type entry struct {
	short string // -c, "" when there is none
	name  string // --config, <name>, or a subcommand's path
	value string // FILE, "" for a switch
	help  string
}

// ask runs the binary with --help, and with --help of each subcommand.
func ask(binary string) (*program, error) {
	top, err := help(binary)
	if err != nil {
		return nil, err
	}
	p := &program{about: top.about}
	for _, sub := range top.entries["Commands"] {
		h, err := help(binary, strings.Fields(sub.name)...)
		if err != nil {
			return nil, err
		}
		p.commands = append(p.commands, command{
			path: sub.name, usage: h.usage, about: h.about,
			flags: h.entries["Flags"], arguments: h.entries["Arguments"],
		})
	}
	if len(p.commands) == 0 {
		return nil, fmt.Errorf("%s --help names no commands", binary)
	}
	out, err := exec.Command(binary, "version").Output()
	if err != nil {
		return nil, fmt.Errorf("%s version: %w", binary, err)
	}
	_, p.version, _ = strings.Cut(strings.SplitN(string(out), "\n", 2)[0], " ")
	return p, nil
}

// page is the output of one --help: the usage line, the text below it, and the entries of its sections.
type page struct {
	usage, about string
	entries      map[string][]entry
}

func help(binary string, path ...string) (*page, error) {
	out, err := exec.Command(binary, append(path, "--help")...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s %s --help: %w\n%s", binary, strings.Join(path, " "), err, out)
	}
	return parsePage(string(out)), nil
}

// sectionTitle is a line such as "Flags:" that begins a section.
var sectionTitle = regexp.MustCompile(`^([A-Z][a-z]+):$`)

func parsePage(text string) *page {
	p := &page{entries: map[string][]entry{}}
	var section string
	var about []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		usage, isUsage := strings.CutPrefix(line, "Usage: ")
		title := sectionTitle.FindStringSubmatch(line)
		switch {
		case isUsage:
			p.usage = usage
		case title != nil:
			section = title[1]
		case section == "":
			about = append(about, line)
		case strings.HasPrefix(line, " "):
			p.entries[section] = addEntry(p.entries[section], line)
		}
	}
	p.about = strings.TrimSpace(strings.Join(about, "\n"))
	return p
}

// deepestEntry is the indentation of a flag without a short form. Lines with more continue the entry above them.
const deepestEntry = 6

var (
	entryColumns = regexp.MustCompile(`^ *(.*?)(?:  +(.*))?$`)
	flagParts    = regexp.MustCompile(`^(?:(-\w), )?(--[\w-]+)(?:=(\S+))?$`)
)

// addEntry reads a line of a section. The line is a new entry or continues the last one.
func addEntry(entries []entry, line string) []entry {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	if indent > deepestEntry && len(entries) > 0 {
		last := &entries[len(entries)-1]
		last.help = strings.TrimSpace(last.help + " " + strings.TrimSpace(line))
		return entries
	}
	columns := entryColumns.FindStringSubmatch(line)
	e := entry{name: columns[1], help: columns[2]}
	if flag := flagParts.FindStringSubmatch(columns[1]); flag != nil {
		e.short, e.name, e.value = flag[1], flag[2], strings.Trim(flag[3], `"`)
	}
	return append(entries, e)
}

// alternatives matches a help such as "debug, info, warn or error (info)."
var alternatives = regexp.MustCompile(`^([a-z]+(?:, [a-z]+)*) or ([a-z]+)\b`)

// choices returns the values of a flag if its help lists them as words, otherwise nil.
func (e entry) choices() []string {
	found := alternatives.FindStringSubmatch(e.help)
	if found == nil || e.value == "" {
		return nil
	}
	return append(strings.Split(found[1], ", "), found[2])
}

// takesPath reports whether the value of a flag is a file or a folder.
func (e entry) takesPath() bool {
	return e.value == "FILE" || e.value == "DIR" || e.value == "PATH"
}

// words returns the first words of all subcommands, each once, with the first sentence of its help.
func (p *program) words() []entry {
	var words []entry
	seen := map[string]bool{}
	for _, c := range p.commands {
		word, rest, _ := strings.Cut(c.path, " ")
		if seen[word] {
			continue
		}
		seen[word] = true
		about := firstSentence(c.about)
		if rest != "" {
			about = strings.Join(p.below(word), ", ")
		}
		words = append(words, entry{name: word, help: about})
	}
	return words
}

// below returns the second words of the subcommands that begin with word.
func (p *program) below(word string) []string {
	var words []string
	for _, c := range p.commands {
		if rest, ok := strings.CutPrefix(c.path, word+" "); ok {
			words = append(words, rest)
		}
	}
	return words
}

// firstSentence returns the first sentence of a help, in one line.
func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if sentence, _, more := strings.Cut(text, ". "); more {
		return sentence
	}
	return strings.TrimSuffix(text, ".")
}
