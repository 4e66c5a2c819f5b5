<?php
// What the programs of phpredis and Predis share: the environment, the lines that they print, and loops over the client's calls.

foreach (['HOST', 'PORT', 'PASSWORD', 'PROTOCOL', 'NAME', 'TOPIC', 'KEY'] as $variable) {
    define($variable, (string) getenv($variable));
}
define('TYPED', getenv('TYPED') === '1');

// fields prints one line.
function fields(...$fields): void
{
    fwrite(STDOUT, implode("\t", $fields) . "\n");
}

// expect ends the program when a client's reply is another one.
function expect(string $part, $got, $wanted): void
{
    if ($got !== $wanted) {
        throw new Exception("$part: got " . json_encode($got) . ', want ' . json_encode($wanted));
    }
}

// numbered are the values of a batch.
function numbered(string $prefix): array
{
    return array_map(fn ($i) => "$prefix-$i", range(0, 99));
}

// taken prints a record, and acknowledges one that says where it is from.
function taken(array $reply, callable $ack): void
{
    fields('got', ...$reply);
    if (count($reply) === 8) {
        expect('ack', $ack("$reply[1]:$reply[3]:$reply[5]"), 1);
    }
}

// consume takes records until there is none.
function consume(callable $pop, callable $ack): void
{
    while ($reply = $pop()) {
        taken($reply, $ack);
    }
}

// patience waits for a record that never comes.
function patience(callable $pop): void
{
    try {
        $reply = $pop();
        $reply ? fields('got', ...$reply) : fields('nil');
    } catch (Exception $e) {
        fields('error', $e->getMessage());
    }
}

const ATTEMPTS = 50;
const PAUSE = 200000; // microseconds

// restart produces before and after the server's restart, and consumes both records.
function restart(callable $push, callable $pop, callable $ack): void
{
    $push('before');
    fields('ready');
    fgets(STDIN);
    fields('tries', attempts(fn () => $push('after')));
    $missing = ['before' => true, 'after' => true];
    for ($failed = 0; $missing && $failed < ATTEMPTS;) {
        try {
            $reply = $pop();
        } catch (Exception $e) {
            $failed++ || fields('error', $e->getMessage());
            usleep(PAUSE);
            continue;
        }
        if ($reply) {
            taken($reply, $ack);
            unset($missing[end($reply)]);
        }
    }
}

// attempts calls until nothing is thrown, and returns how often it was.
function attempts(callable $call): int
{
    for ($failed = 0;; $failed++) {
        try {
            $call();
            return $failed;
        } catch (Exception $e) {
            if ($failed === ATTEMPTS) {
                throw $e;
            }
            usleep(PAUSE);
        }
    }
}

// run calls the function that a step names.
function run(array $steps, string $step): void
{
    try {
        $steps[$step]();
    } catch (Exception $e) {
        fwrite(STDERR, $e->getMessage() . "\n");
        exit(1);
    }
}
