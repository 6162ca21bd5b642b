# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# realmkey-hooks, with a keeper of the test's (sinks_send.c) and a systemd of the test's (fake_systemd.c): which actions
# follow from which changes, how often, what becomes of failures, and what a keeper may send.

hooks_pid=
hooks_systemd_pid=
hooks_work=$work/hooks

hooks_stop()
{
	local pid
	for pid in $hooks_pid $hooks_systemd_pid; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	hooks_pid='' hooks_systemd_pid=''
}

hooks_systemd_start()
{
	"$here/fake_systemd" "$top/$hooks_work/private" "$hooks_work/units" "$hooks_work/calls" >>"$hooks_work/log" 2>&1 &
	hooks_systemd_pid=$!
	within 10 test -S "$hooks_work/private"
}

hooks_systemd_stop()
{
	kill "$hooks_systemd_pid" && wait "$hooks_systemd_pid" 2>/dev/null
	hooks_systemd_pid=
	rm -f "$hooks_work/private"
}

# Three secrets: two share an action, one has none.
hooks_start()
{
	mkdir -p "$hooks_work/units"
	cat >"$hooks_work/conf" <<-'.'
		[kbs]
		url = https://127.0.0.1:9
		[secret zero]
		resource = a/b/0
		reload = web.service
		restart = app.service
		[secret one]
		resource = a/b/1
		reload = web.service
		signal = proxy.service USR2
		[secret two]
		resource = a/b/2
	.
	hooks_systemd_start || return 1
	"$here/../../userspace/hooks/realmkey-hooks" --config "$hooks_work/conf" --socket "$hooks_work/sock" \
		--systemd "$top/$hooks_work/private" --verbose >>"$hooks_work/log" 2>&1 &
	hooks_pid=$!
	within 10 test -S "$hooks_work/sock"
}

# hooks_units WEB APP PROXY: what systemd has.
hooks_units()
{
	echo "$1" >"$hooks_work/units/web.service"
	echo "$2" >"$hooks_work/units/app.service"
	echo "$3" >"$hooks_work/units/proxy.service"
}

hooks_send() { "$here/sinks_send" "$hooks_work/sock" "$hooks_work/conf" "$@"; }

hooks_called() { [ "$(cat "$hooks_work/calls")" = "$1" ]; }

# hooks_calls TEXT CALLS MESSAGE...: after these messages, exactly these calls are made.
hooks_calls()
{
	local text=$1 calls=$2 fault=
	shift 2
	: >"$hooks_work/calls"
	: >"$hooks_work/log"
	ran hooks_send "$@"
	[ "$status" -eq 0 ] || fault+="sinks_send: status $status; "
	within 20 hooks_called "$calls" || fault+="other calls; "
	# None follows.
	sleep 0.6
	hooks_called "$calls" || fault+="more calls; "
	[ -z "$fault" ] || output+="
$(cat "$hooks_work/calls" "$hooks_work/log")"
	judge "hooks: $text" "$fault"
}

# hooks_logged TEXT LINE
hooks_logged()
{
	if wait_for "$2" "$hooks_work/log"; then tap 0 "hooks: $1"; else tap 1 "hooks: $1" "no '$2' in:
$(cat "$hooks_work/log")"; fi
}

# hooks_answers TEXT ANSWER MESSAGE...: the last line that sinks_send prints.
hooks_answers()
{
	local text=$1 answer=$2 fault=
	shift 2
	ran hooks_send "$@"
	[ "$(tail -n 1 "$work/out")" = "$answer" ] || fault="another answer"
	judge "hooks: $text" "$fault"
}

hooks_actions()
{
	local reload='ReloadUnit web.service replace' restart='TryRestartUnit app.service replace'
	local signal

	signal="KillUnit proxy.service main $(kill -l USR2)"
	hooks_units active active active
	hooks_calls "reload and restart" "$reload
$restart" changed 0
	hooks_calls "two secrets share an action, which happens once, in the order of the configuration" "$reload
$restart
$signal" changed 1 changed 0 changed 1 changed 2
	hooks_logged "says what systemd has accepted" "signal proxy.service: systemd has accepted it"
	hooks_calls "a later change is a further action" "$reload
$restart
$reload
$restart" changed 0 wait 1500 changed 0
	hooks_calls "a secret without actions" "" changed 2
	hooks_units activating reloading refreshing
	hooks_calls "a unit that starts or reloads" "$reload
$restart" changed 0
	hooks_units inactive failed deactivating
	hooks_calls "a unit that does not run is left alone" "" changed 0 changed 1
	hooks_logged "which is only a debug message" "reload web.service: nothing to do, it does not run"
	hooks_units active inactive "active org.freedesktop.systemd1.NoSuchProcess"
	hooks_calls "a unit without a main process" "$reload
$signal" changed 1
	hooks_logged "which is only a debug message, too" "signal proxy.service: nothing to do"
}

hooks_failures()
{
	local reload='ReloadUnit web.service replace' restart='TryRestartUnit app.service replace'

	hooks_units "active org.freedesktop.systemd1.JobTypeNotApplicable" active active
	hooks_calls "a refusal that lasts is not tried again, and the next action follows" "$reload
$restart" changed 0
	hooks_logged "names unit, action, reason and remedy" "cannot reload web.service: systemd: Refused for web.service.; \
without ExecReload= in the unit, use \`restart\` or \`signal\`"
	rm "$hooks_work/units/app.service"
	hooks_calls "a unit that does not exist" "$reload" changed 0
	hooks_logged "is an error in the log" "cannot restart app.service: systemd has no such unit"

	hooks_units inactive "active org.freedesktop.systemd1.TransactionIsDestructive" active
	: >"$hooks_work/calls"
	ran hooks_send changed 0 wait 12000
	tap $(($(grep -c . "$hooks_work/calls") < 3)) "hooks: a refusal that can pass is tried again" \
		"$(cat "$hooks_work/calls" "$hooks_work/log")"
	hooks_logged "after a random time" "cannot restart app.service: systemd: Refused for app.service.; trying again in"
	# Six tries take at most 31 seconds; a keeper that is gone changes nothing.
	if within 40 contains "$hooks_work/log" "given up after 6 tries"; then tap 0 "hooks: not for ever"; else
		tap 1 "hooks: not for ever" "$(cat "$hooks_work/log")"; fi
	tap $(($(grep -c . "$hooks_work/calls") != 6)) "hooks: six times" "$(cat "$hooks_work/calls")"
}

# A keeper is answered at once, whatever systemd does.
hooks_away()
{
	local reload='ReloadUnit web.service replace' restart='TryRestartUnit app.service replace' begin

	hooks_units active active active
	hooks_systemd_stop
	: >"$hooks_work/calls"
	: >"$hooks_work/log"
	hooks_answers "without systemd, a change is accepted" "done" changed 0 wait 1500
	hooks_logged "says that systemd is away" \
		"cannot reload web.service: cannot connect to systemd: No such file or directory; trying again in"
	hooks_systemd_start
	# The order is that of the tries.
	hooks_done() { [ "$(sort "$hooks_work/calls")" = "$reload
$restart" ]; }
	if within 20 hooks_done; then tap 0 "hooks: when it is back, each action happens once"; else
		tap 1 "hooks: when it is back, each action happens once" "$(cat "$hooks_work/calls" "$hooks_work/log")"; fi

	hooks_units "active close" inactive inactive
	: >"$hooks_work/log"
	hooks_answers "a systemd that executes itself closes the connection" "done" changed 0 wait 600
	hooks_logged "which is a reason to try again" "trying again in"
	hooks_units active inactive inactive
	hooks_logged "until it answers" "reload web.service: systemd has accepted it"

	hooks_units "active hang" inactive inactive
	: >"$hooks_work/log"
	begin=$(date +%s)
	hooks_answers "a systemd that does not answer delays no answer to the keeper" "done" changed 0 wait 1000 changed 1 changed 2
	tap $(($(date +%s) - begin > 5)) "hooks: not even a second one"
	hooks_logged "is waited for ten seconds" "cannot reload web.service: systemd: Connection timed out; trying again in"
	hooks_units inactive inactive inactive
}

hooks_keeper()
{
	local digest="the files of the configuration are not those that realmkeyd has read; run: systemctl reload realmkeyd"

	hooks_answers "another configuration is refused" "the program: $digest (transient)" digest changed 0
	hooks_answers "a number without a secret" "the program: there is no secret number 3" changed 3
	hooks_answers "a large one" "the program: there is no secret number 255" changed 255
	: >"$hooks_work/log"
	hooks_answers "a value is refused by the end of the connection" \
		"the program: closed the connection; its log says why (transient)" set 1
	hooks_logged "says so" "the keeper has sent a message of type 2, which is not for realmkey-hooks: connection closed"
	hooks_answers "so is another message" "the program: closed the connection; its log says why (transient)" remove 1
	hooks_answers "an unknown message" closed raw ff0000000000000000000000
	hooks_answers "a change with a body" closed raw 05000000000000000100000041
	hooks_answers "a second HELLO" closed raw 010000000000000020000000
	hooks_answers "afterwards it serves the next keeper" "done" changed 2
}

hooks_itself()
{
	local hooks=$bin/hooks/realmkey-hooks

	refused 2 "hooks: no connection" "no connection from the service manager; use --socket PATH" "$hooks"
	refused 2 "hooks: an operand" "realmkey-hooks: " "$hooks" operand
	printed "hooks: --help" "--systemd PATH" "$hooks" --help
	printed "hooks: --version" "realmkey-hooks 0" "$hooks" --version
}

part_hooks()
{
	on_exit hooks_stop
	if ! hooks_start; then
		tap 1 "hooks: start" "$(cat "$hooks_work/log")"
		return
	fi
	hooks_actions
	hooks_failures
	hooks_away
	hooks_keeper
	hooks_itself
	hooks_stop
	output=$(grep -F -e ERROR: -e 'runtime error' "$hooks_work/log")
	tap ${#output} "hooks: no finding of a sanitizer" "$output"
}
