package v2

import "github.com/sluice-proxy/sluice/kafka"

// HasTurn reports whether a request reads records of an instance, or changes where they come from.
func (a *API) HasTurn(id kafka.Identity) bool {
	in, err := a.instances.find(id)
	return err == nil && len(in.turn) == 1
}

// Requests is how many requests an instance has, and whether a reply with records is being written.
func (a *API) Requests(id kafka.Identity) (n int, replying bool) {
	in, err := a.instances.find(id)
	if err != nil {
		return 0, false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.using, in.replying != nil
}

// Handed is how many replies of an instance its client may not have got.
func (a *API) Handed(id kafka.Identity) int {
	in, err := a.instances.find(id)
	if err != nil {
		return 0
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.handed)
}
