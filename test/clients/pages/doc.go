// Package pages pastes the README's first steps and the pages for languages (docs/ruby.md and the like) into a shell, as a
// reader does, against the built proxy. What the pages show is compared with what is printed. Then the worker of each page
// meets what workers meet: a handler that raises, kill -9, restarts of sluice, SIGTERM. Kafka says at the end whether each
// record was handled and committed.
package pages
