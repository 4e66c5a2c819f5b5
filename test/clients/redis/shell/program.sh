#!/usr/bin/env bash
# One step of the matrix with redis-cli. Usage: program.sh STEP
set -euo pipefail

export REDISCLI_AUTH=$PASSWORD
cli=(redis-cli -h "$HOST" -p "$PORT" "-$PROTOCOL")
attempts=50 pause=0.2

fail() { echo "$*" >&2 && exit 1; }

# fields VALUE...: prints one line.
fields() { (IFS=$'\t' && printf '%s\n' "$*"); }

# expect PART GOT WANTED: ends the program when a reply is another one.
expect() { [ "$2" = "$3" ] || fail "$1: got $2, want $3"; }

# push PART COMMAND...: a command on a connection of its own; with -x its last argument is stdin.
push() { expect "$1" "$("${cli[@]}" "${@:2}")" 1; }

# lines PREFIX: a hundred commands as redis-cli reads them.
lines() { for i in {0..99}; do echo "RPUSHX $KEY $1-$i"; done; }

# session: one redis-cli for many commands, with the name. ask COMMAND... sends one, and reads a line of its reply. When
# the connection breaks, redis-cli says so instead, and connects for the next command, without the name.
session() {
	coproc session { exec "${cli[@]}" --no-raw 2>&1; }
	ask CLIENT SETNAME "$NAME"
	expect SETNAME "$reply" OK
}
ask() {
	echo "$*" >&"${session[1]}"
	more
}
more() { IFS= read -r reply <&"${session[0]}"; }

# pop SECONDS: the next record, as the array record, which is empty when there is none. It fails for an error.
pop() {
	record=()
	ask BLPOP "$KEY" "$1" || return 1
	case $reply in
	"(nil)") return 0 ;;
	"(error)"* | Error:*) return 1 ;;
	esac
	# redis-cli numbers the elements, and quotes strings.
	while :; do
		reply=${reply#*) } && reply=${reply#(integer) } && reply=${reply#\"}
		record+=("${reply%\"}")
		[ ${#record[@]} != 2 ] || [ "${record[0]}" = topic ] || return 0
		[ ${#record[@]} != 8 ] || return 0
		more || return 1
	done
}

# taken: prints the record, and acknowledges one that says where it is from.
taken() {
	fields got "${record[@]}"
	[ ${#record[@]} = 8 ] || return 0
	ask RPUSH acks "${record[1]}:${record[3]}:${record[5]}"
	expect ack "$reply" "(integer) 1"
}

connect() {
	session
	ask PING
	expect PING "$reply" PONG
	ask CLIENT GETNAME
	fields name "$(tr -d '"' <<<"$reply")"
}

produce() {
	push alone RPUSHX "$KEY" alone
	push waited RPUSH "$KEY" waited
	push left LPUSH "$KEY" left
	lines p | "${cli[@]}" --pipe | grep -q 'errors: 0, replies: 100' || fail pipelined
	expect multi "$({ echo MULTI && lines m && echo EXEC; } | "${cli[@]}" | grep -c '^1$')" 100
	head -c 900000 /dev/zero | tr '\0' k | push large -x RPUSH "$KEY"
	for i in {0..255}; do printf "\\x$(printf %x "$i")"; done | push binary -x RPUSH "$KEY"
	push empty RPUSH "$KEY" ""
	push utf8 RPUSH "$KEY:ключ" utf8
}

raw() {
	session
	while pop 2 && [ ${#record[@]} != 0 ]; do
		taken
	done
	expect BLPOP "$reply" "(nil)"
}

patience() {
	session
	pop 7 || { fields error "${reply#(error) }" && return; }
	[ ${#record[@]} != 0 ] || record=(nil)
	fields "${record[@]}"
}

restart() {
	session
	ask RPUSH "$KEY" before
	expect before "$reply" "(integer) 1"
	fields ready
	read -r
	local failed=0 seen=" "
	until ask RPUSH "$KEY" after && [ "$reply" = "(integer) 1" ]; do
		[ $((failed++)) != $attempts ] || fail "$reply"
		sleep $pause
	done
	fields tries "$failed"
	failed=0
	until [[ $seen == *" before "* && $seen == *" after "* ]] || [ $failed = $attempts ]; do
		if pop 2; then
			[ ${#record[@]} = 0 ] || { taken && seen+="${record[-1]} "; }
		else
			[ $((failed++)) != 0 ] || fields error "${reply#(error) }"
			sleep $pause
		fi
	done
}

case $1 in
connect | produce | raw | patience | restart) "$1" ;;
typed) fields none typed "redis-cli has only the generic call" ;;
pool) fields none pool "each redis-cli has a connection of its own" ;;
esac
