package rest

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
)

// instanceRoutes are the consumer instances of REST v2.
var instanceRoutes = []route{
	{http.MethodPost, "/consumers/{group}", createInstance},
	{http.MethodGet, instancePath, showInstance},
	{http.MethodDelete, instancePath, deleteInstance},
	{http.MethodPost, instancePath + "/subscription", onInstance(subscribe)},
	{http.MethodGet, instancePath + "/subscription", onInstance(subscription)},
	{http.MethodDelete, instancePath + "/subscription", onInstance(unsubscribe)},
	{http.MethodPost, instancePath + "/assignments", onInstance(assign)},
	{http.MethodGet, instancePath + "/assignments", onInstance(assignments)},
	{http.MethodPost, instancePath + "/positions", onInstance(seek)},
	{http.MethodPost, instancePath + "/positions/beginning", onInstance(seekBeginning)},
	{http.MethodPost, instancePath + "/positions/end", onInstance(seekEnd)},
	{http.MethodGet, instancePath + "/records", onInstance(instanceRecords)},
	{http.MethodPost, instancePath + "/offsets", onInstance(commitOffsets)},
	{http.MethodGet, instancePath + "/offsets", onInstance(committedOffsets)},
}

const instancePath = "/consumers/{group}/instances/{instance}"

// createInstance answers where the new instance is.
func createInstance(x *exchange) error {
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
	if _, err := x.instances.add(id, s); err != nil {
		return err
	}
	x.json(http.StatusOK, struct {
		ID   string `json:"instance_id"`
		Base string `json:"base_uri"`
	}{id.Name, x.baseURI() + "/consumers/" + url.PathEscape(group) + "/instances/" + url.PathEscape(id.Name)})
	return nil
}

// instance finds the one of the path.
func (x *exchange) instance() (*instance, error) {
	return x.instances.find(kafka.Identity{Group: x.r.PathValue("group"), Name: x.r.PathValue("instance")})
}

// showInstance tells what an instance is, without keeping it alive.
func showInstance(x *exchange) error {
	in, err := x.instance()
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

// isDraining tells whether nothing new is taken.
func (s *Server) isDraining() bool {
	select {
	case <-s.drains:
		return true
	default:
		return false
	}
}

// deleteInstance ends one. It does not wait for a reply that is being written: what that brings goes back.
func deleteInstance(x *exchange) error {
	in, err := x.instance()
	if err != nil {
		return err
	}
	x.instances.end(in, deleted)
	x.send(http.StatusNoContent, nil)
	return nil
}

// onInstance finds the instance of the path, and keeps it alive while the call runs.
func onInstance(run func(*exchange, *instance) error) func(*exchange) error {
	return func(x *exchange) error {
		in, err := x.instance()
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
	ctx, cancel := x.within(writeTimeout + metadataTimeout)
	defer cancel()
	if !in.enter(ctx) {
		return unavailable("another request of this instance does not end")
	}
	defer in.pass()
	return do()
}

// number of a query, or what stands for none: the parameter is missing, empty, or -1 as REST v2 has it.
func queryInt(q url.Values, name string, most int) (n int, given bool, err error) {
	text := q.Get(name)
	if text == "" || text == "-1" {
		return 0, false, nil
	}
	value, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, false, invalid("%s: %q is not a whole number from 0 on", name, text)
	}
	return int(min(value, uint64(most))), true, nil //nolint:gosec // at most most
}

// taken says that a client of another door has the name.
func asConflict(err error) error {
	var known *kafka.TakenError
	if errors.As(err, &known) {
		return &failure{status: http.StatusConflict, code: codeExists, message: "a client of another protocol is " + known.Identity.String()}
	}
	return err
}
