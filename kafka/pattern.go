package kafka

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
)

// topicLetters are those that names of topics are made of (Topic.java, LEGAL_CHARS), - the last: in brackets
// it stands for itself there.
const topicLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

// nothing matches no name of a topic.
const nothing = "[^" + topicLetters + "]"

// longestPattern bounds what librdkafka's matcher is given: its memory grows with it.
const longestPattern = 1000

var errPattern = errors.New("it is too long, with its repetitions written out")

// Pattern is the topic for an Interest that stands for all topics whose whole name matches a regular
// expression (RE2's and, as far as names of topics go, Java's). librdkafka matches with POSIX's extended ones,
// which know less: it is written in theirs.
func Pattern(expression string) (string, error) {
	if len(expression) > longestPattern {
		return "", errPattern
	}
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := posix(&b, tree.Simplify()); err != nil {
		return "", err
	}
	return "^(" + b.String() + ")$", nil
}

// posix writes a simplified expression.
func posix(b *strings.Builder, re *syntax.Regexp) error {
	if b.Len() > longestPattern {
		return errPattern
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			b.WriteString(oneOf(func(c rune) bool {
				return c == r || re.Flags&syntax.FoldCase != 0 && unicode.ToLower(c) == unicode.ToLower(r)
			}))
		}
	case syntax.OpCharClass:
		b.WriteString(oneOf(func(c rune) bool { return inRanges(re.Rune, c) }))
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		return grouped(b, re.Sub, "", map[syntax.Op]string{syntax.OpStar: "*", syntax.OpPlus: "+", syntax.OpQuest: "?"}[re.Op])
	case syntax.OpConcat, syntax.OpCapture:
		return grouped(b, re.Sub, "", "")
	case syntax.OpAlternate:
		return grouped(b, re.Sub, "|", "")
	default:
		return simple(b, re)
	}
	return nil
}

// grouped writes expressions in parentheses.
func grouped(b *strings.Builder, list []*syntax.Regexp, between, after string) error {
	b.WriteByte('(')
	for i, sub := range list {
		if i > 0 {
			b.WriteString(between)
		}
		if err := posix(b, sub); err != nil {
			return err
		}
	}
	b.WriteString(")" + after)
	return nil
}

// simples are what stands for itself.
var simples = map[syntax.Op]string{
	syntax.OpNoMatch: nothing, syntax.OpEmptyMatch: "()", syntax.OpAnyChar: ".", syntax.OpAnyCharNotNL: ".",
	syntax.OpBeginText: "^", syntax.OpBeginLine: "^", syntax.OpEndText: "$", syntax.OpEndLine: "$",
}

func simple(b *strings.Builder, re *syntax.Regexp) error {
	text, known := simples[re.Op]
	if !known {
		return fmt.Errorf("%s is not supported in a pattern of topics", re)
	}
	b.WriteString(text)
	return nil
}

// oneOf is the set of those letters that match.
func oneOf(matches func(rune) bool) string {
	var set strings.Builder
	for _, c := range topicLetters {
		if matches(c) {
			set.WriteRune(c)
		}
	}
	switch set.Len() {
	case 0:
		return nothing
	case 1:
		if set.String() != "." {
			return set.String()
		}
	case len(topicLetters):
		return "."
	}
	return "[" + set.String() + "]"
}

// inRanges tells whether a letter is in a class: pairs of first and last.
func inRanges(pairs []rune, c rune) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] <= c && c <= pairs[i+1] {
			return true
		}
	}
	return false
}
