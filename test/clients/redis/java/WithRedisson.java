import java.util.List;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.BatchOptions;
import org.redisson.api.BatchOptions.ExecutionMode;
import org.redisson.api.RBatch;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.ByteArrayCodec;
import org.redisson.client.codec.StringCodec;
import org.redisson.client.protocol.RedisStrictCommand;
import org.redisson.config.Config;
import org.redisson.config.Protocol;

/** Redisson: its queues are lists of Redis, whose names are the keys. */
final class WithRedisson implements Client {
    private final RedissonClient redisson;

    private WithRedisson() {
        Config config = new Config().setProtocol(Steps.RESP3 ? Protocol.RESP3 : Protocol.RESP2);
        config.useSingleServer().setAddress("redis://" + Steps.HOST + ":" + Steps.PORT)
            .setPassword(Steps.PASSWORD).setClientName(Steps.NAME);
        redisson = Redisson.create(config);
    }

    public static void main(String[] args) {
        Steps.run(args[0], WithRedisson::new);
    }

    /** RedissonClient has no call for GETNAME, so this asks what is below it. */
    @Override
    public String name() {
        var commands = ((Redisson) redisson).getCommandExecutor();
        return commands.get(commands.readAsync((String) null, StringCodec.INSTANCE,
            new RedisStrictCommand<String>("CLIENT", "GETNAME")));
    }

    @Override
    public long rpush(String key, String value) {
        return redisson.getQueue(key, StringCodec.INSTANCE).add(value) ? 1 : 0;
    }

    @Override
    public long rpush(String key, byte[] value) {
        return redisson.getQueue(key, ByteArrayCodec.INSTANCE).add(value) ? 1 : 0;
    }

    @Override
    public long rpushx(String key, String value) {
        return redisson.<String>getDeque(key, StringCodec.INSTANCE).addLastIfExists(value);
    }

    @Override
    public long lpush(String key, String value) {
        return redisson.<String>getDeque(key, StringCodec.INSTANCE).offerFirst(value) ? 1 : 0;
    }

    @Override
    public List<?> pipelined(String key, List<String> values) {
        return batch(ExecutionMode.IN_MEMORY, key, values);
    }

    @Override
    public List<?> multi(String key, List<String> values) {
        return batch(ExecutionMode.IN_MEMORY_ATOMIC, key, values);
    }

    private List<?> batch(ExecutionMode mode, String key, List<String> values) {
        RBatch batch = redisson.createBatch(BatchOptions.defaults().executionMode(mode));
        values.forEach(value -> batch.<String>getDeque(key, StringCodec.INSTANCE).addLastIfExistsAsync(value));
        return batch.execute().getResponses();
    }

    @Override
    public List<?> typed(String key, int seconds) throws InterruptedException {
        Object value = redisson.getBlockingQueue(key, StringCodec.INSTANCE).poll(seconds, TimeUnit.SECONDS);
        return value == null ? null : List.of(value);
    }

    @Override
    public List<?> raw(String key, int seconds) {
        throw new None("RedissonClient has no call for any command");
    }

    @Override
    public void close() {
        redisson.shutdown();
    }
}
