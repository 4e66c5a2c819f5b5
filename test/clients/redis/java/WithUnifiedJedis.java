import java.util.List;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.AbstractTransaction;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.util.KeyValue;
import redis.clients.jedis.util.SafeEncoder;

/** Jedis 5 and later: what JedisPooled and RedisClient have in common. Each call takes a connection out of their pool. */
abstract class WithUnifiedJedis implements Client {
    static final HostAndPort SERVER = new HostAndPort(Steps.HOST, Steps.PORT);
    static final JedisClientConfig CONFIG = DefaultJedisClientConfig.builder()
        .password(Steps.PASSWORD).clientName(Steps.NAME)
        .protocol(Steps.RESP3 ? RedisProtocol.RESP3 : RedisProtocol.RESP2).build();

    private final UnifiedJedis jedis;

    WithUnifiedJedis(UnifiedJedis jedis) {
        this.jedis = jedis;
    }

    @Override
    public String name() {
        jedis.ping();
        return SafeEncoder.encode((byte[]) jedis.sendCommand(Command.CLIENT, "GETNAME"));
    }

    @Override
    public long rpush(String key, String value) {
        return jedis.rpush(key, value);
    }

    @Override
    public long rpush(String key, byte[] value) {
        return jedis.rpush(SafeEncoder.encode(key), value);
    }

    @Override
    public long rpushx(String key, String value) {
        return jedis.rpushx(key, value);
    }

    @Override
    public long lpush(String key, String value) {
        return jedis.lpush(key, value);
    }

    @Override
    public List<?> pipelined(String key, List<String> values) {
        try (AbstractPipeline pipeline = jedis.pipelined()) {
            var replies = values.stream().map(value -> pipeline.rpushx(key, value)).toList();
            pipeline.sync();
            return replies.stream().map(reply -> reply.get()).toList();
        }
    }

    @Override
    public List<?> multi(String key, List<String> values) {
        try (AbstractTransaction transaction = jedis.multi()) {
            values.forEach(value -> transaction.rpushx(key, value));
            return transaction.exec();
        }
    }

    /** With a timeout of type double the reply is a pair, with int a list of strings. */
    @Override
    public List<?> typed(String key, int seconds) {
        KeyValue<String, String> pair = jedis.blpop((double) seconds, key);
        return pair == null ? null : List.of(pair.getKey(), pair.getValue());
    }

    /** sendCommand would give up after 2 seconds. */
    @Override
    public List<?> raw(String key, int seconds) {
        Object reply = jedis.sendBlockingCommand(Command.BLPOP, key, String.valueOf(seconds));
        return (List<?>) SafeEncoder.encodeObject(reply);
    }

    @Override
    public void close() {
        jedis.close();
    }
}
