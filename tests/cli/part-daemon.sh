# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The daemon's life, in a realm of its own: configuration, denial, endorsement, SIGHUP, a KBS that comes late, a
# courier that dies, and the end.

daemon_pid=

# conf [LINE...]: a configuration with these lines after [kbs] and url.
conf()
{
	printf '[kbs]\nurl = %s\nca = %s\n' "$url" "$top/$tls/ca.pem" >"$work/conf/realmkeyd"
	printf '%s\n' "$@" >>"$work/conf/realmkeyd"
}

once() { realmkeyd_here --config "$work/conf/realmkeyd" --once; }

# daemon_start [WORD...]: in the background; its log is $work/keeper.log.
daemon_start()
{
	: >"$work/keeper.log"
	ASAN_OPTIONS=detect_leaks=0 "$here/realmkeyd_here" --courier "$REALMKEY_COURIER" --keyring "$keyring" \
		--config "$work/conf/realmkeyd" "$@" 2>"$work/keeper.log" >&2 &
	daemon_pid=$!
	on_exit daemon_kill
}

daemon_kill() { [ -z "$daemon_pid" ] || kill -KILL "$daemon_pid" 2>/dev/null; }

# daemon_ends STATUS TEXT: soon.
daemon_ends()
{
	local i status=0
	for ((i = 0; i < 300; i++)); do
		kill -0 "$daemon_pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$daemon_pid" 2>/dev/null
	wait "$daemon_pid" || status=$?
	daemon_pid=
	[ "$status" -eq "$1" ] || output=$(cat "$work/keeper.log")
	tap $((status != $1)) "$2" "status $status, not $1
$output"
}

# logged TEXT PATTERN: the daemon says so, soon.
logged()
{
	if wait_for "$2" "$work/keeper.log"; then tap 0 "$1"; else tap 1 "$1" "no '$2' in:
$(cat "$work/keeper.log")"; fi
}

# asked: how many requests trusteed saw since it was set up.
asked() { echo $(($(requests '[A-Z]* /kbs/v0/') - set_up_requests)); }

courier_of() { pgrep -P "$daemon_pid" realmkey-courie; }

# Lines of: pattern after the file's name | text of the configuration.
daemon_configuration()
{
	local pattern text file=$work/conf/wrong
	while IFS='|' read -r pattern text; do
		# shellcheck disable=SC2059 # the text is a format
		printf "$text" >"$file"
		refused 3 "configuration: $pattern" "realmkeyd: $file$pattern" realmkeyd --config "$file" --once
	done <<'.'
:1: [kbs] url: missing|
:2: [kbs] url: URL: http:// is neither private nor authentic|[kbs]\nurl = http://127.0.0.1:9\n
:3: [kbs] colour: unknown key|[kbs]\nurl = https://127.0.0.1:9\ncolour = blue\n
:1: [kbs] ca: /nonexistent: No such file or directory|[kbs]\nurl = https://127.0.0.1:9\nca = /nonexistent\n
:1: [kbs] ca: /dev/null: is empty|[kbs]\nurl = https://127.0.0.1:9\nca = /dev/null\n
:5: [secret a] mode: '99' is not an octal mode|[kbs]\nurl = https://127.0.0.1:9\n[secret a]\nresource = a/b/c\nmode = 99\n
:3: [secret a] owner: no user 'nobody-at-all'|[kbs]\nurl = https://127.0.0.1:9\n[secret a]\nresource = a/b/c\nowner = nobody-at-all\n
:5: [secret b] file: 'a' clashes with 'a' of [secret a]|[kbs]\nurl = https://127.0.0.1:9\n[secret a]\nresource = a/b/c\n[secret b]\nresource = a/b/c\nfile = a\n
.
	refused 3 "no configuration" "/nonexistent: No such file" realmkeyd --config /nonexistent --once
	refused 3 "a directory for a configuration" "$work: Is a directory" realmkeyd --config "$work"
	head -c 262145 /dev/zero >"$file"
	refused 3 "a configuration over 256 KiB" "$file: more than 262144 bytes" realmkeyd --config "$file"
	printf '[kbs]\nurl = https://127.0.0.1:9\n' >"$file"
	refused 4 "no realm" "not an Arm CCA realm" realmkeyd --config "$file" --once --keyring "$keyring"
	if [ ! -e "$keyring" ]; then tap 0 "nothing of this made a keyring"; else tap 1 "nothing of this made a keyring"; fi
}

daemon_denied()
{
	local files
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' 'mode = 0440' 'owner = 1001' 'group = 1002'
	ran once
	same "--once that is denied ends as a denied get" "8 3" "$status $(asked)"
	has "names the secret and the cause" "s: resource a/b/c: denied"
	has "the claim" executables
	has "and the cure" "$reference"
	lacks "and not the secret" "$secret"
	same "nothing is in the keyring" "" "$(ls -A "$keyring")"
	daemon_start
	logged "the daemon is denied too" "s: resource a/b/c: denied"
	sleep 0.5
	same "and does not ask again" 6 "$(asked)"
	refused 10 "another daemon for the same keyring" "$keyring: is in use by another process" once
	files=$(find "/proc/$daemon_pid/fd" | wc -l)
	kill -HUP "$daemon_pid"
	for _ in {1..100}; do [ "$(asked)" -lt 9 ] || break; sleep 0.1; done
	sleep 0.5	# for what it would do too much
	same "SIGHUP asks again, with a new EAR" 9 "$(asked)"
	same "and leaves no descriptor open" "$files" "$(find "/proc/$daemon_pid/fd" | wc -l)"
}

daemon_endorsed()
{
	runs 0 "the RIM is endorsed" admin set-reference-value "$reference" "$(realmkey_here rim)"
	kill -HUP "$daemon_pid"
	logged "SIGHUP after the endorsement delivers" "s: delivered to d/s"
	same "the secret, its mode and owner" "$secret 440 1001 1002" "$(cat "$keyring/d/s") $(stat -c '%a %u %g' "$keyring/d/s")"
	same "its directory" "755 0 0" "$(stat -c '%a %u %g' "$keyring/d")"
	kill -HUP "$daemon_pid"
	sleep 0.3
	kill -0 "$daemon_pid"
	tap $? "SIGHUP with nothing to do does no harm"
	output=$(cat "$work/keeper.log")
	lacks "the log holds no secret" "$secret"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM ends the daemon well"
	same "the keyring stays" "$secret" "$(cat "$keyring/d/s")"
	ran once
	same "--once again" 0 "$status"
	has "finds the secret unchanged" "s: unchanged: d/s"
}

# What a service manager is told.
daemon_notify()
{
	cc -o "$work/notify_listen" tests/e2e/notify_listen.c || { tap 1 "notify_listen compiles"; return; }
	"$work/notify_listen" "$work/notify.sock" "$work/notify" &
	on_exit "kill $!"
	for _ in {1..50}; do [ ! -S "$work/notify.sock" ] || break; sleep 0.1; done
	conf '[secret s]' 'resource = a/b/c' '[secret none]' 'resource = a/b/none'
	NOTIFY_SOCKET=$top/$work/notify.sock once 2>/dev/null
	same "a required secret that does not exist" 9 $?
	for _ in {1..50}; do ! grep -q STATUS= "$work/notify" || break; sleep 0.1; done
	output=$(cat "$work/notify")
	has "is in the status" "STATUS=1 of 2 secrets delivered; none: "
	lacks "and this is not ready" READY
	printf 'required = no\n' >>"$work/conf/realmkeyd"
	NOTIFY_SOCKET=$top/$work/notify.sock once 2>/dev/null
	same "one that is not required" 0 $?
	for _ in {1..50}; do ! grep -q READY= "$work/notify" || break; sleep 0.1; done
	output=$(cat "$work/notify")
	has "does not hold up readiness" "READY=1"
}

daemon_late_kbs()
{
	conf '[secret late]' 'resource = a/b/c'
	trustee_stop
	daemon_start
	logged "a KBS that is not there" "late: https://127.0.0.1:$trustee_port: no connection"
	logged "is tried again" "trying again in "
	does "trusteed comes back" trustee_run
	logged "then the secret comes" "late: delivered to late"
	kill -INT "$daemon_pid"
	daemon_ends 0 "SIGINT ends the daemon well"
}

daemon_courier_dies()
{
	conf '[secret none]' 'resource = a/b/none' 'required = no' '[secret also]' 'resource = a/b/none2'
	daemon_start
	logged "a daemon that misses something" "also: resource a/b/none2: "
	kill -KILL "$(courier_of)"
	kill -HUP "$daemon_pid"
	logged "notices at the next request that its courier has died" "none: courier: "
	daemon_ends 11 "and ends, to be restarted"
	same "saying so once" 1 "$(grep -c 'courier exited; restart realmkeyd' "$work/keeper.log")"
}

# A server that takes a connection and says nothing.
silence_start()
{
	mkfifo "$work/silence"
	sleep 60 >"$work/silence" &
	on_exit "kill $!"
	openssl s_server -accept 127.0.0.1:0 -cert "$tls/server.pem" -key "$tls/server.key" <"$work/silence" >"$work/silence.log" 2>&1 &
	on_exit "kill $!"
	wait_for "ACCEPT 127.0.0.1:" "$work/silence.log" || return 1
	url=https://$(sed -n 's/^ACCEPT \(127.*\)/\1/p' "$work/silence.log" | head -n 1)
}

daemon_interrupted()
{
	local courier
	does "a KBS that is silent" silence_start || return
	conf '[secret s]' 'resource = a/b/c' 'file = x'
	daemon_start
	wait_for "POST /kbs/v0/auth" "$work/silence.log"
	tap $? "has a request"
	courier=$(courier_of)
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM during a request ends the daemon at once"
	for _ in {1..30}; do kill -0 "$courier" 2>/dev/null || break; sleep 0.1; done
	kill -0 "$courier" 2>/dev/null
	same "and its courier" 1 $?
	daemon_start --once
	for _ in {1..50}; do [ "$(grep -c "POST /kbs/v0/auth" "$work/silence.log")" -lt 2 ] || break; sleep 0.1; done
	kill -TERM "$daemon_pid"
	daemon_ends 143 "--once that is interrupted does not end well"
	if [ ! -e "$keyring/x" ]; then tap 0 "nothing was written"; else tap 1 "nothing was written"; fi
}

part_daemon()
{
	daemon_configuration
	does "trusteed starts" kbs_start daemon --verbose || return
	set_up_requests=$(requests '[A-Z]* /kbs/v0/')
	daemon_denied
	daemon_endorsed
	daemon_notify
	daemon_late_kbs
	daemon_courier_dies
	trustee_stop
	daemon_interrupted
	umount "$keyring"
	tap $? "nobody keeps the keyring busy"
}
