<?php
// One step of the matrix with Predis, which is written in PHP. Usage: php predis.php STEP

require 'Predis/Autoloader.php';
require __DIR__ . '/steps.php';

Predis\Autoloader::register();

function connect(): Predis\Client
{
    return new Predis\Client(['host' => HOST, 'port' => PORT, 'password' => PASSWORD]);
}

// The command goes out with the password, also when Predis connects again.
function named(): Predis\Client
{
    $redis = connect();
    $redis->getConnection()->addConnectCommand(Predis\Command\RawCommand::create('CLIENT', 'SETNAME', NAME));
    return $redis;
}

function typed(Predis\Client $redis, int $seconds = 2): callable
{
    return fn () => $redis->blpop(KEY, $seconds);
}

function raw(Predis\Client $redis, int $seconds = 2): callable
{
    return function () use ($redis, $seconds) {
        $reply = $redis->executeRaw(['BLPOP', KEY, $seconds], $failed);
        if ($failed) {
            throw new Exception($reply);
        }
        return $reply;
    };
}

function pop(Predis\Client $redis, int $seconds = 2): callable
{
    return TYPED ? typed($redis, $seconds) : raw($redis, $seconds);
}

function ack(Predis\Client $redis): callable
{
    return fn ($record) => $redis->rpush('acks', [$record]);
}

run([
    'connect' => function () {
        if (PROTOCOL === '3') {
            fields('none', 'connect', 'it speaks RESP2');
            return;
        }
        $redis = named();
        expect('PING', (string) $redis->ping(), 'PONG');
        fields('name', $redis->client('GETNAME'));
    },
    'produce' => function () {
        $redis = connect();
        expect('alone', $redis->rpushx(KEY, 'alone'), 1);
        expect('waited', $redis->rpush(KEY, ['waited']), 1);
        expect('left', $redis->lpush(KEY, ['left']), 1);
        $batch = fn ($prefix) => function ($commands) use ($prefix) {
            foreach (numbered($prefix) as $value) {
                $commands->rpushx(KEY, $value);
            }
        };
        expect('pipelined', $redis->pipeline($batch('p')), array_fill(0, 100, 1));
        expect('multi', $redis->transaction($batch('m')), array_fill(0, 100, 1));
        expect('large', $redis->rpush(KEY, [str_repeat('k', 900000)]), 1);
        expect('binary', $redis->rpush(KEY, [implode('', array_map('chr', range(0, 255)))]), 1);
        expect('empty', $redis->rpush(KEY, ['']), 1);
        expect('utf8', $redis->rpush(KEY . ':ключ', ['utf8']), 1);
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
        restart(fn ($value) => expect($value, $redis->rpush(KEY, [$value]), 1), pop($redis), ack($redis));
    },
], $argv[1]);
