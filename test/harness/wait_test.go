package harness

import "testing"

// Two doors of one proxy, or two proxies, would be given one address otherwise.
func TestNoPortIsGivenTwice(t *testing.T) {
	t.Parallel()
	given := map[int]bool{}
	for range 500 {
		ports, err := FreePorts(1)
		if err != nil {
			t.Fatal(err)
		}
		if given[ports[0]] {
			t.Fatalf("%d is given twice", ports[0])
		}
		given[ports[0]] = true
	}
}
