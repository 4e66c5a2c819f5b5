import io.lettuce.core.ClientOptions;
import io.lettuce.core.KeyValue;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.NestedMultiOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Lettuce 6 and later. */
final class WithLettuce implements Client {
    private final RedisClient client;
    /** BLPOP blocks its connection, so each thread has one of its own. */
    private final ThreadLocal<StatefulRedisConnection<String, String>> connection;

    private WithLettuce() {
        client = RedisClient.create(RedisURI.builder().withHost(Steps.HOST).withPort(Steps.PORT)
            .withPassword(Steps.PASSWORD.toCharArray()).withClientName(Steps.NAME).build());
        client.setOptions(ClientOptions.builder()
            .protocolVersion(Steps.RESP3 ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2).build());
        connection = ThreadLocal.withInitial(client::connect);
    }

    public static void main(String[] args) {
        Steps.run(args[0], WithLettuce::new);
    }

    private RedisCommands<String, String> redis() {
        return connection.get().sync();
    }

    @Override
    public String name() {
        redis().ping();
        return redis().clientGetname();
    }

    @Override
    public long rpush(String key, String value) {
        return redis().rpush(key, value);
    }

    @Override
    public long rpush(String key, byte[] value) {
        try (var binary = client.connect(RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE))) {
            return binary.sync().rpush(key, value);
        }
    }

    @Override
    public long rpushx(String key, String value) {
        return redis().rpushx(key, value);
    }

    @Override
    public long lpush(String key, String value) {
        return redis().lpush(key, value);
    }

    @Override
    public List<?> pipelined(String key, List<String> values) throws Exception {
        var async = connection.get().async();
        var replies = new ArrayList<Long>();
        for (RedisFuture<Long> reply : values.stream().map(value -> async.rpushx(key, value)).toList()) {
            replies.add(reply.get(1, TimeUnit.MINUTES));
        }
        return replies;
    }

    @Override
    public List<?> multi(String key, List<String> values) {
        redis().multi();
        values.forEach(value -> redis().rpushx(key, value));
        return redis().exec().stream().toList();
    }

    /** Wait for less than the time-out of commands, 60 seconds: a reply that comes after it is dropped. */
    @Override
    public List<?> typed(String key, int seconds) {
        KeyValue<String, String> pair = redis().blpop(seconds, key);
        return pair == null ? null : List.of(pair.getKey(), pair.getValue());
    }

    /** A null comes as an empty list, or as a list of one null in RESP3. */
    @Override
    public List<?> raw(String key, int seconds) {
        var args = new CommandArgs<>(StringCodec.UTF8).addKey(key).add(seconds);
        List<Object> reply = redis().dispatch(CommandType.BLPOP, new NestedMultiOutput<>(StringCodec.UTF8), args);
        return reply.isEmpty() || reply.get(0) == null ? null : reply;
    }

    @Override
    public void close() {
        client.shutdown();
    }
}
