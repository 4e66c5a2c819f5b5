import java.util.List;

/** What the steps need of a client. Each program says how its client does it. */
interface Client extends AutoCloseable {
    /** The connection's name as the server knows it, after a PING. */
    String name() throws Exception;

    long rpush(String key, String value) throws Exception;

    long rpush(String key, byte[] value) throws Exception;

    long rpushx(String key, String value) throws Exception;

    long lpush(String key, String value) throws Exception;

    /** RPUSHX of each value, all sent before the first answer is read. */
    List<?> pipelined(String key, List<String> values) throws Exception;

    /** RPUSHX of each value between MULTI and EXEC. */
    List<?> multi(String key, List<String> values) throws Exception;

    /** The client's own blpop. The fields of its reply; null, or none of them, when the time was over. */
    List<?> typed(String key, int seconds) throws Exception;

    /** BLPOP by the client's call for any command. */
    List<?> raw(String key, int seconds) throws Exception;

    /** The client has no call for this. */
    final class None extends RuntimeException {
        None(String why) {
            super(why);
        }
    }
}
