package main

import (
	"fmt"
	"html"
	"strings"
)

// style has the colours for light and for dark pages. The picture has a background of its own: it can be read even where
// a page is dark and its pictures are not told.
const style = `  <style>
    svg { color-scheme: light dark; }
    text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 13px; }
    .label { fill: #59636e; font-size: 11.5px; }
    .page { fill: #ffffff; }
    .box { fill: #eef4fb; stroke: #4a77a8; }
    .outside { fill: #f6f3ec; stroke: #9a8355; }
    .frame { fill: none; stroke: #8b949e; stroke-dasharray: 4 3; }
    .line { stroke: #59636e; stroke-width: 1.3; fill: none; }
    .head { fill: #59636e; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .label { fill: #a5afba; }
      .page { fill: #0d1117; }
      .box { fill: #16283d; stroke: #6a9bd1; }
      .outside { fill: #2a2519; stroke: #b59c66; }
      .line { stroke: #a5afba; }
      .head { fill: #a5afba; }
    }
  </style>
  <marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto-start-reverse">
    <path class="head" d="M0 0.5 L8 4 L0 7.5 z"/>
  </marker>
`

const (
	lineHeight = 15 // of text in a box, and of labels
	corner     = 5
)

// svg returns the picture.
func (d *drawing) svg() string {
	var out strings.Builder
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n",
		d.width, d.height, d.width, d.height, html.EscapeString(d.title))
	fmt.Fprintf(&out, "  <title>%s</title>\n", html.EscapeString(d.title))
	out.WriteString(style)
	fmt.Fprintf(&out, "  <rect class=\"page\" width=\"%d\" height=\"%d\" rx=\"%d\"/>\n", d.width, d.height, corner)
	for _, b := range d.boxes {
		b.draw(&out, d.class(b))
	}
	for i := range d.arrows {
		d.arrows[i].draw(&out)
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// class names the style of a box: what stands in no frame is not ours.
func (d *drawing) class(b *box) string {
	if b.frame {
		return "frame"
	}
	for _, f := range d.boxes {
		if f.frame && f.contains(b) {
			return "box"
		}
	}
	return "outside"
}

func (b *box) contains(other *box) bool {
	return b.x <= other.x && b.y <= other.y && other.x+other.w <= b.x+b.w && other.y+other.h <= b.y+b.h
}

func (b *box) draw(out *strings.Builder, class string) {
	fmt.Fprintf(out, "  <rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"/>\n", class, b.x, b.y, b.w, b.h, corner)
	if b.frame {
		for _, line := range b.text {
			write(out, "title", "end", b.x+b.w-10, b.y+18, line)
		}
		return
	}
	// The base line of the first line, so that all of them stand in the middle.
	y := b.y + b.h/2 - (len(b.text)-1)*(lineHeight+2)/2 + 4
	for i, line := range b.text {
		class := "title"
		if i > 0 {
			class = ""
		}
		write(out, class, "middle", b.x+b.w/2, y+i*(lineHeight+2), line)
	}
}

func (a *arrow) draw(out *strings.Builder) {
	ends, _ := a.line() // add has seen that there is one
	heads := ` marker-end="url(#head)"`
	if a.both {
		heads += ` marker-start="url(#head)"`
	}
	fmt.Fprintf(out, "  <path class=\"line\" d=\"M%d %d L%d %d\"%s/>\n", ends[0], ends[1], ends[2], ends[3], heads)
	x, y := (ends[0]+ends[2])/2+7, (ends[1]+ends[3])/2-(len(a.text)-1)*lineHeight/2+4
	for i, line := range a.text {
		write(out, "label", "start", x, y+i*lineHeight, line)
	}
}

func write(out *strings.Builder, class, anchor string, x, y int, line string) {
	if class != "" {
		class = fmt.Sprintf(" class=\"%s\"", class)
	}
	fmt.Fprintf(out, "  <text%s x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", class, x, y, anchor, html.EscapeString(line))
}
