# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# realmkeyd --check, also online, and --plan.

checked() { realmkeyd --check --config "$work/conf/realmkeyd"; }
asked_online() { realmkeyd_here --check --online --config "$work/conf/realmkeyd"; }
planned() { realmkeyd --plan --config "$work/conf/realmkeyd" --keyring "$keyring" "$@"; }

# Each error and warning, in one go.
config_checked()
{
	local conf=$work/conf/realmkeyd
	conf '[secret s]' 'resource = a/b/c'
	printed "a good configuration" "$conf: 0 errors, 0 warnings" checked
	mkdir "$conf.d"
	printf '[log]\nextend = 4\n[secret a]\nmode = 0444\nowner = nobody-at-all\n' >"$conf.d/10-a.conf"
	printf '[kbs]\ncolour = blue\nca = /nonexistent\n' >"$conf.d/20-b.conf"
	printf '[kbs]\nca = %s\n' "$top/tests/tap.sh" >"$conf.d/30-c.conf"
	ran checked
	same "errors end a check with status 3" 3 "$status"
	same "each is reported with its place, on standard output" "\
warning: $conf.d/10-a.conf:2: [log] extend: write [measure] register = REM3 instead
error: $conf.d/10-a.conf:3: [secret a] resource: missing
error: $conf.d/20-b.conf:2: [kbs] colour: unknown key
error: $conf.d/10-a.conf:5: [secret a] owner: no user 'nobody-at-all'
error: $conf.d/30-c.conf:2: [kbs] ca: $top/tests/tap.sh: no certificate in PEM form
warning: $conf.d/10-a.conf:4: [secret a] mode: 0444 lets every user read the secret
$conf: 4 errors, 2 warnings" "$(cat "$work/out")"
	same "nothing is on standard error" "" "$(cat "$work/err")"
	rm -r "$conf.d"
	conf '[secret s]' 'resource = a/b/c'
	sed -i 's/^url/timeout = 2m\nurl/' "$conf"
	printed "a time-out is compared with the watchdog of the unit" "set WatchdogSec to 500 or more, not 300" checked
	same "which is" WatchdogSec=5min "$(grep WatchdogSec userspace/install/realmkeyd.service.in)"
	printed "or with that of the service" "set WatchdogSec to 500 or more, not 60" \
		env WATCHDOG_USEC=60000000 "$bin/keeper/realmkeyd" --check --config "$conf"
	config_sinks_checked
	refused 2 "--online needs --check" "use one of --check [--online]" realmkeyd --online
	refused 2 "--check and --plan are two commands" "use one of --check [--online]" realmkeyd --check --plan
	refused 2 "--json needs --plan" "use one of --check [--online]" realmkeyd --check --json
}

# Keys, credentials, local programs and hooks: the other programs that they need.
config_sinks_checked()
{
	local conf=$work/conf/realmkeyd missing
	conf '[secret s]' 'resource = a/b/c' 'key = logon:realmkey:s' 'credential = nobodys.service' \
		'allow = uid:0' 'signal = nobodys.service HUP' '[file f]' 'secret = s' '[file g]' 'template = /nonexistent'
	ran checked
	same "a template that is not there ends a check" 3 "$status"
	has "and is named" "error: $conf:13: [file g] template: /nonexistent: No such file or directory"
	sed -i '/^\[file g/,$d' "$conf"
	ran env SYSTEMD_UNIT_PATH=/nonexistent "$bin/keeper/realmkeyd" --check --config "$conf"
	same "units and sockets that are missing do not" 0 "$status"
	has "a unit is named" "warning: $conf:7: [secret s] credential: systemd has no unit nobodys.service on this machine"
	has "a unit of a hook too" "warning: $conf:9: [secret s] signal: systemd has no unit nobodys.service"
	for missing in keys hooks credentials api; do
		has "the socket of realmkey-$missing is looked for" "there is no socket /run/realmkey/$missing.sock; start or enable realmkey-$missing.socket"
	done
	has "and all are counted" "$conf: 0 errors, 6 warnings"
	conf '[secret s]' 'resource = a/b/c'
	ran checked
	lacks "a configuration with files alone needs none of them" "no socket"
}

config_online()
{
	conf '[secret s]' 'resource = a/b/c' '[secret none]' 'resource = a/b/none' 'required = no'
	ran asked_online
	same "--online that is denied has the status of the denial" 8 "$status"
	has "the realm was attested" "attestation: the KBS accepts this realm"
	has "the denied secret is named" "error: s: a/b/c: resource a/b/c: denied"
	has "with the reference value to set" "$reference"
	runs 0 "the RIM is endorsed" admin set-reference-value "$reference" "$(realmkey_here rim)"
	ran asked_online
	same "--online succeeds if an optional secret is missing" 0 "$status"
	has "the KBS releases the required one" "s: a/b/c: the KBS releases it"
	has "the missing one is named" "warning: none: a/b/none: "
	lacks "the secret is not printed" "$secret"
	runs 0 "nothing was delivered" test ! -e "$keyring"
	sed -i '/required/d' "$work/conf/realmkeyd"
	ran asked_online
	same "a required one that is missing has its status" 9 "$status"
	sed -i 's/^url = .*/url = https:\/\/127.0.0.1:9/' "$work/conf/realmkeyd"
	ran asked_online
	same "without a KBS it has the status of the network" 5 "$status"
	has "and says so" "error: attestation: "
}

config_planned()
{
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' 'mode = 0440' '[secret t]' 'resource = a/b/c'
	printed "without a keyring, all is new" "add     s  d/s" planned
	runs 0 "the secrets are delivered" once
	printed "then nothing would change" "0 changes, 2 secrets unchanged" planned
	printf 'x' | admin set-resource --path a/b/d --resource-file - >/dev/null
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' 'owner = 1001' '[secret u]' 'resource = a/b/d' \
		'[secret v]' 'resource = a/b/d' 'file = t'
	ran planned
	same "another configuration would change this" "\
change  s  d/s: mode 0440 -> 0400, owner 0:0 -> 1001:0
add     u  u
fetch   v  t: resource a/b/c -> a/b/d
3 changes, 0 secrets unchanged" "$output"
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' 'mode = 0440'
	ran planned
	same "and one with a secret less, this" "remove  t  t
1 change, 1 secret unchanged" "$output"
	ran planned --json
	same "in JSON too" '[{"action":"remove","name":"t","file":"t","resource":"a/b/c","reason":""}] 1' \
		"$(jq -c .changes "$work/out") $(jq .unchanged "$work/out")"
	same "a plan changes nothing" "440 400" "$(stat -c %a "$keyring/d/s" "$keyring/t" | tr '\n' ' ' | sed 's/ $//')"
	runs 0 "a start does what was planned" once
	runs 0 "the secret of the old configuration is gone" test ! -e "$keyring/t"
	printed "and no change is left" "0 changes, 1 secret unchanged" planned
	config_sinks_planned
	ln -s / "$keyring/link"
	conf '[secret s]' 'resource = a/b/c' 'file = link/etc/passwd'
	ran planned
	has "no link leads out of the keyring" "add     s  link/etc/passwd"
	refused 3 "an error in the configuration" "/nonexistent: No such file" realmkeyd --plan --config /nonexistent
	umount "$keyring" && rmdir "$keyring"
}

# What is in the keyring for local programs, and files of templates. Keys are known by what the keeper has published.
config_sinks_planned()
{
	local before
	before=$(cat "$work/conf/realmkeyd")
	printf 'A={{ s }}\n' >"$work/template"
	conf '[secret s]' 'resource = a/b/c' 'file = d/s' 'mode = 0440' 'allow = uid:0' 'key = user:s' \
		'[file env]' "template = $PWD/$work/template" 'file = app/env' 'owner = 1001'
	ran planned
	same "further sinks are added" "\
add     s  key user:s
add     s  served
add     env  app/env
3 changes, 0 secrets unchanged" "$output"
	ran planned --json
	same "in JSON with members of their own" '["user:s",null,null] [null,true,null] [null,null,"app/env"]' \
		"$(jq -rc '[.changes[].key], [.changes[].served], [.changes[].file]' "$work/out" | paste -sd' ')"
	mkdir "$keyring/app"
	printf x >"$keyring/app/env"
	printf x >"$keyring/.serve.s"
	sed -i '/^key/d' "$work/conf/realmkeyd"
	ran planned
	same "a file of a template is compared like others" "\
change  env  app/env: mode $(stat -c 0%a "$keyring/app/env") -> 0400, owner 0:0 -> 1001:0
1 change, 1 secret unchanged" "$output"
	printf '%s\n' "$before" >"$work/conf/realmkeyd"
	ran planned
	same "what is no longer configured is removed" "\
remove  s  served
remove  -  app/env
2 changes, 0 secrets unchanged" "$output"
	rm -r "$keyring/app" "$keyring/.serve.s"
}

# While it waits for a KBS that does not answer.
config_confined()
{
	local keeper pid
	keeper=$(id -u realmkey 2>/dev/null || echo 61183)
	does "a KBS that never answers starts" silence_start || return
	conf '[secret s]' 'resource = a/b/c'
	ASAN_OPTIONS=detect_leaks=0 "$here/realmkeyd_here" --courier "$REALMKEY_COURIER" --check --online \
		--config "$work/conf/realmkeyd" >"$work/out" 2>&1 &
	pid=$!
	wait_for "POST /kbs/v0/auth" "$work/silence.log"
	tap $? "and has received a request"
	output=$(cat "/proc/$pid/status")
	has "--online is confined as the keeper is: another user than root" "Uid:	$keeper	$keeper	$keeper	$keeper"
	has "no capability to gain" "CapBnd:	0000000000000000"
	has "a seccomp filter" "Seccomp:	2"
	same "and an empty root directory" "" "$(ls -A "/proc/$pid/root/")"
	kill "$pid"
	wait "$pid"
}

part_config()
{
	url=https://127.0.0.1:9
	config_checked
	does "trusteed starts" kbs_start config --verbose || return
	config_online
	config_planned
	trustee_stop
	config_confined
}
