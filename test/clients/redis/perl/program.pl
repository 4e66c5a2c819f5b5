# One step of the matrix with the module Redis of CPAN. Usage: perl program.pl STEP

use strict;
use warnings;
use Redis;
use Time::HiRes 'sleep';

$| = 1;
my ($key, $attempts, $pause) = ($ENV{KEY}, 50, 0.2);

# fields prints one line.
sub fields { print join("\t", @_), "\n" }

# expect ends the program when a reply is another one.
sub expect {
    my ($part, $got, $wanted) = @_;
    die "$part: got $got, want $wanted\n" unless $got eq $wanted;
}

# The name lasts: the module sends it on each connection.
sub named {
    return Redis->new(server => "$ENV{HOST}:$ENV{PORT}", password => $ENV{PASSWORD}, name => $ENV{NAME}, @_);
}

# pop is empty when there is no record.
sub pop_record {
    my ($redis, $seconds) = @_;
    return grep { defined } $redis->blpop($key, $seconds);
}

# taken prints a record, and acknowledges one that says where it is from.
sub taken {
    my ($redis, @record) = @_;
    fields('got', @record);
    expect('ack', $redis->rpush('acks', join(':', @record[1, 3, 5])), 1) if @record == 8;
}

my %steps = (
    connect => sub {
        return fields('none', 'connect', 'it speaks RESP2') if $ENV{PROTOCOL} == 3;
        my $redis = named();
        expect('PING', $redis->ping, 'PONG');
        fields('name', $redis->client_getname);
    },
    produce => sub {
        my $redis = named();
        expect('alone', $redis->rpushx($key, 'alone'), 1);
        expect('waited', $redis->rpush($key, 'waited'), 1);
        expect('left', $redis->lpush($key, 'left'), 1);
        $redis->rpushx($key, "p-$_", sub { my ($reply, $error) = @_; expect('pipelined', $error // $reply, 1) }) for 0 .. 99;
        $redis->wait_all_responses;
        $redis->multi;
        $redis->rpushx($key, "m-$_") for 0 .. 99;
        expect('multi', join('', $redis->exec), '1' x 100);
        expect('large', $redis->rpush($key, 'k' x 900000), 1);
        expect('binary', $redis->rpush($key, join('', map { chr } 0 .. 255)), 1);
        expect('empty', $redis->rpush($key, ''), 1);
        expect('utf8', $redis->rpush("$key:ключ", 'utf8'), 1);
    },
    typed => sub {
        my $redis = named();
        while (my @record = pop_record($redis, 2)) {
            taken($redis, @record);
        }
    },
    raw => sub { fields('none', 'raw', 'every method is the generic call') },
    pool => sub { fields('none', 'pool', 'connections are not shared') },
    patience => sub {
        my $redis = named();
        my @record = eval { pop_record($redis, 7) };
        return fields('error', $@ =~ s/\s+/ /gr) if $@;
        @record ? fields('got', @record) : fields('nil');
    },
    # Without reconnect the module never connects again.
    restart => sub {
        my $redis = named(reconnect => 10);
        expect('before', $redis->rpush($key, 'before'), 1);
        fields('ready');
        <STDIN>;
        my $failed = 0;
        until (eval { expect('after', $redis->rpush($key, 'after'), 1); 1 }) {
            die $@ if $failed++ == $attempts;
            sleep $pause;
        }
        fields('tries', $failed);
        my %missing = (before => 1, after => 1);
        for ($failed = 0; %missing && $failed < $attempts;) {
            my @record = eval { pop_record($redis, 2) };
            if ($@) {
                fields('error', $@ =~ s/\s+/ /gr) unless $failed++;
                sleep $pause;
            }
            elsif (@record) {
                taken($redis, @record);
                delete $missing{ $record[-1] };
            }
        }
    },
);

$steps{ $ARGV[0] }->();
