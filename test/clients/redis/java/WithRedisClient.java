import redis.clients.jedis.RedisClient;

/** Jedis 7 and later: RedisClient. */
final class WithRedisClient extends WithUnifiedJedis {
    private WithRedisClient() {
        super(RedisClient.builder().hostAndPort(SERVER).clientConfig(CONFIG).build());
    }

    public static void main(String[] args) {
        Steps.run(args[0], WithRedisClient::new);
    }
}
