# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# realmkeyd and the places of a secret: several files, templates, the copy for realmkey-local, kernel keys, and hooks; also
# if nothing listens at their sockets.

sinks_conf()
{
	local template=$top/$work/conf/env.template
	printf 'user=app\npassword={{ s }}\nport={{ j:/port }}\n' >"$template"
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' 'allow = uid:0' \
		'[secret j]' 'resource = a/b/j' 'file = j' \
		'[file copy]' 'secret = s' 'file = copy/s' 'mode = 0440' 'group = 1002' \
		'[file env]' "template = $template" 'file = d/env' 'owner = 1001' "$@"
}

inodes() { (cd "$keyring" && stat -c '%n %i' d/s copy/s d/env .serve.s); }

sinks_files()
{
	local reader before
	reader=$(id -u realmkey-local 2>/dev/null || echo 61185)
	sinks_conf
	daemon_start
	logged "a secret for a template is missing" "j: resource a/b/j: "
	same "the other is in its files, and the template is not written" "$secret $secret no" \
		"$(cat "$keyring/d/s") $(cat "$keyring/copy/s") $(test -e "$keyring/d/env" && echo yes || echo no)"
	stored a/b/j '{"port": 5432}'
	runs 0 "the KBS gets the other" rk refresh j
	same "the template has both" "user=app password=$secret port=5432" "$(tr '\n' ' ' <"$keyring/d/env" | sed 's/ $//')"
	same "each file has its mode and owner" "400 0 0 440 0 1002 400 1001 0" \
		"$(stat -c '%a %u %g' "$keyring/d/s" "$keyring/copy/s" "$keyring/d/env" | tr '\n' ' ' | sed 's/ $//')"
	same "the copy for realmkey-local is its own" "$secret 400 $reader" \
		"$(cat "$keyring/.serve.s") $(stat -c '%a %u' "$keyring/.serve.s")"
	same "the digests are the keeper's own" 400 "$(stat -c %a "$keyring/.digests")"
	output=$(tr -d '\0' <"$keyring/.digests")
	lacks "and have no secret" "$secret"
	same "status has both files" "$keyring/d/s $keyring/copy/s" "$(field '.secrets[0].paths | join(" ")')"
	before=$(inodes)
	runs 0 "a refresh without a change" rk refresh --now
	same "writes nothing" "$before" "$(inodes)"
	stored a/b/c "$secret-2"
	runs 0 "a refresh with a change" rk refresh s --now
	same "writes each of them" "$secret-2 $secret-2 password=$secret-2 $secret-2" \
		"$(cat "$keyring/d/s") $(cat "$keyring/copy/s") $(sed -n 2p "$keyring/d/env") $(cat "$keyring/.serve.s")"
}

sinks_bad_value()
{
	stored a/b/j 'not JSON'
	refused 12 "a value that does not fit its template" "j: d/env: " rk refresh j --now
	output=$(cat "$keyring/j" "$keyring/d/env")
	has "its own file is new" "not JSON"
	has "and the template's stays" "port=5432"
	stored a/b/j '{"port": 5433}'
	runs 0 "a value that fits" rk refresh j --now
	output=$(cat "$keyring/d/env")
	has "is written" "port=5433"
}

# Another configuration, and another keeper.
sinks_reload()
{
	local before
	before=$(inodes)
	kill -KILL "$(keeper_of)"
	within 20 field_is .passes 0
	runs 0 "after another keeper has begun" rk refresh --now
	same "nothing is written again" "$before" "$(inodes)"
	printf 'port only: {{ j:/port }}\n' >"$work/conf/env.template"
	runs 0 "a reload with another template" rk reload
	within 20 contains "$keyring/d/env" "port only: 5433"
	tap $? "writes it at once"
	sed -i '/^allow/d; /file copy/,/^group/d' "$work/conf/realmkeyd"
	runs 0 "a reload without the copies" rk reload
	within 20 test ! -e "$keyring/.serve.s" -a ! -e "$keyring/copy/s"
	tap $? "removes them"
}

# Nothing listens at these sockets.
sinks_no_keys()
{
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM ends it"
	conf '[secret k]' 'resource = a/b/c' 'file = k' 'key = user:realmkey-test' 'reload = none.service'
	daemon_start --keys "$top/$work/none.sock" --hooks "$top/$work/none.sock"
	logged "a realmkey-keys that is not there is logged" "kernel keys: realmkey-keys: "
	logged "and so is realmkey-hooks" "hooks: realmkey-hooks: "
	within 10 test -e "$keyring/k"
	same "the file is delivered" "$secret-2" "$(cat "$keyring/k")"
	within 10 field_is '.secrets[0]["last-error"].kind' delivery
	same "the secret is not complete" "delivered false false user:realmkey-test" \
		"$(field '.secrets[0] as $k | "\($k.state) \($k.complete) \(.ready) \($k.key)"')"
	ran rk status k
	same "and so is the status of realmkey" 10 "$status"
	has "which says so" "k     incomplete"
	refused 10 "wait waits for the key" "still waiting for k" rk wait --timeout 1 k
	logged "the keeper ends to connect again" "a kernel key is due, and needs a new connection: "
	logged "and another one is started" "starting another keeper in "
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM ends it"
}

keys_pid=
keys_kill() { [ -z "$keys_pid" ] || kill "$keys_pid"; }

# The real realmkey-keys, with a directory of keyrings for this test.
keys_program() { "$bin/keys/realmkey-keys" --config "$work/conf/realmkeyd" --directory realmkey.sinks "$@"; }
# serial NAME: of a key; nothing if there is none.
serial() { keys_program --list | awk -v name="$1" '$NF == name { print $1 }'; }
another_serial() { local now; now=$(serial "$1") && [ -n "$now" ] && [ "$now" != "$2" ]; }

sinks_keys()
{
	local first
	conf '[secret k]' 'resource = a/b/c' 'file = k' 'key = user:realmkey-test' '[secret l]' 'resource = a/b/c' \
		'key = logon:realmkey:cli'
	"$bin/keys/realmkey-keys" --config "$work/conf/realmkeyd" --directory realmkey.sinks --socket "$work/keys.sock" \
		2>"$work/keys.log" &
	keys_pid=$!
	on_exit keys_kill
	within 10 test -S "$work/keys.sock"
	daemon_start --keys "$top/$work/keys.sock"
	logged "a secret without a file is delivered to its key" "l: delivered to realmkey:cli"
	within 10 field_is .ready true
	tap $? "and realmkeyd is ready"
	printed "status has no file for it" " -" rk status l
	first=$(serial realmkey-test)
	same "both keys are there" "yes yes" "${first:+yes} $(serial realmkey:cli >"$work/serial"; test -s "$work/serial" && echo yes)"
	runs 0 "a refresh without a change" rk refresh --now
	same "keeps the key" "$first" "$(serial realmkey-test)"
	kill -KILL "$(keeper_of)"
	within 20 field_is .passes 0
	runs 0 "also of another keeper" rk refresh --now
	same "which knows the value" "$first" "$(serial realmkey-test)"
	stored a/b/c "$secret-3"
	runs 0 "a refresh with a change" rk refresh --now
	another_serial realmkey-test "$first"
	tap $? "makes another key"
	runs 0 "its value is in the memory of no process of realmkeyd, of the courier or of realmkey-keys" \
		tests/cli/memory.py "$secret-3" "$daemon_pid" "$(keeper_of)" "$(courier_of)" "$keys_pid" "$(pgrep -P "$keys_pid")"
	runs 1 "while that of the key's name is found" tests/cli/memory.py realmkey-test "$(keeper_of)"
	first=$(serial realmkey:cli)
	pkill -KILL -P "$keys_pid"
	refused 10 "without its connection, a refresh" "kernel key " rk refresh --now
	within 30 another_serial realmkey:cli "$first"
	tap $? "but the next keeper connects again, and makes a new key"
	within 10 field_is '.secrets[1]["last-error"].kind' null
	tap $? "and then there is no error"
	printf '[secret new]\nresource = a/b/c\nfile = new\n' >>"$work/conf/realmkeyd"
	sed -i '/^key = logon/d' "$work/conf/realmkeyd"
	runs 0 "a reload without one key" rk reload
	within 10 test -e "$keyring/new"
	same "revokes it" "" "$(serial realmkey:cli)"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM ends it"
	kill "$keys_pid"
	wait "$keys_pid" 2>/dev/null
	keys_pid=
	keys_program --revoke-all 2>>"$work/keys.log"
	same "no key is left" "" "$(serial realmkey-test)"
}

# The real realmkey-hooks, and the systemd of its own tests (part-hooks.sh).
sinks_hooks()
{
	mkdir -p "$hooks_work/units"
	echo active >"$hooks_work/units/web.service"
	: >"$hooks_work/calls"
	conf '[secret h]' 'resource = a/b/c' 'file = h' 'reload = web.service'
	on_exit hooks_stop
	hooks_systemd_start
	"$here/../../userspace/hooks/realmkey-hooks" --config "$work/conf/realmkeyd" --socket "$hooks_work/sock" \
		--systemd "$top/$hooks_work/private" >>"$hooks_work/log" 2>&1 &
	hooks_pid=$!
	within 10 test -S "$hooks_work/sock"
	daemon_start --hooks "$top/$hooks_work/sock"
	within 20 hooks_called "ReloadUnit web.service replace"
	tap $? "the delivery of a secret reloads its unit" "$(cat "$hooks_work/log" "$work/keeper.log")"
	: >"$hooks_work/calls"
	runs 0 "a refresh without a change" rk refresh --now
	kill -KILL "$(keeper_of)"
	within 20 field_is .passes 0
	runs 0 "also of another keeper" rk refresh --now
	sleep 1	# in which it could be called
	same "calls no hook" "" "$(cat "$hooks_work/calls")"
	stored a/b/c "$secret-4"
	runs 0 "a refresh with a change" rk refresh --now
	within 20 hooks_called "ReloadUnit web.service replace"
	tap $? "reloads the unit once" "$(cat "$hooks_work/log" "$work/keeper.log")"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "SIGTERM ends it"
	hooks_stop
}

part_sinks()
{
	does "trusteed starts" kbs_start sinks || return
	runs 0 "the policy allows the secrets" admin set-resource-policy --allow-all
	sinks_files
	sinks_bad_value
	sinks_reload
	sinks_no_keys
	sinks_keys
	sinks_hooks
	umount "$keyring"
}
