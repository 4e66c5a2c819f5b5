package rest

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sluice-proxy/sluice/kafka"
)

// v3 is a request for something of version 3: links to it, and its name.
type v3 struct {
	*exchange

	cluster string
	self    string // the request's own address, without its query
	base    string // where the cluster is
	crn     string // its resource name
}

// v3Links are the parts of version 3's shapes that say where things are. Names are those of its OpenAPI
// document; of what sluice does not have the links are there all the same, for clients need them.
type (
	v3Meta struct {
		Self     string `json:"self"`
		Resource string `json:"resource_name"`
	}
	v3ListMeta struct {
		Self string  `json:"self"`
		Next *string `json:"next"` // always null: lists are whole
	}
	v3List struct {
		Kind     string     `json:"kind"`
		Metadata v3ListMeta `json:"metadata"`
		Data     []any      `json:"data"`
	}
	v3Related struct {
		Related string `json:"related"`
	}
)

// v3Resource is a call that reads something of the cluster.
func v3Resource(read func(*v3) (any, error)) func(*exchange) error {
	return func(x *exchange) error {
		cluster, err := x.v3Cluster()
		if err != nil {
			return err
		}
		body, err := read(x.v3Of(cluster))
		if err != nil {
			return v3Failure(err)
		}
		x.json(http.StatusOK, body)
		return nil
	}
}

func (x *exchange) v3Of(cluster string) *v3 {
	origin := x.baseURI()
	return &v3{
		exchange: x, cluster: cluster, self: origin + x.r.URL.EscapedPath(),
		base: origin + "/v3/clusters/" + url.PathEscape(cluster), crn: "crn:///kafka=" + cluster,
	}
}

// v3Failure says in version 3's words what is not there.
func v3Failure(err error) error {
	if errors.Is(err, kafka.ErrNoTopic) || errors.Is(err, kafka.ErrNoPartition) {
		return notHosted()
	}
	return err
}

// absent is a failure for something that is not there.
func absent(what, name string) error {
	return plain(http.StatusNotFound, "%s %s cannot be found.", what, shortened(name))
}

// list is a list of what there is under the request's address.
func (v *v3) list(kind string, data []any) v3List {
	if data == nil {
		data = []any{}
	}
	return v3List{Kind: kind, Metadata: v3ListMeta{Self: v.self}, Data: data}
}

// at is the address of something in the cluster; each part is one of its path.
func (v *v3) at(parts ...string) v3Related {
	address := v.base
	for _, part := range parts {
		address += "/" + url.PathEscape(part)
	}
	return v3Related{address}
}

// meta is the address and the resource name, which ends in crn, of something in the cluster.
func (v *v3) meta(crn string, parts ...string) v3Meta {
	return v3Meta{Self: v.at(parts...).Related, Resource: v.crn + crn}
}
