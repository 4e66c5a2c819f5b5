import redis.clients.jedis.JedisPooled;

/** Jedis 5 to 7: JedisPooled. */
final class WithJedisPooled extends WithUnifiedJedis {
    private WithJedisPooled() {
        super(new JedisPooled(SERVER, CONFIG));
    }

    public static void main(String[] args) {
        Steps.run(args[0], WithJedisPooled::new);
    }
}
