package rest

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sluice-proxy/sluice/kafka"
)

const instancePath = "/consumers/{group}/instances/{instance}"

// createInstance answers where the new instance is.
func (a *apiV2) createInstance(x *exchange) error {
	group := x.r.PathValue("group")
	if err := validGroup(group); err != nil {
		return err
	}
	if x.isDraining() {
		return errStopping()
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	s, err := settingsOf(body)
	if err != nil {
		return err
	}
	id := kafka.Identity{Group: group, Name: s.name}
	if id.Name == "" {
		id.Name = someName()
	}
	if _, err := a.instances.add(id, s); err != nil {
		return err
	}
	x.json(http.StatusOK, struct {
		ID   string `json:"instance_id"`
		Base string `json:"base_uri"`
	}{id.Name, x.baseURI() + "/consumers/" + url.PathEscape(group) + "/instances/" + url.PathEscape(id.Name)})
	return nil
}

// instance finds the one of the path.
func (a *apiV2) instance(x *exchange) (*instance, error) {
	return a.instances.find(kafka.Identity{Group: x.r.PathValue("group"), Name: x.r.PathValue("instance")})
}

// showInstance tells what an instance is, without keeping it alive.
func (a *apiV2) showInstance(x *exchange) error {
	in, err := a.instance(x)
	if err != nil {
		return err
	}
	state := struct {
		ID          string           `json:"instance_id"`
		Format      string           `json:"format"`
		AutoCommit  bool             `json:"auto.commit.enable"`
		Partitions  []topicPartition `json:"partitions"`
		Uncommitted int              `json:"uncommitted"`
		ExpiresIn   int64            `json:"expires_in_ms"`
	}{in.id.Name, formatNames[in.format], in.autoCommit, named(in.partitions()), in.uncommitted(), in.left().Milliseconds()}
	x.json(http.StatusOK, state)
	return nil
}

// deleteInstance ends one. It does not wait for a reply that is being written: what that brings goes back.
func (a *apiV2) deleteInstance(x *exchange) error {
	in, err := a.instance(x)
	if err != nil {
		return err
	}
	a.instances.end(in, deleted)
	x.send(http.StatusNoContent, nil)
	return nil
}

// onInstance finds the instance of the path, and keeps it alive while the call runs.
func (a *apiV2) onInstance(run func(*exchange, *instance) error) func(*exchange) error {
	return func(x *exchange) error {
		in, err := a.instance(x)
		if err != nil {
			return err
		}
		if !in.begin() {
			return in.notFound()
		}
		defer in.done(x.opts.InstanceIdle)
		return run(x, in)
	}
}

// inTurn runs do while nobody reads records of the instance: who does is asked to end.
func (in *instance) inTurn(x *exchange, do func() error) error {
	if x.isDraining() {
		return errStopping()
	}
	ctx, cancel := x.within(writeTimeout + askTimeout)
	defer cancel()
	if !in.enter(ctx) {
		return unavailable("another request of this instance does not end")
	}
	defer in.pass()
	return do()
}

// taken says that a client of another door has the name.
func asConflict(err error) error {
	var known *kafka.TakenError
	if errors.As(err, &known) {
		return &failure{status: http.StatusConflict, code: codeExists, message: "a client of another protocol is " + known.Identity.String()}
	}
	return err
}
