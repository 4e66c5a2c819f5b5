// Command manual writes the man page and the completions of bash, zsh and fish from the output of --help. So they cannot
// differ from the binary.
//
//	go run ./deploy/manual bin/sluice dist 2026-11-21
//
// The man page has the date.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: manual BINARY FOLDER DATE")
		os.Exit(64)
	}
	if err := generate(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

// generate writes sluice.1, sluice.bash, _sluice and sluice.fish into dir.
func generate(binary, dir, date string) error {
	p, err := ask(binary)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"sluice.1":    manPage(p, date),
		"sluice.bash": bashCompletion(p),
		"_sluice":     zshCompletion(p),
		"sluice.fish": fishCompletion(p),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
