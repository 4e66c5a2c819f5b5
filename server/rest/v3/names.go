package v3

import (
	"net/http"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The codes of REST v3 that are not v2's (Errors.java of its proxy, and the examples in its OpenAPI document).
const (
	codeUnknownV3 = 40403 // topic or partition: version 3 does not tell them apart
	codePayload   = 42206 // a record is not what was asked for
	codeBatch     = 42208 // a batch is not
)

// clusterID is the id of our cluster. It is asked for once: then it is known.
func clusterID(x *exchange.Exchange) (string, error) {
	ctx, cancel := x.AskContext()
	defer cancel()
	return x.Kafka.ClusterID(ctx)
}

// clusterInPath is the cluster in the path, which must be ours.
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

// topicInPath is the topic in the path.
func topicInPath(x *exchange.Exchange) (string, error) {
	if name := x.R.PathValue("topic"); exchange.LegalTopic(name) {
		return name, nil
	}
	return "", notHosted()
}

// notHosted is version 3's word for a topic or a partition that is not there.
func notHosted() *exchange.Failure {
	return &exchange.Failure{
		Status: http.StatusNotFound, Code: codeUnknownV3, Message: "This server does not host this topic-partition.",
	}
}
