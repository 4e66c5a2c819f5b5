package v2

import "github.com/sluice-proxy/sluice/kafka"

// HasTurn reports whether a request reads records of an instance, or changes where they come from.
func (a *API) HasTurn(id kafka.Identity) bool {
	in, err := a.instances.find(id)
	return err == nil && len(in.turn) == 1
}
