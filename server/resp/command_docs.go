package resp

// commandDoc describes a command for COMMAND DOCS; its summary has no full stop.
type commandDoc struct {
	syntax  string // what follows the name
	summary string
	group   string
	since   string // version of Redis; 1.0.0 for Rafka's own commands
	keys    [3]int // first key, last key, step: as in COMMAND INFO
}

// categories are Redis' ACL categories, as far as the table says.
func (d commandDoc) categories(c *command) []string {
	list := []string{"@" + d.group}
	if c.flags&write != 0 {
		list = append(list, "@write")
	}
	if c.flags&blocking != 0 {
		list = append(list, "@blocking")
	}
	return list
}

// oneKey says that the first argument is the only key.
var oneKey = [3]int{1, 1, 1}

// commandDocs has a row for every command and subcommand.
var commandDocs = map[string]commandDoc{
	"rpushx":  {"topics:<topic>[:<key>] <value> [<value> ...]", "Buffer records for Kafka; DUMP tells what became of them", "list", "1.0.0", oneKey},
	"lpushx":  {"topics:<topic>[:<key>] <value> [<value> ...]", "Buffer records for Kafka; DUMP tells what became of them", "list", "1.0.0", oneKey},
	"publish": {"<topic> <value>", "Buffer a record for Kafka; DUMP tells what became of it", "pubsub", "2.0.0", [3]int{}},
	"rpush":   {"topics:<topic>[:<key>] <value> [<value> ...] | acks|accepts|releases|rejects|renews <topic>:<partition>:<offset>", "Produce and wait for the brokers, or settle records", "list", "1.0.0", oneKey},
	"lpush":   {"topics:<topic>[:<key>] <value> [<value> ...]", "Produce and wait for the brokers", "list", "1.0.0", oneKey},
	"xadd":    {"<topic> [NOMKSTREAM] [MAXLEN|MINID [=|~] <threshold> [LIMIT <n>]] *|<ms>-* <field> <value> [<field> <value> ...]", "Produce a record with headers and wait for the brokers", "stream", "5.0.0", oneKey},
	"dump":    {"<milliseconds>", "Wait for this client's records and count those not delivered", "generic", "1.0.0", [3]int{}},
	"blpop":   {"topics:<topic>[,<topic> ...][:<json>] <seconds>", "Take the next record of this client's group, waiting for it", "list", "1.0.0", [3]int{1, -2, 1}},
	"brpop":   {"topics:<topic>[,<topic> ...][:<json>] <seconds>", "Take the next value of this client's group, waiting for it; the next one accepts it", "list", "2.0.0", [3]int{1, -2, 1}},
	"lpop":    {"topics:<topic>[,<topic> ...][:<json>] [<count>]", "Take the next values of this client's group; the next ones accept them", "list", "1.0.0", oneKey},
	"rpop":    {"topics:<topic>[,<topic> ...][:<json>] [<count>]", "Take the next values of this client's group; the next ones accept them", "list", "1.0.0", oneKey},
	"lmpop":   {"1 topics:<topic>[,<topic> ...][:<json>] LEFT|RIGHT [COUNT <n>]", "Take the next values of this client's group; the next ones accept them", "list", "7.0.0", [3]int{2, 2, 1}},
	"blmpop":  {"<seconds> 1 topics:<topic>[,<topic> ...][:<json>] LEFT|RIGHT [COUNT <n>]", "Take the next values of this client's group, waiting for one; the next ones accept them", "list", "7.0.0", [3]int{3, 3, 1}},
	"llen":    {"topics:<topic>[,<topic> ...][:<json>]", "Count the records that this client's group has not settled, or without a group all", "list", "1.0.0", oneKey},

	"hello":     {"[2|3 [AUTH <user> <password>] [SETNAME <name>]]", "Choose the protocol and say who is there", "connection", "6.0.0", [3]int{}},
	"auth":      {"[<user>] <password>", "Authenticate the connection", "connection", "1.0.0", [3]int{}},
	"client":    {"<subcommand>", "Look at connections and change this one", "connection", "2.4.0", [3]int{}},
	"select":    {"0", "Choose the database, of which there is one", "connection", "1.0.0", [3]int{}},
	"ping":      {"[<message>]", "Ping the server", "connection", "1.0.0", [3]int{}},
	"echo":      {"<message>", "Echo the message", "connection", "1.0.0", [3]int{}},
	"quit":      {"", "Close the connection; unsettled records go to others at once", "connection", "1.0.0", [3]int{}},
	"reset":     {"", "Make the connection as if new", "connection", "6.2.0", [3]int{}},
	"cluster":   {"<subcommand>", "Answer that this is no Redis cluster", "cluster", "3.0.0", [3]int{}},
	"readonly":  {"", "Answer that this is no Redis cluster", "cluster", "3.0.0", [3]int{}},
	"readwrite": {"", "Answer that this is no Redis cluster", "cluster", "3.0.0", [3]int{}},
	"asking":    {"", "Answer that this is no Redis cluster", "cluster", "3.0.0", [3]int{}},

	"info":    {"[<section> ...]", "Tell about the server and its counters", "server", "1.0.0", [3]int{}},
	"command": {"[<subcommand>]", "Describe the commands", "server", "2.8.13", [3]int{}},
	"config":  {"<subcommand>", "Look at settings that clients ask for", "server", "2.0.0", [3]int{}},
	"time":    {"", "Tell the server's time", "server", "2.6.0", [3]int{}},
	"role":    {"", "Tell the replication role, always master", "server", "2.8.12", [3]int{}},
	"monitor": {"", "Show every command as it is run", "server", "1.0.0", [3]int{}},
	"keys":    {"<glob>", "List topics as topics:<topic>", "generic", "1.0.0", [3]int{}},
	"scan":    {"<cursor> [MATCH <glob>] [COUNT <n>] [TYPE <type>]", "List topics as topics:<topic>", "generic", "2.8.0", [3]int{}},
	"type":    {"<key>", "Tell the type of a key: a topic is a list", "generic", "1.0.0", oneKey},
	"exists":  {"<key> [<key> ...]", "Count the keys that exist", "generic", "1.0.0", [3]int{1, -1, 1}},
	"dbsize":  {"", "Count the topics", "server", "1.0.0", [3]int{}},
	"ttl":     {"<key>", "Tell that a key never expires", "generic", "1.0.0", oneKey},
	"pttl":    {"<key>", "Tell that a key never expires", "generic", "2.6.0", oneKey},
	"unlink":  {"stats", "Let the counters start again from zero", "generic", "4.0.0", [3]int{1, -1, 1}},
	"wait":    {"<replicas> <milliseconds>", "Answer that this server has no replicas", "generic", "3.0.0", [3]int{}},
	"slowlog": {"<subcommand>", "Answer that no slow commands are noted", "server", "2.2.12", [3]int{}},
	"latency": {"<subcommand>", "Answer that no events are noted", "server", "2.8.13", [3]int{}},
	"module":  {"<subcommand>", "Answer that there are no modules", "server", "4.0.0", [3]int{}},
	"memory":  {"<subcommand>", "Answer that keys take no memory", "server", "4.0.0", [3]int{}},
	"acl":     {"<subcommand>", "Tell who the connection is", "server", "6.0.0", [3]int{}},
	"hgetall": {"stats", "Read the counters", "hash", "2.0.0", oneKey},
	"del":     {"stats", "Let the counters start again from zero", "generic", "1.0.0", [3]int{1, -1, 1}},

	"multi":   {"", "Begin a transaction", "transactions", "1.2.0", [3]int{}},
	"exec":    {"", "Run the commands of the transaction", "transactions", "1.2.0", [3]int{}},
	"discard": {"", "Forget the commands of the transaction", "transactions", "2.0.0", [3]int{}},
	"watch":   {"<key> [<key> ...]", "Accepted, with nothing to watch", "transactions", "2.2.0", [3]int{1, -1, 1}},
	"unwatch": {"", "Accepted, with nothing to watch", "transactions", "2.2.0", [3]int{}},

	"slowlog|get":     {"[<count>]", "Return nothing: no slow commands are noted", "server", "2.2.12", [3]int{}},
	"slowlog|help":    {"", "Print this help", "server", "6.2.0", [3]int{}},
	"slowlog|len":     {"", "Return 0", "server", "2.2.12", [3]int{}},
	"slowlog|reset":   {"", "Accepted, with nothing to forget", "server", "2.2.12", [3]int{}},
	"latency|help":    {"", "Print this help", "server", "2.8.13", [3]int{}},
	"latency|history": {"<event>", "Return nothing: no events are noted", "server", "2.8.13", [3]int{}},
	"latency|latest":  {"", "Return nothing: no events are noted", "server", "2.8.13", [3]int{}},
	"latency|reset":   {"[<event> ...]", "Return 0", "server", "2.8.13", [3]int{}},
	"module|help":     {"", "Print this help", "server", "5.0.0", [3]int{}},
	"module|list":     {"", "Return nothing: there are no modules", "server", "4.0.0", [3]int{}},
	"memory|help":     {"", "Print this help", "server", "4.0.0", [3]int{}},
	"memory|usage":    {"<key> [SAMPLES <n>]", "Return null: the brokers have the records", "server", "4.0.0", [3]int{2, 2, 1}},
	"acl|help":        {"", "Print this help", "server", "6.0.0", [3]int{}},
	"acl|whoami":      {"", "Return the user of this connection", "server", "6.0.0", [3]int{}},
	"command|getkeys": {"<command> [<arg> ...]", "Return the keys of a command", "server", "2.8.13", [3]int{}},

	"client|getname":  {"", "Return the name of this connection", "connection", "2.6.9", [3]int{}},
	"client|help":     {"", "Print this help", "connection", "5.0.0", [3]int{}},
	"client|id":       {"", "Return the id of this connection", "connection", "5.0.0", [3]int{}},
	"client|info":     {"", "Describe this connection", "connection", "6.2.0", [3]int{}},
	"client|kill":     {"<ip:port> | [ID <id>] [ADDR <ip:port>] [LADDR <ip:port>] [TYPE <type>] [USER <user>] [SKIPME yes|no]", "Cut connections", "connection", "2.4.0", [3]int{}},
	"client|list":     {"[TYPE <type> | ID <id> [<id> ...]]", "Describe connections", "connection", "2.4.0", [3]int{}},
	"client|no-evict": {"ON|OFF", "Accepted, with nothing to evict", "connection", "7.0.0", [3]int{}},
	"client|no-touch": {"ON|OFF", "Accepted, with nothing to touch", "connection", "7.2.0", [3]int{}},
	"client|reply":    {"ON|OFF|SKIP", "Choose which replies are sent", "connection", "3.2.0", [3]int{}},
	"client|setinfo":  {"LIB-NAME|LIB-VER <text>", "Say which library this is", "connection", "7.2.0", [3]int{}},
	"client|setname":  {"<name>", "Name this connection; <group>:<name> makes it a consumer", "connection", "2.6.9", [3]int{}},
	"client|tracking": {"ON|OFF [<option> ...]", "Accepted, with nothing to invalidate", "connection", "6.0.0", [3]int{}},
	"client|unblock":  {"<id> [TIMEOUT|ERROR]", "End another connection's wait", "connection", "5.0.0", [3]int{}},

	"command|count": {"", "Count the commands", "server", "2.8.13", [3]int{}},
	"command|docs":  {"[<command> ...]", "Document commands", "server", "7.0.0", [3]int{}},
	"command|help":  {"", "Print this help", "server", "5.0.0", [3]int{}},
	"command|info":  {"[<command> ...]", "Describe how commands are called", "server", "2.8.13", [3]int{}},
	"command|list":  {"[FILTERBY MODULE|ACLCAT|PATTERN <what>]", "Name the commands", "server", "7.0.0", [3]int{}},

	"config|get":       {"<glob> [<glob> ...]", "Return settings", "server", "2.0.0", [3]int{}},
	"config|help":      {"", "Print this help", "server", "5.0.0", [3]int{}},
	"config|resetstat": {"", "Let the counters start again from zero", "server", "2.0.0", [3]int{}},
	"config|rewrite":   {"", "Refused: sluice is configured by its file and flags", "server", "2.8.0", [3]int{}},
	"config|set":       {"<setting> <value>", "Refused: sluice is configured by its file and flags", "server", "2.0.0", [3]int{}},
}
