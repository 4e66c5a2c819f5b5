package resp

import "strings"

// What sluice has in the place of Redis' other commands.
const (
	noValues   = "sluice keeps no values: produce with RPUSH topics:<topic> <value>, consume with BLPOP topics:<topic> <seconds>"
	noMiddle   = "a topic is read from one end: BLPOP topics:<topic> <seconds>, or any offset over HTTP"
	noScripts  = "sluice runs no scripts: several RPUSH or RPUSHX may be pipelined, or stand in MULTI"
	noStreams  = "of streams there is only XADD yet: produce with XADD <topic> * value <value>, consume with BLPOP topics:<topic> <seconds>"
	noChannels = "there are no subscriptions to channels yet: consume with BLPOP topics:<topic> <seconds>, or over HTTP"
	noServer   = "sluice is no database, and has nothing to save, to copy or to tune: see COMMAND LIST"
)

// refused are commands of Redis that sluice knows and does not have, with what to use instead. They are no rows of the
// table: COMMAND does not list them.
var refused = map[string]string{}

func init() {
	for instead, names := range map[string]string{
		noValues: `append decr decrby get getbit getdel getex getrange getset incr incrby incrbyfloat lcs mget mset msetnx psetex set setbit
			setex setnx setrange strlen substr bitcount bitfield bitfield_ro bitop bitpos
			sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop srandmember srem sscan sunion sunionstore
			zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange
			zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex
			zrevrangebyscore zrevrank zscan zscore zunion zunionstore bzmpop bzpopmax bzpopmin
			hdel hexists hexpire hget hincrby hincrbyfloat hkeys hlen hmget hmset hpersist hpexpire hpttl hrandfield hscan hset hsetnx hstrlen httl hvals
			geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore
			pfadd pfcount pfdebug pfmerge pfselftest
			copy expire expireat expiretime migrate move object persist pexpire pexpireat pexpiretime randomkey rename renamenx restore
			restore-asking sort sort_ro touch flushall flushdb swapdb`,
		noMiddle:   `lindex linsert lmove lpos lrange lrem lset ltrim blmove brpoplpush rpoplpush`,
		noScripts:  `eval eval_ro evalsha evalsha_ro fcall fcall_ro function script`,
		noStreams:  `xack xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim`,
		noChannels: `psubscribe pubsub punsubscribe spublish ssubscribe subscribe sunsubscribe unsubscribe`,
		noServer: `bgrewriteaof bgsave debug failover lastsave lolwut psync replconf replicaof save shutdown slaveof sync sentinel
			waitaof`,
	} {
		for name := range strings.FieldsSeq(names) {
			refused[name] = instead
		}
	}
}
