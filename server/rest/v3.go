package rest

import "net/http"

// The codes of REST v3 that are not v2's (Errors.java of its proxy, and the examples in its OpenAPI document).
const (
	codeUnknownV3 = 40403 // topic or partition: version 3 does not tell them apart
	codePayload   = 42206 // a record is not what was asked for
	codeBatch     = 42208 // a batch is not
)

// clusterID is the id of our cluster. It is asked for once: then it is known.
func (x *exchange) clusterID() (string, error) {
	ctx, cancel := x.asking()
	defer cancel()
	return x.kafka.ClusterID(ctx)
}

// v3Cluster is the cluster in the path, which must be ours.
func (x *exchange) v3Cluster() (string, error) {
	id, err := x.clusterID()
	switch given := x.r.PathValue("cluster_id"); {
	case err != nil:
		return "", err
	case given != id:
		return "", plain(http.StatusNotFound, "Cluster %s cannot be found.", given)
	}
	return id, nil
}

// v3TopicName is the topic in the path.
func (x *exchange) v3TopicName() (string, error) {
	if name := x.r.PathValue("topic"); legalTopic(name) {
		return name, nil
	}
	return "", notHosted()
}

// notHosted is version 3's word for a topic or a partition that is not there.
func notHosted() *failure {
	return &failure{
		status: http.StatusNotFound, code: codeUnknownV3, message: "This server does not host this topic-partition.",
	}
}
