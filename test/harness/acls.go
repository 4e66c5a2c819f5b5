package harness

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Deny has the brokers refuse everybody whatever is asked of a topic, and waits until they do.
func (a *Admin) Deny(ctx context.Context, topic string) error {
	rule := kmsg.NewCreateACLsRequestCreation()
	rule.ResourceType, rule.ResourceName = kmsg.ACLResourceTypeTopic, topic
	rule.ResourcePatternType = kmsg.ACLResourcePatternTypeLiteral
	rule.Principal, rule.Host = "User:*", "*"
	rule.Operation, rule.PermissionType = kmsg.ACLOperationAll, kmsg.ACLPermissionTypeDeny
	req := kmsg.NewPtrCreateACLsRequest()
	req.Creations = append(req.Creations, rule)
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	for _, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("deny topic %s: %w", topic, err)
		}
	}
	return Until(ctx, func(ctx context.Context) error {
		if _, err := a.Partitions(ctx, topic); !errors.Is(err, kerr.TopicAuthorizationFailed) {
			return errors.Join(fmt.Errorf("topic %s is not denied", topic), err)
		}
		return nil
	})
}
