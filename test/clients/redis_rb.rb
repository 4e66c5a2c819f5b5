# What a Ruby application does with the plain redis gem, in the order in which rafka-rb does it.
# Usage: ruby redis_rb.rb HOST PORT TOPIC. Prints what it checked; status 0 when all of it held.

require "redis"

HOST, PORT, TOPIC = ARGV
KEY = "topics:#{TOPIC}"

def expect(what, got, wanted)
  abort "#{what}: got #{got.inspect}, want #{wanted.inspect}" unless wanted === got
  puts "ok #{what}"
end

def expect_error(what, pattern)
  yield
  abort "#{what}: no error"
rescue Redis::CommandError => e
  expect(what, e.message.sub(/ \(redis:\S+\)\z/, ""), pattern) # redis-rb 5 adds the address
end

def connect(options = {})
  Redis.new({ host: HOST, port: PORT.to_i, reconnect_attempts: 0 }.merge(options))
end

def record(offset, value)
  ["topic", TOPIC, "partition", 0, "offset", offset, "value", value]
end

producer = connect
expect("ping", producer.ping, "PONG")
expect("produce", producer.rpushx(KEY, "Hello there!"), 1)
expect("produce with a key", producer.rpushx("#{KEY}:a:b", "with a key"), 1)
expect("flush", Integer(producer.dump("5000")), 0)
expect_error("topic with a bad name", /\APROD /) { producer.rpushx("topics:a/b", "x") }
expect_error("flush of nonsense", "PROD NaN") { producer.dump("soon") }
expect("connection goes on", producer.ping, "PONG")
expect("unflushed", producer.hgetall("stats")["producer.unflushed.messages"], "0")
expect("reset stats", producer.del("stats"), 1)
expect("keys", producer.keys("topics:").include?(KEY), true)
expect("scan", producer.scan_each(match: "topics:*").include?(KEY), true)

expect_error("no name", /\ACONS /) { connect.blpop(KEY, timeout: 1) }

# The gem names the connection right after connecting (`id`).
id = "myapp:worker-1"
consumer = connect(id: id)
expect("first", consumer.blpop(KEY, timeout: 15), record(0, "Hello there!"))
expect("ack", consumer.rpush("acks", "#{TOPIC}:0:0"), 1)
expect("second", consumer.blpop(KEY, timeout: 15.0), record(1, "with a key"))
expect_error("the id is in use", "CONS id #{id} is already taken") { connect(id: id).blpop(KEY, timeout: 5) }

# The block raised: no ack. The same id connects again and gets the record again, with a goodbye ...
consumer.quit
consumer = connect(id: id)
expect("again after quit", consumer.blpop(KEY, timeout: 15), record(1, "with a key"))

# ... and without one.
consumer.close
consumer = connect(id: id)
expect("again after close", consumer.blpop(KEY, timeout: 15), record(1, "with a key"))
expect("ack at last", consumer.rpush("acks", "#{TOPIC}:0:1"), 1)
expect("stale ack", consumer.rpush("acks", "#{TOPIC}:0:0"), 0)
expect_error("malformed ack", /\ACONS /) { consumer.rpush("acks", "#{TOPIC}:0") }

# A batch: records until there is none within a fraction of a second, then one ack.
producer.pipelined { |p| %w[three four].each { |v| p.rpushx(KEY, v) } }
expect("flush", Integer(producer.dump("5000")), 0)
expect("third", consumer.blpop(KEY, timeout: 15), record(2, "three"))
expect("fourth", consumer.blpop(KEY, timeout: 15), record(3, "four"))
expect("nothing more", consumer.blpop(KEY, timeout: 0.2), nil)
expect("ack of the batch", consumer.rpush("acks", "#{TOPIC}:0:3"), 1)
expect("id of an entry", producer.xadd(TOPIC, { value: "five", key: "k", traceparent: "00-1-2-01" }), /\A\d{13}-400000\z/)
expect("transaction", producer.multi { |m| m.ping; m.echo("hi") }, %w[PONG hi])
consumer.quit
