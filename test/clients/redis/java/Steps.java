import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The steps that every program runs with its own client. */
final class Steps {
    static final String HOST = System.getenv("HOST");
    static final int PORT = Integer.parseInt(System.getenv("PORT"));
    static final String PASSWORD = System.getenv("PASSWORD");
    static final String NAME = System.getenv("NAME");
    static final boolean RESP3 = "3".equals(System.getenv("PROTOCOL"));
    private static final String KEY = System.getenv("KEY");
    private static final boolean TYPED = "1".equals(System.getenv("TYPED"));
    private static final int THREADS = 8;
    private static final int TRIES = 50;
    private static final int PAUSE_MS = 200;

    /** BLPOP in one of the client's ways. */
    private interface Pop {
        List<?> reply(String key, int seconds) throws Exception;

        /** The fields of the next record, or null when the time was over. */
        default List<?> next(String key, int seconds) throws Exception {
            List<?> reply = reply(key, seconds);
            return reply == null || reply.isEmpty() ? null : reply;
        }
    }

    /** Runs the step and ends the process. */
    static void run(String step, Callable<Client> connect) {
        try (Client client = connect.call()) {
            Pop typed = client::typed;
            Pop raw = client::raw;
            Pop pop = TYPED ? typed : raw;
            switch (step) {
                case "connect" -> print("name", client.name());
                case "produce" -> produce(client);
                case "typed" -> drain(client, typed);
                case "raw" -> drain(client, raw);
                case "pool" -> pool(client, pop);
                case "patience" -> patience(pop);
                case "restart" -> restart(client, pop);
                default -> throw new IllegalArgumentException("no step is called " + step);
            }
        } catch (Client.None e) {
            print("none", step, e.getMessage());
        } catch (Exception e) {
            System.err.println(oneLine(e));
            System.exit(1); // a client may have threads that would keep the process alive
        }
        System.exit(0);
    }

    private static void produce(Client client) throws Exception {
        byte[] every = new byte[256];
        for (int i = 0; i < every.length; i++) {
            every[i] = (byte) i;
        }
        part("alone", 1, () -> List.of(client.rpushx(KEY, "alone")));
        part("waited", 1, () -> List.of(client.rpush(KEY, "waited")));
        part("left", 1, () -> List.of(client.lpush(KEY, "left")));
        part("pipelined", 100, () -> client.pipelined(KEY, numbered("p-", 100)));
        part("multi", 100, () -> client.multi(KEY, numbered("m-", 100)));
        part("large", 1, () -> List.of(client.rpush(KEY, "k".repeat(900_000))));
        part("binary", 1, () -> List.of(client.rpush(KEY, every)));
        part("empty", 1, () -> List.of(client.rpush(KEY, "")));
        part("utf8", 1, () -> List.of(client.rpush(KEY + ":ключ", "utf8")));
    }

    /** Each of the replies must be 1. */
    private static void part(String name, int count, Callable<List<?>> send) throws Exception {
        try {
            List<?> replies = send.call();
            if (replies.size() != count || !replies.stream().allMatch(r -> r instanceof Number n && n.longValue() == 1)) {
                throw new IllegalStateException(name + ": replies " + replies);
            }
        } catch (Client.None e) {
            print("none", name, e.getMessage());
        }
    }

    private static void drain(Client client, Pop pop) throws Exception {
        for (List<?> reply = pop.next(KEY, 2); reply != null; reply = pop.next(KEY, 2)) {
            got(reply);
            acknowledge(client, reply);
        }
    }

    private static void pool(Client client, Pop pop) throws Exception {
        inThreads(i -> {
            for (String value : numbered("w" + i + "-", 25)) {
                client.rpush(KEY, value);
            }
        });
        inThreads(i -> {
            String who = "{\"sluice.group\":\"%s\",\"sluice.name\":\"w%d\",\"sluice.ack\":\"auto\"}"
                .formatted(System.getenv("GROUP"), i);
            for (List<?> reply = pop.next(KEY + ":" + who, 2); reply != null; reply = pop.next(KEY + ":" + who, 2)) {
                got(reply);
            }
        });
    }

    private interface Work {
        void run(int thread) throws Exception;
    }

    private static void inThreads(Work work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            int thread = i;
            running.add(threads.submit(() -> {
                work.run(thread);
                return null;
            }));
        }
        for (Future<?> r : running) {
            r.get();
        }
        threads.shutdown();
    }

    private static void patience(Pop pop) {
        try {
            List<?> reply = pop.next(KEY, 7);
            if (reply == null) {
                print("nil");
            } else {
                got(reply);
            }
        } catch (Exception e) {
            print("error", oneLine(e));
        }
    }

    private static void restart(Client client, Pop pop) throws Exception {
        client.rpush(KEY, "before");
        print("ready");
        new BufferedReader(new InputStreamReader(System.in)).readLine();
        print("tries", pushAfter(client));

        Set<Object> missing = new HashSet<>(List.of("before", "after"));
        for (int raised = 0; !missing.isEmpty() && raised < TRIES;) {
            try {
                List<?> reply = pop.next(KEY, 2);
                if (reply == null) {
                    continue;
                }
                got(reply);
                acknowledge(client, reply);
                missing.remove(reply.get(reply.size() - 1));
            } catch (Exception e) {
                if (raised++ == 0) {
                    print("error", oneLine(e));
                }
                Thread.sleep(PAUSE_MS);
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalStateException("did not come: " + missing);
        }
    }

    /** How many RPUSH raised before one went through. */
    private static int pushAfter(Client client) throws Exception {
        for (int raised = 0;; raised++) {
            try {
                client.rpush(KEY, "after");
                return raised;
            } catch (Exception e) {
                if (raised == TRIES) {
                    throw e;
                }
                Thread.sleep(PAUSE_MS);
            }
        }
    }

    /** A reply with a partition and an offset can be acknowledged. */
    private static void acknowledge(Client client, List<?> reply) throws Exception {
        if (reply.size() == 8) {
            client.rpush("acks", reply.get(1) + ":" + reply.get(3) + ":" + reply.get(5));
        }
    }

    private static List<String> numbered(String prefix, int count) {
        return IntStream.range(0, count).mapToObj(i -> prefix + i).collect(Collectors.toList());
    }

    private static void got(List<?> reply) {
        List<Object> fields = new ArrayList<>(List.of("got"));
        fields.addAll(reply);
        print(fields.toArray());
    }

    /** System.out flushes at the end of a line, and one call is one line for all threads. */
    private static void print(Object... fields) {
        System.out.println(Stream.of(fields).map(String::valueOf).collect(Collectors.joining("\t")));
    }

    /** The exception and its causes. */
    private static String oneLine(Exception e) {
        String text = e.toString();
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            text += ": " + cause;
        }
        return text.replaceAll("\\s+", " ");
    }
}
