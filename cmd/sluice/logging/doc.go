// Package logging writes the log of the program, one line a record.
//
// New is for commands that end soon. Open is for a service: no caller waits for stderr, repeated messages become a
// few lines with a count, and no text of a client can forge a line.
package logging
