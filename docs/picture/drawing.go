package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// drawing is what the text file says. Numbers are pixels.
type drawing struct {
	title         string // what the picture shows, for who cannot see it
	width, height int
	boxes         []*box
	arrows        []arrow
}

// box is a rectangle with text. A frame has its text in its upper right corner, and other boxes may stand in it.
type box struct {
	name       string
	frame      bool
	x, y, w, h int
	text       []string // a title, then lines
}

// arrow connects the sides of two boxes that face each other.
type arrow struct {
	from, to *box
	both     bool // has a head at either end
	shift    int  // right or down from the middle of what both boxes have in common
	text     []string
}

// parse reads the text file. Its error has the line of every mistake.
func parse(text string) (*drawing, error) {
	d := &drawing{}
	var errs []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := d.add(line); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
		}
	}
	if d.width <= 0 || d.height <= 0 || d.title == "" {
		errs = append(errs, errors.New("no size or no title"))
	}
	return d, errors.Join(errs...)
}

// add takes one line of the file.
func (d *drawing) add(line string) error {
	head, label, _ := strings.Cut(line, ":")
	words := strings.Fields(head)
	switch words[0] {
	case "title":
		d.title = strings.Join(split(label), " ")
		return nil
	case "size":
		return numbers(words[1:], &d.width, &d.height)
	case "box", "frame":
		return d.addBox(words, split(label))
	case "arrow":
		return d.addArrow(words[1:], split(label))
	}
	return fmt.Errorf("%s is neither title, size, box, frame nor arrow", words[0])
}

func (d *drawing) addBox(words, text []string) error {
	if len(words) != 6 {
		return errors.New("a box has a name and four numbers")
	}
	b := &box{name: words[1], frame: words[0] == "frame", text: text}
	if d.find(b.name) != nil {
		return fmt.Errorf("a second %s", b.name)
	}
	d.boxes = append(d.boxes, b)
	return numbers(words[2:], &b.x, &b.y, &b.w, &b.h)
}

func (d *drawing) addArrow(words, text []string) error {
	if len(words) != 3 && len(words) != 4 || words[1] != "->" && words[1] != "<->" {
		return errors.New("an arrow is FROM -> TO [SHIFT]")
	}
	a := arrow{from: d.find(words[0]), to: d.find(words[2]), both: words[1] == "<->", text: text}
	if a.from == nil || a.to == nil {
		return fmt.Errorf("no box is called %s or %s", words[0], words[2])
	}
	if len(words) == 4 {
		if err := numbers(words[3:], &a.shift); err != nil {
			return err
		}
	}
	if _, err := a.line(); err != nil {
		return err
	}
	d.arrows = append(d.arrows, a)
	return nil
}

func (d *drawing) find(name string) *box {
	for _, b := range d.boxes {
		if b.name == name {
			return b
		}
	}
	return nil
}

func numbers(words []string, to ...*int) (err error) {
	if len(words) != len(to) {
		return fmt.Errorf("%d numbers are wanted", len(to))
	}
	for i, word := range words {
		if *to[i], err = strconv.Atoi(word); err != nil {
			return err
		}
	}
	return nil
}

// split returns the lines of a label.
func split(label string) (lines []string) {
	for line := range strings.SplitSeq(label, "|") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// line returns the ends of an arrow, x and y of each. It is horizontal or vertical.
func (a *arrow) line() (ends [4]int, err error) {
	from, to := a.from, a.to
	left, right := max(from.x, to.x), min(from.x+from.w, to.x+to.w)
	top, bottom := max(from.y, to.y), min(from.y+from.h, to.y+to.h)
	switch {
	case left < right && from.y < to.y:
		x := (left+right)/2 + a.shift
		return [4]int{x, from.y + from.h, x, to.y}, nil
	case left < right:
		x := (left+right)/2 + a.shift
		return [4]int{x, from.y, x, to.y + to.h}, nil
	case top < bottom:
		y := (top+bottom)/2 + a.shift
		if from.x < to.x {
			return [4]int{from.x + from.w, y, to.x, y}, nil
		}
		return [4]int{from.x, y, to.x + to.w, y}, nil
	}
	return ends, fmt.Errorf("%s and %s do not face each other", from.name, to.name)
}
