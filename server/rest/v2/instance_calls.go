package v2

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

const instancePath = "/consumers/{group}/instances/{instance}"

// createInstance answers with the address of the new instance.
func (a *API) createInstance(x *exchange.Exchange) error {
	group := x.R.PathValue("group")
	if err := exchange.ValidGroup(group); err != nil {
		return err
	}
	if x.IsDraining() {
		return exchange.Stopping()
	}
	body, err := x.Body()
	if err != nil {
		return err
	}
	s, err := settingsOf(body, x.Opts.LeastReply)
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
	x.JSON(http.StatusOK, struct {
		ID   string `json:"instance_id"`
		Base string `json:"base_uri"`
	}{id.Name, x.BaseURI() + "/consumers/" + url.PathEscape(group) + "/instances/" + url.PathEscape(id.Name)})
	return nil
}

// instance finds the instance in the path.
func (a *API) instance(x *exchange.Exchange) (*instance, error) {
	return a.instances.find(kafka.Identity{Group: x.R.PathValue("group"), Name: x.R.PathValue("instance")})
}

// showInstance tells what an instance is, without keeping it alive.
func (a *API) showInstance(x *exchange.Exchange) error {
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
	}{in.id.Name, formatNames[in.format], in.autoCommit, topicPartitions(in.partitions()), in.uncommitted(), in.left().Milliseconds()}
	x.JSON(http.StatusOK, state)
	return nil
}

// deleteInstance does not wait for a reply that is being written: the records of that reply go back.
func (a *API) deleteInstance(x *exchange.Exchange) error {
	in, err := a.instance(x)
	if err != nil {
		return err
	}
	a.instances.end(in, deleted)
	x.Send(http.StatusNoContent, nil)
	return nil
}

// onInstance finds the instance in the path, and keeps it alive while the call runs.
func (a *API) onInstance(run func(*exchange.Exchange, *instance) error) func(*exchange.Exchange) error {
	return func(x *exchange.Exchange) error {
		in, err := a.instance(x)
		if err != nil {
			return err
		}
		if !in.begin() {
			return in.notFound()
		}
		defer in.done(x.Opts.InstanceIdle)
		return run(x, in)
	}
}

// inTurn runs do while no request reads records of the instance. A request that reads is asked to end.
func (in *instance) inTurn(x *exchange.Exchange, do func() error) error {
	if x.IsDraining() {
		return exchange.Stopping()
	}
	ctx, cancel := x.Within(x.Opts.WriteTimeout + exchange.AskTimeout)
	defer cancel()
	if !in.takeTurn(ctx) {
		return exchange.Unavailable("another request of this instance does not end")
	}
	defer in.passTurn()
	return do()
}

// takenName is the answer for a name that a client of another door has.
func takenName(err error) error {
	var known *kafka.TakenError
	if errors.As(err, &known) {
		return &exchange.Failure{Status: http.StatusConflict, Code: exchange.CodeExists, Message: "a client of another protocol is " + known.Identity.String()}
	}
	return err
}
