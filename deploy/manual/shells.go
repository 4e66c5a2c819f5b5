package main

import (
	"strings"
)

// both returns the short and the long form of a flag.
func (e entry) both() []string {
	if e.short == "" {
		return []string{e.name}
	}
	return []string{e.short, e.name}
}

// bashCompletion returns the completion of bash. It does not use the bash-completion library.
func bashCompletion(p *program) string {
	var flags, values strings.Builder
	seen := map[string]bool{}
	for _, c := range p.commands {
		var names []string
		for _, f := range c.flags {
			names = append(names, f.both()...)
			values.WriteString(bashValues(f, seen))
		}
		flags.WriteString("\t'" + c.path + "' | '" + c.path + " '*) words='" + strings.Join(names, " ") + "' ;;\n")
	}
	var first []string
	for _, w := range p.words() {
		first = append(first, w.name)
		if below := p.below(w.name); below != nil {
			flags.WriteString("\t'" + w.name + "') words='" + strings.Join(below, " ") + "' ;;\n")
		}
	}
	return strings.NewReplacer("@FIRST@", strings.Join(first, " "), "@FLAGS@", flags.String(), "@VALUES@", values.String()).Replace(bashTemplate)
}

// bashValues returns the case that completes the value of a flag. Each flag has one case, since it means the same in all
// subcommands.
func bashValues(f entry, seen map[string]bool) string {
	if f.value == "" || seen[f.name] {
		return ""
	}
	seen[f.name] = true
	does := "return" // no values to suggest
	if words := f.choices(); words != nil {
		does = "COMPREPLY=($(compgen -W '" + strings.Join(words, " ") + `' -- "$cur")); return`
	} else if f.takesPath() {
		does = `compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return`
	}
	return "\t" + strings.Join(f.both(), " | ") + ") " + does + " ;;\n"
}

const bashTemplate = `# bash completion for sluice
_sluice() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= i
	# bash gives --flag=value as three words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	case $prev in
@VALUES@	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == [a-z]* ]] || break
		path+=${path:+ }${COMP_WORDS[i]}
	done
	case $path in
	'') words='@FIRST@ --help' ;;
@FLAGS@	esac
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
} && complete -F _sluice sluice
`

// zshQuote makes a text valid inside a single-quoted specification of _arguments or _describe.
func zshQuote(text string) string {
	return strings.NewReplacer("'", "’", "[", "(", "]", ")", ":", `\:`).Replace(firstSentence(text))
}

func zshCompletion(p *program) string {
	var b strings.Builder
	b.WriteString("#compdef sluice\n\n_sluice() {\n\tlocal -a words_below\n\tcase \"${words[2]-} ${words[3]-}\" in\n")
	for _, c := range p.commands {
		pattern, shift := "'"+c.path+" '*", "1"
		if strings.Contains(c.path, " ") {
			pattern, shift = "'"+c.path+"'", "2"
		}
		b.WriteString("\t" + pattern + ")\n\t\tif (( CURRENT > 1 + " + shift + " )); then\n\t\t\tshift " + shift + " words; (( CURRENT -= " + shift + " ))\n\t\t\t_arguments -s")
		for _, f := range c.flags {
			b.WriteString(" \\\n\t\t\t\t" + zshFlag(f))
		}
		b.WriteString("\n\t\t\treturn\n\t\tfi\n\t\t;;\n")
	}
	b.WriteString("\tesac\n\tif (( CURRENT == 2 )); then\n" + zshWords("sluice command", p.words()))
	for _, w := range p.words() {
		if p.below(w.name) == nil {
			continue
		}
		var second []entry
		for _, c := range p.commands {
			if rest, ok := strings.CutPrefix(c.path, w.name+" "); ok {
				second = append(second, entry{name: rest, help: c.about})
			}
		}
		b.WriteString("\telif (( CURRENT == 3 )) && [[ ${words[2]} == " + w.name + " ]]; then\n" + zshWords(w.name+" command", second))
	}
	b.WriteString("\tfi\n}\n\n_sluice \"$@\"\n")
	return b.String()
}

func zshWords(what string, words []entry) string {
	var b strings.Builder
	b.WriteString("\t\twords_below=(\n")
	for _, w := range words {
		b.WriteString("\t\t\t'" + w.name + ":" + zshQuote(w.help) + "'\n")
	}
	b.WriteString("\t\t)\n\t\t_describe '" + what + "' words_below\n")
	return b.String()
}

func zshFlag(f entry) string {
	spec := "[" + zshQuote(f.help) + "]"
	switch {
	case f.value == "":
	case f.choices() != nil:
		spec = "=" + spec + ":" + f.value + ":(" + strings.Join(f.choices(), " ") + ")"
	case f.takesPath():
		spec = "=" + spec + ":" + f.value + ":_files"
	default:
		spec = "=" + spec + ":" + f.value + ":"
	}
	if f.short == "" {
		return "'" + f.name + spec + "'"
	}
	return "'(" + f.short + " " + f.name + ")'{" + f.short + "," + f.name + "}'" + strings.TrimPrefix(spec, "=") + "'"
}

func fishCompletion(p *program) string {
	var b strings.Builder
	b.WriteString("# fish completion for sluice\ncomplete -c sluice -f\n")
	for _, w := range p.words() {
		b.WriteString("complete -c sluice -n __fish_use_subcommand -a " + w.name + " -d " + fishQuote(w.help) + "\n")
	}
	for _, c := range p.commands {
		word, rest, nested := strings.Cut(c.path, " ")
		seen := "__fish_seen_subcommand_from " + word
		if nested {
			b.WriteString("complete -c sluice -n '" + seen + "; and not __fish_seen_subcommand_from " + strings.Join(p.below(word), " ") + "' -a " + rest + " -d " + fishQuote(c.about) + "\n")
			seen += "; and __fish_seen_subcommand_from " + rest
		}
		for _, f := range c.flags {
			b.WriteString("complete -c sluice -n '" + seen + "'" + fishFlag(f) + "\n")
		}
	}
	return b.String()
}

func fishFlag(f entry) string {
	text := ""
	if f.short != "" {
		text = " -s " + strings.TrimPrefix(f.short, "-")
	}
	text += " -l " + strings.TrimPrefix(f.name, "--")
	switch {
	case f.value == "":
	case f.choices() != nil:
		text += " -x -a '" + strings.Join(f.choices(), " ") + "'"
	case f.takesPath():
		text += " -r -F"
	default:
		text += " -x"
	}
	return text + " -d " + fishQuote(f.help)
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(firstSentence(text)) + "'"
}
