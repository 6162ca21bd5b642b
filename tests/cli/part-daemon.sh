# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# realmkeyd with realm_here.c: configuration, denial, endorsement, SIGHUP, a KBS that starts late, what answers in its
# place, a courier that dies, and termination.

daemon_pid=
bad_pid=

# conf [LINE...]: writes a configuration that has these lines after [kbs].
conf()
{
	printf '[kbs]\nurl = %s\nca = %s\n' "$url" "$top/$tls/ca.pem" >"$work/conf/realmkeyd"
	printf '%s\n' "$@" >>"$work/conf/realmkeyd"
}

once() { realmkeyd_here --config "$work/conf/realmkeyd" --once; }

# daemon_start [OPTION...]: in the background, with its log in $work/keeper.log.
daemon_start()
{
	: >"$work/keeper.log"
	ASAN_OPTIONS=detect_leaks=0 "$here/realmkeyd_here" --courier "$REALMKEY_COURIER" --keyring "$keyring" \
		--config "$work/conf/realmkeyd" "$@" 2>"$work/keeper.log" >&2 &
	daemon_pid=$!
	on_exit daemon_kill
}

daemon_kill() { [ -z "$daemon_pid" ] || kill -KILL "$daemon_pid" 2>/dev/null; }

# gone PID
gone() { [ -n "$1" ] && ! kill -0 "$1" 2>/dev/null; }

# daemon_ends STATUS TEXT: within 30 seconds.
daemon_ends()
{
	local status=0
	within 30 gone "$daemon_pid"
	kill -KILL "$daemon_pid" 2>/dev/null
	wait "$daemon_pid" || status=$?
	daemon_pid=
	[ "$status" -eq "$1" ] || output=$(cat "$work/keeper.log")
	tap $((status != $1)) "$2" "status $status, not $1
$output"
}

# logged TEXT PATTERN: the daemon logs it within 30 seconds.
logged()
{
	if wait_for "$2" "$work/keeper.log"; then tap 0 "$1"; else tap 1 "$1" "no '$2' in:
$(cat "$work/keeper.log")"; fi
}

# asked: the number of requests that trusteed got since it was set up.
asked() { echo $(($(requests '[A-Z]* /kbs/v0/') - set_up_requests)); }
asked_at_least() { [ "$(asked)" -ge "$1" ]; }

# The processes of the daemon, which is their supervisor.
keeper_of() { pgrep -P "$daemon_pid" realmkeyd_here; }
courier_of() { pgrep -P "$(keeper_of)" realmkey-courie; }
# another_keeper PID: there is a keeper, and it is not that one.
another_keeper() { local now; now=$(keeper_of) && [ "$now" != "$1" ]; }
controlled() { [ -S "$keyring/.control" ]; }

# Each line: pattern after the file's name | configuration as a format of printf
daemon_configuration()
{
	local pattern text file=$work/conf/wrong
	while IFS='|' read -r pattern text; do
		# shellcheck disable=SC2059 # the text is a format
		printf "$text" >"$file"
		refused 3 "configuration: $pattern" "realmkeyd: $file$pattern" realmkeyd --config "$file" --once
	done <<'.'
:2: [kbs] url: URL: http:// is neither private nor authentic|[kbs]\nurl = http://127.0.0.1:9\n[secret a]\nresource = a/b/c\n
:3: [kbs] colour: unknown key|[kbs]\nurl = https://127.0.0.1:9\ncolour = blue\n[secret a]\nresource = a/b/c\n
:3: [kbs] ca: /nonexistent: No such file or directory|[kbs]\nurl = https://127.0.0.1:9\nca = /nonexistent\n[secret a]\nresource = a/b/c\n
:3: [kbs] ca: /dev/null: is empty|[kbs]\nurl = https://127.0.0.1:9\nca = /dev/null\n[secret a]\nresource = a/b/c\n
:2: no section [secret NAME]|[kbs]\nurl = https://127.0.0.1:9\n
:5: [secret a] mode: '99' is not an octal mode|[kbs]\nurl = https://127.0.0.1:9\n[secret a]\nresource = a/b/c\nmode = 99\n
:5: [secret a] owner: no user 'nobody-at-all'|[kbs]\nurl = https://127.0.0.1:9\n[secret a]\nresource = a/b/c\nowner = nobody-at-all\n
:5: [secret b] file: 'a' clashes with 'a' of [secret a]|[kbs]\nurl = https://127.0.0.1:9\n[secret a]\nresource = a/b/c\n[secret b]\nresource = a/b/c\nfile = a\n
.
	refused 3 "no configuration" "/nonexistent: No such file" realmkeyd --config /nonexistent --once
	refused 3 "a directory for a configuration" "$work: Is a directory" realmkeyd --config "$work"
	head -c 262145 /dev/zero >"$file"
	refused 3 "a configuration of more than 256 KiB" "$file: more than 262144 bytes" realmkeyd --config "$file"
	printf '[kbs]\nurl = https://127.0.0.1:9\n[secret a]\nresource = a/b/c\n' >"$file"
	refused 1 "started as another user, it says what to do" "; realmkeyd was not started as root: run it as root" \
		prlimit --memlock=0:0 setpriv --reuid 1001 --clear-groups "$bin/keeper/realmkeyd" --config "$file" --once
	refused 4 "not in a realm" "not an Arm CCA realm" realmkeyd --config "$file" --once --keyring "$keyring"
	runs 0 "none of these made a keyring" test ! -e "$keyring"
}

daemon_denied()
{
	local files
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' 'mode = 0440' 'owner = 1001' 'group = 1002'
	ran once
	same "--once that is denied ends like a denied get" "8 3" "$status $(asked)"
	has "it names the secret and the cause" "s: resource a/b/c: denied"
	has "and the claim" executables
	has "and the reference value to set" "$reference"
	lacks "but not the secret" "$secret"
	same "nothing is in the keyring" "" "$(ls "$keyring")"
	daemon_start
	logged "the daemon is denied too" "s: resource a/b/c: denied"
	sleep 0.5
	same "and does not ask again at once" 6 "$(asked)"
	output=$(grep -o 'trying again in [0-9]* ms' "$work/keeper.log")
	[[ $output =~ in\ [3-5][0-9]{5}\ ms ]]
	tap $? "but after 5 to 10 minutes" "$output"
	refused 10 "a second daemon with the same keyring" "$keyring: is in use by another process" once
	files=$(find "/proc/$daemon_pid/fd" | wc -l)
	kill -HUP "$daemon_pid"
	within 10 asked_at_least 9
	sleep 0.5	# in which it could send too many
	same "SIGHUP makes it ask again, with a new EAR" 9 "$(asked)"
	same "and it leaves no descriptor open" "$files" "$(find "/proc/$daemon_pid/fd" | wc -l)"
}

daemon_endorsed()
{
	local keeper
	keeper=$(id -u realmkey 2>/dev/null || echo 61183)
	runs 0 "the RIM is endorsed" admin set-reference-value "$reference" "$(realmkey_here rim)"
	kill -HUP "$daemon_pid"
	logged "SIGHUP after the endorsement delivers the secret" "s: delivered to d/s"
	same "the file has the secret, its mode and owner" "$secret 440 1001 1002" "$(cat "$keyring/d/s") $(stat -c '%a %u %g' "$keyring/d/s")"
	same "its directory is the keeper's, with mode 0755" "755 $keeper" "$(stat -c '%a %u' "$keyring/d")"
	output=$(cat "/proc/$(keeper_of)/status")
	has "the keeper is another user than root" "Uid:	$keeper	$keeper	$keeper	$keeper"
	has "with CAP_CHOWN" "CapEff:	0000000000000001"
	has "and no capability to gain" "CapBnd:	0000000000000000"
	kill -HUP "$daemon_pid"
	sleep 0.3
	kill -0 "$daemon_pid"
	tap $? "SIGHUP with nothing to do does not end it"
	output=$(cat "$work/keeper.log")
	lacks "the log holds no secret" "$secret"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM ends the daemon with status 0"
	same "the secret stays in the keyring" "$secret" "$(cat "$keyring/d/s")"
	ran once
	same "--once again succeeds" 0 "$status"
	has "and finds the secret in the keyring" "1 of 1 secrets are in the keyring already"
	sed -i 's|^url = .*|url = https://127.0.0.1:9|' "$work/conf/realmkeyd"
	ran once
	same "--once without the KBS fails" 5 "$status"
	same "and leaves the secret in the keyring" "$secret" "$(cat "$keyring/d/s")"
}

# lacks_notify TEXT PATTERN
lacks_notify() { output=$(cat "$work/notify" 2>/dev/null); lacks "$1" "$2"; }

# Notifications to the service manager.
daemon_notify()
{
	cc -o "$work/notify_listen" tests/e2e/notify_listen.c || { tap 1 "notify_listen compiles"; return; }
	"$work/notify_listen" "$work/notify.sock" "$work/notify" &
	on_exit "kill $!"
	within 5 test -S "$work/notify.sock"
	conf '[secret s]' 'resource = a/b/c' '[secret none]' 'resource = a/b/none'
	NOTIFY_SOCKET=$top/$work/notify.sock once 2>/dev/null
	same "--once without a required secret fails" 9 $?
	lacks_notify "and the service is not ready" READY
	NOTIFY_SOCKET=$top/$work/notify.sock daemon_start
	within 20 contains "$work/notify" "STATUS=1 of 2 secrets delivered; none: "
	tap $? "the status names the missing secret"
	lacks_notify "and the service is not ready" READY
	printf 'required = no\n' >>"$work/conf/realmkeyd"
	runs 0 "a reload makes it optional" realmkey_here reload --keyring "$keyring"
	within 20 contains "$work/notify" READY=1
	tap $? "and the service is ready"
	runs 0 "a reload without a change" realmkey_here reload --keyring "$keyring"
	contains "$work/notify" "RELOADING=1"
	tap $? "tells the service manager that it reloads"
	contains "$work/notify" "MONOTONIC_USEC="
	tap $? "and when"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM ends it"
	contains "$work/notify" "STOPPING=1"
	tap $? "and the service manager hears that first"
	NOTIFY_SOCKET=$top/$work/notify.sock once 2>/dev/null
	same "--once without an optional secret succeeds" 0 $?
}

daemon_late_kbs()
{
	conf '[secret late]' 'resource = a/b/c'
	trustee_stop
	daemon_start
	logged "a KBS that is not running is logged" "late: https://127.0.0.1:$trustee_port: no connection"
	logged "and tried again" "trying again in "
	does "trusteed starts again" trustee_run
	logged "then the secret is delivered" "late: delivered to late"
	kill -INT "$daemon_pid"
	daemon_ends 0 "SIGINT ends the daemon with status 0"
}

# daemon_recovers MODE TLS PATTERN: bad_kbs.py MODE answers first, with the certificate in TLS, and then trusteed.
daemon_recovers()
{
	local mode=$1 files=$2 name
	name=$mode-$(basename "$files")
	conf "[secret $name]" 'resource = a/b/c'
	tests/cli/bad_kbs.py "$trustee_port" "$mode" "$files/server.pem" "$files/server.key" >"$work/bad.log" 2>&1 &
	bad_pid=$!
	wait_for listening "$work/bad.log"
	daemon_start
	logged "$name: is logged" "$3"
	logged "$name: realmkeyd will try again" "trying again in "
	child_stop bad_pid
	trustee_run || tap 1 "$name: trusteed starts"
	logged "$name: and does, without SIGHUP" "$name: delivered to $name"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "$name: it ends with status 0"
	trustee_stop
}

# What is permanent, and what time or an operator elsewhere can change.
daemon_permanent()
{
	trustee_stop
	on_exit "child_stop bad_pid"
	daemon_recovers cut "$tls" "connection lost within the TLS handshake"
	daemon_recovers reset "$tls" "connection lost within the TLS handshake"
	daemon_recovers banner "$tls" "not an answer of a KBS"
	daemon_recovers html "$tls" "challenge: "
	daemon_recovers page "$tls" "auth: not found"
	daemon_recovers silent "$tls" "connection lost"
	daemon_recovers html "$work/tls-other" "certificate not trusted"
	does "trusteed starts" trustee_run
}

daemon_courier_dies()
{
	conf '[secret none]' 'resource = a/b/none' 'required = no' '[secret also]' 'resource = a/b/none2'
	exec 9<"$work/conf/realmkeyd"
	daemon_start
	exec 9<&-
	logged "the daemon logs a missing secret" "also: resource a/b/none2: "
	same "it closed what was left open for it" "" "$(find "/proc/$daemon_pid/fd" -lname '*/conf/realmkeyd')"
	same "its courier does not hold its log" /dev/null "$(readlink "/proc/$(courier_of)/fd/2")"
	kill -KILL "$(courier_of)"
	kill -HUP "$daemon_pid"
	# Of either secret, because a retry may be between the two.
	logged "it notices at the next request that its courier has died" ": courier: "
	logged "the supervisor starts another keeper" "courier exited; starting another keeper in "
	within 20 courier_of >/dev/null
	tap $? "with another courier"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "and SIGTERM ends all three"
}

# The supervisor: its keeper dies, it is killed itself, the configuration changes.
daemon_supervised()
{
	local first courier
	conf '[secret s]' 'resource = a/b/c' 'file = d/s'
	daemon_start
	logged "the daemon delivers" "s: delivered to d/s"
	within 10 controlled
	same "the control socket is for root only" "600 0" "$(stat -c '%a %u' "$keyring/.control")"
	first=$(keeper_of)
	kill -KILL "$first"
	logged "a keeper that is killed is logged" "keeper: killed by signal 9 (Killed); starting another keeper in "
	within 20 another_keeper "$first"
	tap $? "and another one starts"
	same "the secret was there all the time" "$secret" "$(cat "$keyring/d/s")"
	logged "the new one takes over the keyring" "1 of 1 secrets are in the keyring already"

	first=$(keeper_of)
	conf 'colour = blue' '[secret s]' 'mode = 99' 'resource = a/b/c'
	ran realmkey_here reload --keyring "$keyring"
	same "a reload with errors fails as a start would" 3 "$status"
	has "with each error" ":4: [kbs] colour: unknown key"
	has "in one answer" ":6: [secret s] mode: '99' is not an octal mode"
	same "the keeper and its secret stay" "$first $secret" "$(keeper_of) $(cat "$keyring/d/s")"
	conf '[secret t]' 'resource = a/b/c' 'file = t'
	runs 0 "a reload with another configuration" realmkey_here reload --keyring "$keyring"
	logged "gets the new secret" "t: delivered to t"
	same "and removes the old one" t "$(ls "$keyring")"
	another_keeper "$first"
	tap $? "with another keeper"
	ran realmkey_here refresh no-such --keyring "$keyring"
	same "a secret that is not in the configuration cannot be refreshed" 2 "$status"
	has "and is named" "no secret 'no-such' in the configuration"
	runs 0 "a secret is requested again" realmkey_here refresh t --now --keyring "$keyring"
	ran setpriv --reuid 1001 --clear-groups "$bin/cli/realmkey" reload --keyring "$keyring"
	[ "$status" -ne 0 ]
	tap $? "other users cannot reload" "status $status"

	first=$(keeper_of)
	courier=$(courier_of)
	kill -KILL "$daemon_pid"
	within 20 gone "$first"
	tap $? "the keeper ends with the supervisor"
	within 20 gone "$courier"
	tap $? "and so does its courier"
	wait "$daemon_pid" 2>/dev/null
	same "the secret stays" "$secret" "$(cat "$keyring/t")"
	daemon_start
	logged "the next start takes it over" "1 of 1 secrets are in the keyring already"
	within 10 controlled
	runs 0 "and can be reloaded" realmkey_here reload --keyring "$keyring"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "and stopped"
	runs 1 "which removes the control socket" controlled
}

# A server that accepts connections and never answers. An earlier one's log must not be taken for this one's.
silence_start()
{
	rm -f "$work/silence" "$work/silence.log"
	mkfifo "$work/silence"
	sleep 60 >"$work/silence" &
	on_exit "kill $!"
	openssl s_server -accept 127.0.0.1:0 -cert "$tls/server.pem" -key "$tls/server.key" <"$work/silence" >"$work/silence.log" 2>&1 &
	on_exit "kill $!"
	within 30 grep -qsx "ACCEPT 127.0.0.1:[0-9]*" "$work/silence.log" || return 1
	url=https://$(sed -n 's/^ACCEPT \(127.*\)/\1/p' "$work/silence.log" | head -n 1)
}

# silence_asked N: it has received that many requests, or more.
silence_asked() { [ "$(grep -c "POST /kbs/v0/auth" "$work/silence.log")" -ge "$1" ]; }

daemon_interrupted()
{
	local courier
	does "a KBS that never answers starts" silence_start || return
	conf '[secret s]' 'resource = a/b/c' 'file = x'
	daemon_start
	wait_for "POST /kbs/v0/auth" "$work/silence.log"
	tap $? "and has received a request"
	courier=$(courier_of)
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM during a request ends the daemon"
	within 3 gone "$courier"
	tap $? "and its courier"
	daemon_start --once
	within 5 silence_asked 2
	kill -TERM "$daemon_pid"
	daemon_ends 143 "SIGTERM ends --once as a signal does"
	runs 0 "nothing was written" test ! -e "$keyring/x"
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
	daemon_permanent
	daemon_courier_dies
	daemon_supervised
	trustee_stop
	daemon_interrupted
	umount "$keyring"
	tap $? "no process keeps the keyring busy"
}
