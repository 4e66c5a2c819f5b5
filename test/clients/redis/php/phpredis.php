<?php
// One step of the matrix with phpredis, the extension in C. Usage: php phpredis.php STEP

require __DIR__ . '/steps.php';

function connect(): Redis
{
    $redis = new Redis();
    $redis->connect(HOST, (int) PORT);
    $redis->auth(PASSWORD);
    return $redis;
}

// There is no option for the name. When phpredis connects again, it sends the password and not the name.
function named(): Redis
{
    $redis = connect();
    $redis->client('SETNAME', NAME);
    return $redis;
}

// phpredis answers false for an error, and keeps its text.
function thrown(Redis $redis, $reply)
{
    if ($reply === false && $redis->getLastError() !== null) {
        $text = $redis->getLastError();
        $redis->clearLastError();
        throw new RedisException($text);
    }
    return $reply;
}

function typed(Redis $redis, int $seconds = 2): callable
{
    return fn () => thrown($redis, $redis->blPop(KEY, $seconds));
}

function raw(Redis $redis, int $seconds = 2): callable
{
    return fn () => thrown($redis, $redis->rawCommand('BLPOP', KEY, $seconds));
}

function pop(Redis $redis, int $seconds = 2): callable
{
    return TYPED ? typed($redis, $seconds) : raw($redis, $seconds);
}

function ack(Redis $redis): callable
{
    return fn ($record) => thrown($redis, $redis->rPush('acks', $record));
}

run([
    'connect' => function () {
        if (PROTOCOL === '3') {
            fields('none', 'connect', 'it speaks RESP2');
            return;
        }
        $redis = named();
        expect('PING', $redis->ping(), true);
        fields('name', $redis->client('GETNAME'));
    },
    'produce' => function () {
        $redis = connect();
        expect('alone', $redis->rPushx(KEY, 'alone'), 1);
        expect('waited', $redis->rPush(KEY, 'waited'), 1);
        expect('left', $redis->lPush(KEY, 'left'), 1);
        foreach (['p' => Redis::PIPELINE, 'm' => Redis::MULTI] as $prefix => $mode) {
            $batch = $redis->multi($mode);
            foreach (numbered($prefix) as $value) {
                $batch->rPushx(KEY, $value);
            }
            expect("batch $prefix", $batch->exec(), array_fill(0, 100, 1));
        }
        expect('large', $redis->rPush(KEY, str_repeat('k', 900000)), 1);
        expect('binary', $redis->rPush(KEY, implode('', array_map('chr', range(0, 255)))), 1);
        expect('empty', $redis->rPush(KEY, ''), 1);
        expect('utf8', $redis->rPush(KEY . ':ключ', 'utf8'), 1);
    },
    'typed' => function () {
        $redis = named();
        consume(typed($redis), ack($redis));
    },
    'raw' => function () {
        $redis = named();
        consume(raw($redis), ack($redis));
    },
    'pool' => fn () => fields('none', 'pool', 'PHP has no threads'),
    'patience' => fn () => patience(pop(named(), 7)),
    'restart' => function () {
        $redis = named();
        restart(fn ($value) => expect($value, thrown($redis, $redis->rPush(KEY, $value)), 1), pop($redis), ack($redis));
    },
], $argv[1]);
