# One step of the matrix with the gem redis. Usage: ruby program.rb STEP

require "connection_pool"
require "redis"

$stdout.sync = true
HOST, PORT, PASSWORD, PROTOCOL, NAME, GROUP, TOPIC, KEY =
  ENV.values_at("HOST", "PORT", "PASSWORD", "PROTOCOL", "NAME", "GROUP", "TOPIC", "KEY")
TYPED = ENV["TYPED"] == "1"
ATTEMPTS, PAUSE = 50, 0.2

# One write for a line: threads print, too.
def fields(*values) = $stdout.write("#{values.join("\t")}\n")

def expect(part, got, wanted)
  raise "#{part}: got #{got.inspect}, want #{wanted.inspect}" unless got == wanted
end

def connect(**options) = Redis.new(host: HOST, port: PORT.to_i, password: PASSWORD, **options)

# The gem sends the id as the connection's name, also when it connects again.
def named = connect(id: NAME)

def typed(redis, key: KEY, seconds: 2) = redis.blpop(key, timeout: seconds)

def raw(redis, key: KEY, seconds: 2) = redis.call("BLPOP", key, seconds)

def pop(redis, **options) = TYPED ? typed(redis, **options) : raw(redis, **options)

# taken prints a record, and acknowledges one that says where it is from.
def taken(redis, record)
  fields("got", *record)
  expect("ack", redis.rpush("acks", record.values_at(1, 3, 5).join(":")), 1) if record.size == 8
end

def batch(commands, prefix) = 100.times { |i| commands.rpushx(KEY, "#{prefix}-#{i}") }

def connect_step
  return fields("none", "connect", "it speaks RESP2") if PROTOCOL == "3"

  redis = named
  expect("PING", redis.ping, "PONG")
  fields("name", redis.client(:getname))
end

def produce
  redis = connect
  expect("alone", redis.rpushx(KEY, "alone"), 1)
  expect("waited", redis.rpush(KEY, "waited"), 1)
  expect("left", redis.lpush(KEY, "left"), 1)
  expect("pipelined", redis.pipelined { |commands| batch(commands, "p") }, [1] * 100)
  expect("multi", redis.multi { |commands| batch(commands, "m") }, [1] * 100)
  expect("large", redis.rpush(KEY, "k" * 900_000), 1)
  expect("binary", redis.rpush(KEY, (0..255).to_a.pack("C*")), 1)
  expect("empty", redis.rpush(KEY, ""), 1)
  expect("utf8", redis.rpush("#{KEY}:ключ", "utf8"), 1)
  millis, sequence = redis.xadd(TOPIC, { value: "added", key: "c-17", traceparent: "00-1-2-01" }, approximate: true, maxlen: 1000).split("-")
  fields("id", millis, sequence.to_i % 100_000, sequence.to_i / 100_000)
end

def consume(redis)
  while (record = yield redis)
    taken(redis, record)
  end
end

# Each call may be on another connection of the pool, and so the key says who consumes.
def pool
  pool = ConnectionPool.new(size: 8) { connect }
  threads = Array.new(8) do |i|
    Thread.new do
      25.times { |j| expect("w#{i}-#{j}", pool.with { |redis| redis.rpush(KEY, "w#{i}-#{j}") }, 1) }
      key = %(topics:#{TOPIC}:{"sluice.group":"#{GROUP}","sluice.name":"w#{i}","sluice.ack":"auto"})
      while (record = pool.with { |redis| pop(redis, key: key) })
        fields("got", *record)
      end
    end
  end
  threads.each(&:join)
end

def patience
  record = pop(named, seconds: 7)
  record ? fields("got", *record) : fields("nil")
rescue Redis::BaseError => e
  fields("error", e.message)
end

def restart
  redis = named
  expect("before", redis.rpush(KEY, "before"), 1)
  fields("ready")
  $stdin.gets
  fields("tries", attempts { expect("after", redis.rpush(KEY, "after"), 1) })
  missing = %w[before after]
  failed = 0
  until missing.empty? || failed == ATTEMPTS
    begin
      next unless (record = pop(redis))

      taken(redis, record)
      missing.delete(record.last)
    rescue Redis::BaseError => e
      fields("error", e.message) if failed.zero?
      failed += 1
      sleep PAUSE
    end
  end
end

# attempts calls until nothing is raised, and returns how often something was.
def attempts
  failed = 0
  begin
    yield
  rescue Redis::BaseError
    raise if failed == ATTEMPTS

    failed += 1
    sleep PAUSE
    retry
  end
  failed
end

case ARGV.fetch(0)
when "connect" then connect_step
when "produce" then produce
when "typed" then consume(named) { |redis| typed(redis) }
when "raw" then consume(named) { |redis| raw(redis) }
when "pool" then pool
when "patience" then patience
when "restart" then restart
end
