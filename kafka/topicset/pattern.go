package topicset

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// pattern is a regular expression for names of topics, in RE2's syntax. Matching is linear in the name. librdkafka
// never sees one: it has C's matcher, which a few bytes can have take all memory, or seconds for each name.
type pattern struct {
	*regexp.Regexp
	cost int
}

const (
	// LongestPattern bounds the text of an expression, in bytes.
	LongestPattern = 1000
	// costliestPatterns bounds all patterns of one subscription: each byte of a name takes so many steps at worst. With
	// it the longest name takes 2 ms.
	costliestPatterns = 1000

	// WholeName is the format that makes an expression match whole names.
	WholeName = "^(?:%s)$"
)

// Pattern is the topic for an Interest that stands for all topics whose whole name matches a regular expression.
func Pattern(expression string) (string, error) {
	if _, err := parsePattern(expression, LongestPattern); err != nil {
		return "", err
	}
	wrapped := fmt.Sprintf(WholeName, expression)
	_, err := parsePattern(wrapped, len(wrapped)) // a \Q without \E would take the rest up
	return wrapped, err
}

func parsePattern(text string, longest int) (pattern, error) {
	if len(text) > longest {
		return pattern{}, fmt.Errorf("it has %d bytes: at most %d are allowed", len(text), longest)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return pattern{}, plainSyntax(err)
	}
	cost := costOf(tree)
	if cost > costliestPatterns { // before it is compiled: that writes repetitions out
		return pattern{}, tooCostly(cost)
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return pattern{}, plainSyntax(err)
	}
	return pattern{compiled, cost}, nil
}

func tooCostly(cost int) error {
	return fmt.Errorf("it has %d elements with its repetitions written out: at most %d are allowed", cost, costliestPatterns)
}

// plainSyntax is the matcher's sentence without its introduction.
func plainSyntax(err error) error {
	if wrong, is := errors.AsType[*syntax.Error](err); is {
		return fmt.Errorf("%s: `%s` (the syntax is RE2's)", wrong.Code, wrong.Expr)
	}
	return err
}

// costOf is how many elements an expression has with its repetitions written out. What the parser lets through bounds
// the depth, and a product of nested repetitions to 1000.
func costOf(re *syntax.Regexp) int {
	cost := 1
	for _, sub := range re.Sub {
		cost += costOf(sub)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpRepeat:
		return cost * max(1, re.Min, re.Max)
	}
	return cost
}
