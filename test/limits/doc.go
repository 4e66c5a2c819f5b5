// Package limits attacks the built proxy as a stranger on its port can: with garbage, floods, drips
// and silence. Each attack must end in an error or a closed connection, leave memory and CPU flat,
// and never keep another client from its answer.
package limits
