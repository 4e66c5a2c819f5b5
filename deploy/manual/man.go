package main

import (
	_ "embed"
	"strings"
)

// manTail is the part of the man page that is not in --help.
//
//go:embed sluice.1.tail
var manTail string

// manPage returns sluice(1) in the macros of man(7).
func manPage(p *program, date string) string {
	var b strings.Builder
	b.WriteString(".\\\" Written by deploy/manual from the output of sluice --help.\n")
	b.WriteString(".TH SLUICE 1 " + quoteRoff(date) + " " + quoteRoff("sluice "+p.version) + " \"User Commands\"\n")
	b.WriteString(".SH NAME\nsluice \\- stand between applications and Kafka\n.SH SYNOPSIS\n")
	for i, c := range p.commands {
		if i > 0 {
			b.WriteString(".br\n")
		}
		b.WriteString(".B " + roff(c.usage) + "\n")
	}
	b.WriteString(".SH DESCRIPTION\n" + manParagraphs(withoutStatus(p.about)) + ".SH COMMANDS\n")
	for _, c := range p.commands {
		b.WriteString(manCommand(c))
	}
	b.WriteString(manTail)
	return b.String()
}

// withoutStatus removes the paragraph on exit statuses: the man page has a section for them.
func withoutStatus(about string) string {
	text, _, _ := strings.Cut(about, "\n\nExit status:")
	return text
}

func manCommand(c command) string {
	var b strings.Builder
	b.WriteString(".SS sluice " + roff(c.path) + "\n" + manParagraphs(c.about))
	for _, e := range append(append([]entry{}, c.arguments...), c.flags...) {
		if e.name == "--help" {
			continue
		}
		b.WriteString(".TP\n")
		head := `\fB` + roff(e.name) + `\fR`
		if e.short != "" {
			head = `\fB` + roff(e.short) + `\fR, ` + head
		}
		if e.value != "" {
			head += `=\fI` + roff(e.value) + `\fR`
		}
		b.WriteString(head + "\n" + roff(e.help) + "\n")
	}
	return b.String()
}

// manParagraphs writes a text with a paragraph break at each empty line.
func manParagraphs(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = roff(strings.Join(strings.Fields(p), " ")) + "\n"
	}
	return strings.Join(paragraphs, ".PP\n")
}

// roff escapes hyphens, backslashes, and a dot or quote at the start of a line: they mean something to troff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func quoteRoff(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\(dq`) + `"` }
