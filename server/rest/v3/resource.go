package v3

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// resource is a request for something of the cluster: it knows addresses and resource names.
type resource struct {
	*exchange.Exchange

	cluster string
	self    string // the request's own address, without its query
	base    string // address of the cluster
	crn     string // resource name of the cluster
}

// The parts of version 3's bodies that say where things are, with the names of its OpenAPI document. Clients need the
// links also where sluice has nothing behind them.
type (
	metadata struct {
		Self     string `json:"self"`
		Resource string `json:"resource_name"`
	}
	listMetadata struct {
		Self string  `json:"self"`
		Next *string `json:"next"` // always null: lists are whole
	}
	listBody struct {
		Kind     string       `json:"kind"`
		Metadata listMetadata `json:"metadata"`
		Data     []any        `json:"data"`
	}
	related struct {
		Related string `json:"related"`
	}
)

// readResource makes a handler of a function that reads something of the cluster.
func readResource(read func(*resource) (any, error)) func(*exchange.Exchange) error {
	return func(x *exchange.Exchange) error {
		cluster, err := clusterInPath(x)
		if err != nil {
			return err
		}
		body, err := read(newResource(x, cluster))
		if err != nil {
			return missing(err)
		}
		x.JSON(http.StatusOK, body)
		return nil
	}
}

// newResource returns the resource of a request.
func newResource(x *exchange.Exchange, cluster string) *resource {
	origin := x.BaseURI()
	return &resource{
		Exchange: x, cluster: cluster, self: origin + x.R.URL.EscapedPath(),
		base: origin + "/v3/clusters/" + url.PathEscape(cluster), crn: "crn:///kafka=" + cluster,
	}
}

// missing replaces errors for what does not exist.
func missing(err error) error {
	if errors.Is(err, kafka.ErrNoTopic) || errors.Is(err, kafka.ErrNoPartition) {
		return notHosted()
	}
	return err
}

// absent is the answer for something that does not exist.
func absent(what, name string) error {
	return exchange.Errorf(http.StatusNotFound, "%s %s cannot be found.", what, exchange.Shortened(name))
}

// list returns a list of what is below the request's address.
func (v *resource) list(kind string, data []any) listBody {
	if data == nil {
		data = []any{}
	}
	return listBody{Kind: kind, Metadata: listMetadata{Self: v.self}, Data: data}
}

// at returns the address of something in the cluster. Each part is one of its path.
func (v *resource) at(parts ...string) related {
	address := v.base
	for _, part := range parts {
		address += "/" + url.PathEscape(part)
	}
	return related{address}
}

// meta returns the address and the resource name of something in the cluster. The name ends with crn.
func (v *resource) meta(crn string, parts ...string) metadata {
	return metadata{Self: v.at(parts...).Related, Resource: v.crn + crn}
}
