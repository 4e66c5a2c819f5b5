package harness

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The users of a secured cluster, and their passwords. Whoever comes without a name, such as an Admin, may do everything.
const (
	PlainUser       = "plain" // SASL PLAIN
	PlainPassword   = "plain-secret"
	ScramUser       = "scram" // SASL SCRAM-SHA-512
	ScramPassword   = "scram-secret"
	TokenUser       = "token"     // SASL OAUTHBEARER: the subject of an unsigned token
	CertificateUser = "CN=sluice" // the subject of the client's certificate
)

// securedPorts is how many further ports a secured node has.
const securedPorts = 2

// secure adds the listeners of a secured node to its settings: TLS with client certificates, and SASL within TLS. Nobody may
// do anything without a right.
func (n *KafkaNode) secure(settings map[string]string, c *Certificates, ports []int) {
	n.TLS, n.SASL = loopback(ports[0]), loopback(ports[1])
	settings["listeners"] += fmt.Sprintf(",SSL://%s,SASL_SSL://%s", n.TLS, n.SASL)
	for name, value := range map[string]string{
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL",
		"ssl.keystore.type":              "PEM", "ssl.keystore.location": c.broker,
		"ssl.truststore.type": "PEM", "ssl.truststore.location": c.CA,
		"listener.name.ssl.ssl.client.auth": "required",
		"sasl.enabled.mechanisms":           "PLAIN,SCRAM-SHA-512,OAUTHBEARER",
		"listener.name.sasl_ssl.plain.sasl.jaas.config": fmt.Sprintf(
			"org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=%q;", PlainUser, PlainPassword),
		"listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
		// Without a validator of its own a listener takes unsigned tokens.
		"listener.name.sasl_ssl.oauthbearer.sasl.jaas.config": `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
		"authorizer.class.name":                               "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                                         "User:ANONYMOUS",
	} {
		settings[name] = value
	}
}

// securedFormat are further arguments for the storage of a secured node: SCRAM's passwords are in it.
func securedFormat() []string {
	return []string{"--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", ScramUser, ScramPassword)}
}

// Right is an operation on a topic, a group or the cluster. The name * is all of its kind.
type Right struct {
	Resource  kmsg.ACLResourceType
	Name      string
	Operation kmsg.ACLOperation
}

// TopicRights and GroupRights are rights on one topic, or on one group.
func TopicRights(name string, operations ...kmsg.ACLOperation) []Right {
	return rightsOn(kmsg.ACLResourceTypeTopic, name, operations)
}

// GroupRights are rights on one group.
func GroupRights(name string, operations ...kmsg.ACLOperation) []Right {
	return rightsOn(kmsg.ACLResourceTypeGroup, name, operations)
}

// ClusterRights are rights on the cluster.
func ClusterRights(operations ...kmsg.ACLOperation) []Right {
	return rightsOn(kmsg.ACLResourceTypeCluster, "kafka-cluster", operations)
}

func rightsOn(resource kmsg.ACLResourceType, name string, operations []kmsg.ACLOperation) []Right {
	var rights []Right
	for _, o := range operations {
		rights = append(rights, Right{resource, name, o})
	}
	return rights
}

// Allow gives a user rights.
func (a *Admin) Allow(ctx context.Context, user string, rights ...Right) error {
	req := kmsg.NewPtrCreateACLsRequest()
	for _, r := range rights {
		rule := kmsg.NewCreateACLsRequestCreation()
		rule.ResourceType, rule.ResourceName, rule.ResourcePatternType = r.Resource, r.Name, kmsg.ACLResourcePatternTypeLiteral
		rule.Principal, rule.Host = "User:"+user, "*"
		rule.Operation, rule.PermissionType = r.Operation, kmsg.ACLPermissionTypeAllow
		req.Creations = append(req.Creations, rule)
	}
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for i, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("allow %s %v: %w", user, rights[i], err)
		}
	}
	return nil
}

// Revoke takes rights from a user that Allow has given.
func (a *Admin) Revoke(ctx context.Context, user string, rights ...Right) error {
	req := kmsg.NewPtrDeleteACLsRequest()
	principal, host := "User:"+user, "*"
	for _, r := range rights {
		filter := kmsg.NewDeleteACLsRequestFilter()
		filter.ResourceType, filter.ResourceName, filter.ResourcePatternType = r.Resource, &r.Name, kmsg.ACLResourcePatternTypeLiteral
		filter.Principal, filter.Host = &principal, &host
		filter.Operation, filter.PermissionType = r.Operation, kmsg.ACLPermissionTypeAllow
		req.Filters = append(req.Filters, filter)
	}
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for i, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("revoke %v of %s: %w", rights[i], user, err)
		}
	}
	return nil
}

// Throttle bounds how many bytes a second a user may produce, on each broker.
func (a *Admin) Throttle(ctx context.Context, user string, bytes float64) error {
	req := kmsg.NewPtrAlterClientQuotasRequest()
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
	entity.Type, entity.Name = "user", &user
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key, op.Value = "producer_byte_rate", bytes
	entry.Entity, entry.Ops = append(entry.Entity, entity), append(entry.Ops, op)
	req.Entries = append(req.Entries, entry)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for _, e := range resp.Entries {
		if err := kerr.ErrorForCode(e.ErrorCode); err != nil {
			return fmt.Errorf("throttle %s: %w", user, err)
		}
	}
	return nil
}
