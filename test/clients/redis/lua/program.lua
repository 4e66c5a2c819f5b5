-- One step of the matrix with redis-lua. Usage: lua5.1 program.lua STEP

local redis = require 'redis'
local socket = require 'socket'

local key, attempts, pause = os.getenv('KEY'), 50, 0.2

-- fields prints one line.
local function fields(...)
	io.write(table.concat({ ... }, '\t'), '\n')
	io.flush()
end

-- expect ends the program when a reply is another one.
local function expect(part, got, wanted)
	if got ~= wanted then
		error(part .. ': got ' .. tostring(got) .. ', want ' .. tostring(wanted))
	end
end

-- each expects a batch of replies to be 1.
local function each(part, replies)
	expect(part, table.concat(replies, ''), string.rep('1', 100))
end

local function connect()
	local client = redis.connect(os.getenv('HOST'), os.getenv('PORT'))
	client:auth(os.getenv('PASSWORD'))
	return client
end

-- redis-lua has no method for CLIENT, and lets the user define one.
local function named()
	local client = connect()
	client:define_command('client')
	client:client('SETNAME', os.getenv('NAME'))
	return client
end

local function typed(client, seconds)
	return client:blpop(key, seconds or 2)
end

local function raw(client, seconds)
	return client:raw_cmd(string.format('BLPOP %s %d', key, seconds or 2))
end

local pop = os.getenv('TYPED') == '1' and typed or raw

-- taken prints a record, and acknowledges one that says where it is from.
local function taken(client, record)
	fields('got', unpack(record))
	if #record == 8 then
		expect('ack', client:rpush('acks', string.format('%s:%d:%d', record[2], record[4], record[6])), 1)
	end
end

local function consume(call)
	local client = named()
	local record = call(client)
	while record do
		taken(client, record)
		record = call(client)
	end
end

local function batch(commands, prefix)
	for i = 0, 99 do
		commands:rpushx(key, prefix .. '-' .. i)
	end
end

local steps = {}

function steps.connect()
	if os.getenv('PROTOCOL') == '3' then
		return fields('none', 'connect', 'it speaks RESP2')
	end
	local client = named()
	expect('PING', client:ping(), true)
	fields('name', client:client('GETNAME'))
end

function steps.produce()
	local client = connect()
	expect('alone', client:rpushx(key, 'alone'), 1)
	expect('waited', client:rpush(key, 'waited'), 1)
	expect('left', client:lpush(key, 'left'), 1)
	each('pipelined', client:pipeline(function(commands) batch(commands, 'p') end))
	each('multi', client:transaction(function(commands) batch(commands, 'm') end))
	expect('large', client:rpush(key, string.rep('k', 900000)), 1)
	local bytes = {}
	for i = 0, 255 do
		bytes[i + 1] = string.char(i)
	end
	expect('binary', client:rpush(key, table.concat(bytes)), 1)
	expect('empty', client:rpush(key, ''), 1)
	expect('utf8', client:rpush(key .. ':ключ', 'utf8'), 1)
end

function steps.typed()
	consume(typed)
end

function steps.raw()
	consume(raw)
end

function steps.pool()
	fields('none', 'pool', 'Lua has no threads')
end

function steps.patience()
	local ok, reply = pcall(pop, named(), 7)
	if not ok then
		return fields('error', reply)
	end
	if reply then
		return fields('got', unpack(reply))
	end
	fields('nil')
end

function steps.restart()
	fields('none', 'restart', 'it never connects again: make a new client')
end

local step = steps[arg[1]]
local ok, message = pcall(step)
if not ok then
	io.stderr:write(tostring(message), '\n')
	os.exit(1)
end
