import java.util.List;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.util.SafeEncoder;

/** Jedis 3 and later: a JedisPool. */
final class WithJedis implements Client {
    private final JedisPool pool;

    private WithJedis() {
        if (Steps.RESP3) {
            throw new None("Jedis 3 and 4 speak RESP2; see JedisPooled for later ones");
        }
        pool = new JedisPool(new HostAndPort(Steps.HOST, Steps.PORT),
            DefaultJedisClientConfig.builder().password(Steps.PASSWORD).clientName(Steps.NAME).build());
    }

    public static void main(String[] args) {
        Steps.run(args[0], WithJedis::new);
    }

    @Override
    public String name() {
        try (Jedis jedis = pool.getResource()) {
            jedis.ping();
            return jedis.clientGetname();
        }
    }

    @Override
    public long rpush(String key, String value) {
        try (Jedis jedis = pool.getResource()) {
            return jedis.rpush(key, value);
        }
    }

    @Override
    public long rpush(String key, byte[] value) {
        try (Jedis jedis = pool.getResource()) {
            return jedis.rpush(SafeEncoder.encode(key), value);
        }
    }

    @Override
    public long rpushx(String key, String value) {
        try (Jedis jedis = pool.getResource()) {
            return jedis.rpushx(key, value);
        }
    }

    @Override
    public long lpush(String key, String value) {
        try (Jedis jedis = pool.getResource()) {
            return jedis.lpush(key, value);
        }
    }

    @Override
    public List<?> pipelined(String key, List<String> values) {
        try (Jedis jedis = pool.getResource(); Pipeline pipeline = jedis.pipelined()) {
            values.forEach(value -> pipeline.rpushx(key, value));
            return pipeline.syncAndReturnAll();
        }
    }

    @Override
    public List<?> multi(String key, List<String> values) {
        try (Jedis jedis = pool.getResource(); Transaction transaction = jedis.multi()) {
            values.forEach(value -> transaction.rpushx(key, value));
            return transaction.exec();
        }
    }

    /** With a timeout of type int the reply is a list of strings, with double a pair. */
    @Override
    public List<?> typed(String key, int seconds) {
        try (Jedis jedis = pool.getResource()) {
            return jedis.blpop(seconds, key);
        }
    }

    /** sendCommand would give up after 2 seconds. */
    @Override
    public List<?> raw(String key, int seconds) {
        try (Jedis jedis = pool.getResource()) {
            Object reply = jedis.sendBlockingCommand(Command.BLPOP, key, String.valueOf(seconds));
            return (List<?>) SafeEncoder.encodeObject(reply);
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
