package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

const (
	textFile = "../architecture.txt"
	svgFile  = "../architecture.svg"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func architecture(t *testing.T) *drawing {
	t.Helper()
	d, err := parse(read(t, textFile))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestThePictureIsOfItsText(t *testing.T) {
	want := architecture(t).svg()
	if read(t, svgFile) != want {
		t.Errorf("%s is not of %s any more: run make picture", svgFile, textFile)
	}
	decoder := xml.NewDecoder(strings.NewReader(want))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
	}
}

// A letter of the fonts that browsers choose is at most this wide on average, as a part of its size.
const letter = 0.6

func TestTextFitsIntoItsBox(t *testing.T) {
	d := architecture(t)
	for _, b := range d.boxes {
		if b.x < 0 || b.y < 0 || b.x+b.w > d.width || b.y+b.h > d.height {
			t.Errorf("%s is not within the picture", b.name)
		}
		for i, line := range b.text {
			size := 12.0
			if i == 0 {
				size = 13
			}
			if wide := letter * size * float64(len(line)); int(wide) > b.w {
				t.Errorf("%s: %q is about %.0f wide, and the box %d", b.name, line, wide, b.w)
			}
		}
		if high := len(b.text) * (lineHeight + 2); high > b.h && !b.frame {
			t.Errorf("%s: the text is %d high, and the box %d", b.name, high, b.h)
		}
	}
}

// The addresses in the picture are the defaults.
func TestPortsAreTheDefaults(t *testing.T) {
	settings := read(t, "../sluice.yaml")
	ports := regexp.MustCompile(`:\d{4}\b`).FindAllString(read(t, svgFile), -1)
	if len(ports) == 0 {
		t.Error("the picture names no port")
	}
	for _, port := range ports {
		if !strings.Contains(settings, port) {
			t.Errorf("no door listens at %s by default", port)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"size 10", "line 1: 2 numbers are wanted"},
		{"size 10 ten", `line 1: strconv.Atoi: parsing "ten": invalid syntax`},
		{"title : x", "no size or no title"},
		{"circle a 1 1", "line 1: circle is neither title, size, box, frame nor arrow"},
		{"\nbox a 1 1 2", "line 2: a box has a name and four numbers"},
		{"box a 1 1 2 2\nbox a 1 1 2 2", "line 2: a second a"},
		{"arrow a b", "line 1: an arrow is FROM -> TO [SHIFT]"},
		{"arrow a -> b", "line 1: no box is called a or b"},
		{"box a 0 0 2 2\nbox b 9 9 2 2\narrow a -> b", "line 3: a and b do not face each other"},
	} {
		_, err := parse(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.text, err, test.want)
		}
	}
}

func TestArrowsEndAtTheFacingSides(t *testing.T) {
	text := "title : x\nsize 100 100\nbox a 0 0 20 20\nbox right 40 10 20 20\nbox below 10 40 20 20\n" +
		"arrow a -> right\narrow right -> a\narrow a -> below\narrow below -> a -3\n"
	d, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][4]int{{20, 15, 40, 15}, {40, 15, 20, 15}, {15, 20, 15, 40}, {12, 40, 12, 20}} {
		if got, err := d.arrows[i].line(); err != nil || got != want {
			t.Errorf("arrow %d: %v %v, want %v", i, got, err, want)
		}
	}
}
