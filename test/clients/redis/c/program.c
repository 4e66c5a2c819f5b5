// One step of the matrix with hiredis. Usage: program STEP

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTEMPTS 50
#define PAUSE 200000 // microseconds
#define BATCH 100

static const char *key;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

// must is the reply, which is neither missing nor an error.
static redisReply *must(redisContext *redis, const char *what, redisReply *reply)
{
	if (reply == NULL)
		fail(what, redis->errstr);
	if (reply->type == REDIS_REPLY_ERROR)
		fail(what, reply->str);
	return reply;
}

// expect_one checks the reply of a push.
static void expect_one(redisContext *redis, const char *what, redisReply *reply)
{
	must(redis, what, reply);
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer != 1)
		fail(what, "the reply is not 1");
	freeReplyObject(reply);
}

// introduce does what each new connection needs.
static void introduce(redisContext *redis)
{
	freeReplyObject(must(redis, "AUTH", redisCommand(redis, "AUTH %s", getenv("PASSWORD"))));
#if HIREDIS_MAJOR >= 1
	freeReplyObject(must(redis, "HELLO", redisCommand(redis, "HELLO %s", getenv("PROTOCOL"))));
#endif
	freeReplyObject(must(redis, "SETNAME", redisCommand(redis, "CLIENT SETNAME %s", getenv("NAME"))));
}

static redisContext *connect_named(void)
{
	redisContext *redis = redisConnect(getenv("HOST"), atoi(getenv("PORT")));
	if (redis == NULL || redis->err)
		fail("connect", redis ? redis->errstr : "out of memory");
	introduce(redis);
	return redis;
}

static void print_element(const redisReply *element)
{
	if (element->type == REDIS_REPLY_INTEGER)
		printf("\t%lld", element->integer);
	else
		printf("\t%s", element->str ? element->str : "");
}

// taken prints a record, and acknowledges one that says where it is from.
static void taken(redisContext *redis, const redisReply *record)
{
	printf("got");
	for (size_t i = 0; i < record->elements; i++)
		print_element(record->element[i]);
	printf("\n");
	if (record->elements == 8)
		expect_one(redis, "ack", redisCommand(redis, "RPUSH acks %s:%lld:%lld", record->element[1]->str,
			record->element[3]->integer, record->element[5]->integer));
}

static void step_connect(void)
{
	if (HIREDIS_MAJOR < 1 && strcmp(getenv("PROTOCOL"), "3") == 0) {
		printf("none\tconnect\tit speaks RESP2\n");
		return;
	}
	redisContext *redis = connect_named();
	freeReplyObject(must(redis, "PING", redisCommand(redis, "PING")));
	redisReply *name = must(redis, "GETNAME", redisCommand(redis, "CLIENT GETNAME"));
	printf("name\t%s\n", name->str);
	freeReplyObject(name);
	redisFree(redis);
}

// append_batch writes a hundred commands into the buffer of hiredis.
static void append_batch(redisContext *redis, const char *prefix)
{
	for (int i = 0; i < BATCH; i++)
		redisAppendCommand(redis, "RPUSHX %s %s-%d", key, prefix, i);
}

static redisReply *next_reply(redisContext *redis)
{
	void *reply = NULL;
	redisGetReply(redis, &reply);
	return reply;
}

static void produce_multi(redisContext *redis)
{
	redisAppendCommand(redis, "MULTI");
	append_batch(redis, "m");
	redisAppendCommand(redis, "EXEC");
	for (int i = 0; i < BATCH + 1; i++)
		freeReplyObject(must(redis, "multi", next_reply(redis)));
	redisReply *all = must(redis, "EXEC", next_reply(redis));
	if (all->elements != BATCH)
		fail("EXEC", "not a reply for each command");
	for (size_t i = 0; i < all->elements; i++)
		if (all->element[i]->integer != 1)
			fail("multi", "a reply is not 1");
	freeReplyObject(all);
}

static void step_produce(void)
{
	redisContext *redis = connect_named();
	expect_one(redis, "alone", redisCommand(redis, "RPUSHX %s alone", key));
	expect_one(redis, "waited", redisCommand(redis, "RPUSH %s waited", key));
	expect_one(redis, "left", redisCommand(redis, "LPUSH %s left", key));
	append_batch(redis, "p");
	for (int i = 0; i < BATCH; i++)
		expect_one(redis, "pipelined", next_reply(redis));
	produce_multi(redis);
	static char large[900000];
	memset(large, 'k', sizeof large);
	expect_one(redis, "large", redisCommand(redis, "RPUSH %s %b", key, large, sizeof large));
	unsigned char bytes[256];
	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)i;
	expect_one(redis, "binary", redisCommand(redis, "RPUSH %s %b", key, bytes, sizeof bytes));
	expect_one(redis, "empty", redisCommand(redis, "RPUSH %s %s", key, ""));
	expect_one(redis, "utf8", redisCommand(redis, "RPUSH %s:ключ utf8", key));
	redisFree(redis);
}

static void step_typed(void)
{
	printf("none\ttyped\thiredis has only the generic call\n");
}

static void step_raw(void)
{
	redisContext *redis = connect_named();
	for (;;) {
		redisReply *record = must(redis, "BLPOP", redisCommand(redis, "BLPOP %s 2", key));
		if (record->type == REDIS_REPLY_NIL)
			break;
		taken(redis, record);
		freeReplyObject(record);
	}
	redisFree(redis);
}

static void step_pool(void)
{
	printf("none\tpool\ta context belongs to one thread\n");
}

static void step_patience(void)
{
	redisContext *redis = connect_named();
	redisReply *record = redisCommand(redis, "BLPOP %s 7", key);
	if (record == NULL)
		printf("error\t%s\n", redis->errstr);
	else if (record->type == REDIS_REPLY_ERROR)
		printf("error\t%s\n", record->str);
	else
		printf(record->type == REDIS_REPLY_NIL ? "nil\n" : "got\n");
	redisFree(redis);
}

// again connects the same context. redisReconnect sends neither the password nor the name.
static void again(redisContext *redis)
{
	usleep(PAUSE);
	if (redisReconnect(redis) == REDIS_OK)
		introduce(redis);
}

static void consume_both(redisContext *redis)
{
	int before = 0, after = 0, failed = 0;
	while (!(before && after) && failed < ATTEMPTS) {
		redisReply *record = redisCommand(redis, "BLPOP %s 2", key);
		if (record == NULL || record->type == REDIS_REPLY_ERROR) {
			if (failed++ == 0)
				printf("error\t%s\n", record ? record->str : redis->errstr);
			if (record == NULL)
				again(redis);
		} else if (record->type == REDIS_REPLY_ARRAY) {
			const char *value = record->element[record->elements - 1]->str;
			taken(redis, record);
			before |= strcmp(value, "before") == 0;
			after |= strcmp(value, "after") == 0;
		}
		if (record != NULL)
			freeReplyObject(record);
	}
}

static void step_restart(void)
{
	redisContext *redis = connect_named();
	expect_one(redis, "before", redisCommand(redis, "RPUSH %s before", key));
	printf("ready\n");
	char line[64];
	if (fgets(line, sizeof line, stdin) == NULL)
		fail("restart", "stdin has ended");
	int failed = 0;
	redisReply *reply;
	while ((reply = redisCommand(redis, "RPUSH %s after", key)) == NULL) {
		if (failed++ == ATTEMPTS)
			fail("after", redis->errstr);
		again(redis);
	}
	expect_one(redis, "after", reply);
	printf("tries\t%d\n", failed);
	consume_both(redis);
	redisFree(redis);
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{"connect", step_connect}, {"produce", step_produce}, {"typed", step_typed},       {"raw", step_raw},
	{"pool", step_pool},       {"patience", step_patience}, {"restart", step_restart},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	key = getenv("KEY");
	for (size_t i = 0; argc == 2 && i < sizeof steps / sizeof *steps; i++)
		if (strcmp(argv[1], steps[i].name) == 0) {
			steps[i].run();
			return 0;
		}
	fail("usage", "program STEP");
}
