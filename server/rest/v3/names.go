package v3

import (
	"net/http"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The codes of REST v3 that are not v2's (Errors.java of its proxy, and the examples in its OpenAPI document).
const (
	codeUnknownV3 = 40403 // a topic or a partition does not exist
	codeRefused   = 40002 // the brokers do not take a change
	codePayload   = 42206 // a record has another shape
	codeBatch     = 42208 // a batch has another shape
)

// clusterID returns the id of our cluster. The brokers are asked for it once.
func clusterID(x *exchange.Exchange) (string, error) {
	ctx, cancel := x.AskContext()
	defer cancel()
	return x.Kafka.ClusterID(ctx)
}

// clusterInPath returns the id of the cluster in the path, which must be ours.
func clusterInPath(x *exchange.Exchange) (string, error) {
	id, err := clusterID(x)
	switch given := x.R.PathValue("cluster_id"); {
	case err != nil:
		return "", err
	case given != id:
		return "", exchange.Errorf(http.StatusNotFound, "Cluster %s cannot be found.", given)
	}
	return id, nil
}

// topicInPath returns the topic in the path.
func topicInPath(x *exchange.Exchange) (string, error) {
	if name := x.R.PathValue("topic"); kafka.ValidTopic(name) {
		return name, nil
	}
	return "", notHosted()
}

// notHosted is the answer for a topic or a partition that does not exist.
func notHosted() *exchange.Failure {
	return &exchange.Failure{
		Status: http.StatusNotFound, Code: codeUnknownV3, Message: "This server does not host this topic-partition.",
	}
}
