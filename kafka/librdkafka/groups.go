package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"errors"
	"time"
	"unsafe"
)

// Group is a group as its coordinator describes it to the classic protocol (DescribeGroups). A group of KIP-848 has only a
// name there, and the state Dead.
type Group struct {
	Name, State, Type, Protocol string
	Coordinator                 int32
	Err                         Code
	Members                     []GroupMember
}

// GroupMember is one member of a group. Assignment is in the format of the group's protocol.
type GroupMember struct {
	ID, ClientID, Host string
	Assignment         []byte
}

// Groups asks all brokers for their groups, or for the group that is named. It holds a thread for at most limit, and any
// goroutine may call it. The error Partial comes with the groups of the brokers that answered.
//
// The admin client's calls for groups end the process when a coordinator moves
// (https://github.com/confluentinc/librdkafka/issues/4605). This older call returns an error then.
func (p *Producer) Groups(name string, limit time.Duration) ([]Group, error) {
	p.asking.RLock()
	defer p.asking.RUnlock()
	if p.gone {
		return nil, ErrClosed
	}
	return listGroups(p.rk, name, limit)
}

// Groups is Producer.Groups, of the brokers that the client knows: those of its last Metadata.
func (a *Admin) Groups(name string, limit time.Duration) ([]Group, error) {
	return listGroups(a.rk, name, limit)
}

func listGroups(rk *C.rd_kafka_t, name string, limit time.Duration) ([]Group, error) {
	var cname *C.char
	if name != "" {
		cname = C.CString(name)
		defer C.free(unsafe.Pointer(cname))
	}
	var list *C.struct_rd_kafka_group_list
	err := errorOf(C.rd_kafka_list_groups(rk, cname, &list, millis(limit)))
	if list == nil {
		return nil, err
	}
	defer C.rd_kafka_group_list_destroy(list)
	var groups []Group
	for _, g := range unsafe.Slice(list.groups, list.group_cnt) {
		groups = append(groups, groupOf(&g))
	}
	return groups, err
}

// IsPartial tells whether an error of Groups means that only some brokers answered.
func IsPartial(err error) bool {
	failure, is := errors.AsType[*Error](err)
	return is && failure.Code == Partial
}

func groupOf(g *C.struct_rd_kafka_group_info) Group {
	group := Group{
		Name: C.GoString(g.group), State: C.GoString(g.state), Type: C.GoString(g.protocol_type), Protocol: C.GoString(g.protocol),
		Coordinator: int32(g.broker.id), Err: Code(g.err),
	}
	for _, m := range unsafe.Slice(g.members, g.member_cnt) {
		group.Members = append(group.Members, GroupMember{
			ID: C.GoString(m.member_id), ClientID: C.GoString(m.client_id), Host: C.GoString(m.client_host),
			Assignment: C.GoBytes(m.member_assignment, m.member_assignment_size),
		})
	}
	return group
}
