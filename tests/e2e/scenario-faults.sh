# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# An RMM and a signer that misbehave on command (tests/realm/fault), and how each client reacts: the module's three
# interfaces, the tool with a KBS, the daemon.

fault() { tests/realm/fault "$realm_name" "$@"; }

# faults_table: FAULT|CENTISECONDS|STATUS of the token|its words|STATUS with the KBS|its words. A token takes at least
# that many centiseconds. Status 1 is an error of the interface, EIO; 7 is a verdict, by our verifier or by the KBS.
faults_table()
{
	cat <<'.'
refuse|0|1|the RMM failed|1|the RMM failed
error-unknown|0|1|the RMM failed|1|the RMM failed
error-unknown 600|0|1|the RMM failed|1|the RMM failed
oversize|0|1|the RMM failed|1|the RMM failed
oversize 4096|0|0|OK|0|
overrun|0|1|the RMM failed|1|the RMM failed
stall 1000|100|1|the RMM failed|1|the RMM failed
late 500|50|0|OK|0|
zero-progress 500|50|0|OK|0|
chunk 7|0|0|OK|0|
truncated|0|7|E_CBOR|7|E_CBOR
wrong-challenge|0|7|E_FRESHNESS|7|E_FRESHNESS: realm challenge is not the one that was given
stale-rem|0|0|OK|7|REM0 in it is not what the register holds
profile legacy|0|0|OK|0|
profile 2024|0|0|OK|0|
profile 2026|0|0|OK|0|
profile 2023/2024|0|0|no specification pairs|0|
profile unknown|0|7|E_PROFILE|7|E_PROFILE: platform profile: unknown
profile 2023/unknown|0|7|E_PROFILE|7|E_PROFILE: realm profile: unknown
tag 907|0|0|OK|0|
tag 400|0|7|E_TOP_TAG|7|E_TOP_TAG: tag 400
.
}

# faults_in_time CLIENT LEAST TIME, in centiseconds: not sooner than the fault takes, and later only by the time that a
# busy machine needs (4 s at a load of 9 on two CPUs), which is less than the RMM's time limit of 10 s.
faults_in_time()
{
	local slack=600
	case $1 in get | attest) slack=800 ;; esac
	[ "$3" -ge "$2" ] && [ "$3" -lt $(($2 + slack)) ]
}

# faults_client FAULT CLIENT LEAST STATUS [WORDS]: checks the client's line in the last output.
faults_client()
{
	local line status time text words=${5-} what="$1: $2 ends in time with $4${5:+, $5}"
	what=${what/"$secret"/the secret}
	line=$(grep "^$2 " <<<"$output")
	read -r _ status time text <<<"$line"
	if [ "$status" = "$4" ] && [[ $text == *"$words"* ]] && faults_in_time "$2" "$3" "$time"; then
		tap 0 "$what"
	else
		tap 1 "$what" "${line:-$output}"
	fi
}

faults_clients_try()
{
	local what least token words at_kbs kbs_words tsm_words secret_words
	while IFS='|' read -r what least token words at_kbs kbs_words; do
		# shellcheck disable=SC2086 # a fault's name and its argument
		fault $what || tap 1 "$what: can be requested"
		output=$(realm_sh "/tmp/clients $kbs" 2>&1)
		tsm_words=$words secret_words=$kbs_words
		[ "$token" != 1 ] || tsm_words="Input/output error"
		[ "$at_kbs" != 0 ] || secret_words=$secret
		faults_client "$what" device "$least" "$token" "$words"
		faults_client "$what" netlink "$least" "$token" "$words"
		faults_client "$what" tsm "$least" "$token" "$tsm_words"
		[ "$at_kbs" = 0 ] || faults_client "$what" attest "$least" "$at_kbs" "$kbs_words"
		faults_client "$what" get "$least" "$at_kbs" "$secret_words"
		fault clear
	done < <(faults_table)
}

# faults_daemon_ends TEXT: the daemon has delivered and has ended.
faults_daemon_ends()
{
	has "$1: tries again until it delivers" "the KBS has confirmed it"
	lacks "$1: and delivers in time" "never"
	same "$1: the last good secret was there all the time" "keyring: $secret" "$(grep '^keyring:' <<<"$output" | sort -u)"
}

# One token fails, or as many as a handshake tries, and the daemon gets no signal meanwhile. If the table has no words,
# it must deliver at once.
faults_daemon_try()
{
	local what words count
	while IFS='|' read -r what words count; do
		# shellcheck disable=SC2086 # a fault's name and its argument
		fault $what --count "${count:-1}"
		runs 0 "$what: the daemon continues, and ends on SIGTERM" realm_sh "/tmp/daemon start '$words' && /tmp/daemon end"
		if [ -n "$words" ]; then has "$what: it logs why" "$words"; else
			lacks "$what: it logs no failure" "trying again"; fi
		faults_daemon_ends "$what"
	done <<'.'
refuse|the RMM failed
error-unknown 600|the RMM failed|2
oversize|the RMM failed
oversize 4096|
overrun|the RMM failed
late 500|
cut|
zero-progress 500|
chunk 7|
truncated|E_CBOR
wrong-challenge|E_FRESHNESS
stale-rem|REM0 in it is not what the register holds|3
profile legacy|
profile 2024|
profile 2026|
profile 2023/2024|
profile unknown|E_PROFILE
profile 2023/unknown|E_PROFILE
tag 907|
tag 400|E_TOP_TAG
.
	runs 0 "no count is left" fault show
	same "each token that had to fail was requested" "" "$output"
}

# An RMM that makes no progress at all: a client that waits can be ended, or waits until the fault is cleared.
faults_zero_progress()
{
	local client
	fault zero-progress
	output=$(realm_sh "END=1 CLIENTS='device netlink tsm' /tmp/clients" 2>&1)
	for client in device netlink tsm; do
		faults_client "zero-progress, SIGTERM" $client 100 143
	done
	runs 0 "zero-progress: the daemon can be killed" realm_sh "/tmp/daemon stop 3"
	faults_client "zero-progress, SIGTERM and after 3 s SIGKILL" daemon 300 137
	lacks "zero-progress: it has waited, and ends without a message" "trying again"
	same "zero-progress: what it delivered before stays" "keyring: $secret" "$(grep '^keyring:' <<<"$output")"
	runs 0 "zero-progress: the daemon waits" realm_sh "/tmp/daemon start '' && sleep 1"
	same "zero-progress: the secret delivered before can be read" "keyring: $secret" "$output"
	runs 0 "zero-progress: registers can be read meanwhile" realm_sh "timeout 10 realmkey measurements"
	runs 143 "zero-progress: another token waits too" realm_sh "timeout 2 realmkey token --source device --json"
	fault clear
	runs 0 "zero-progress: cleared, the daemon delivers" realm_sh "/tmp/daemon end"
	faults_daemon_ends "zero-progress"
	fault zero-progress 4000
	runs 0 "zero-progress 4000: the daemon can be ended" realm_sh "/tmp/daemon stop 8"
	faults_client "zero-progress 4000, SIGTERM" daemon 100 0
	fault clear
}

# faults_daemon_patient FAULT: the fault is in force, and the daemon gets an error when the RMM gives up, after 10 s.
faults_daemon_patient()
{
	local began=$SECONDS
	runs 0 "$1: the daemon gets an error" realm_sh "WITHIN=15 /tmp/daemon start 'the RMM failed'"
	lacks "$1: and logs it" "never"
	if [ $((SECONDS - began)) -ge 8 ]; then tap 0 "$1: after the RMM's 10 s"; else
		tap 1 "$1: after the RMM's 10 s" "$((SECONDS - began)) s"; fi
	fault clear
	runs 0 "$1: cleared, the daemon delivers" realm_sh "/tmp/daemon end"
	faults_daemon_ends "$1"
}

# The signer is killed and comes back with the same keys, within the RMM's time limit.
faults_die()
{
	fault late 5
	fault die 1
	runs 1 "die: a dead signer refuses commands" fault refuse
	has "die: with the reason" "is dead"
	runs 0 "die 1: clients that ask meanwhile get a token" realm_sh "/tmp/clients $kbs"
	faults_client "die 1" device 0 0 OK
	faults_client "die 1" get 0 0 "$secret"
	runs 0 "die: what was in force is shown" fault show
	same "die: the new signer has no fault" "" "$output"
	fault die
	runs 0 "die: the daemon starts without a signer" realm_sh "/tmp/daemon start ''"
	fault clear
	runs 0 "die: the signer is back, and the daemon delivers" realm_sh "/tmp/daemon end"
	faults_daemon_ends "die"
}

# The signer stays away: each client gets an error after the RMM's time limit.
faults_dead()
{
	local client words
	fault die
	output=$(TIMEOUT=150 realm_sh "/tmp/clients $kbs" 2>&1)
	for client in device netlink tsm attest get; do
		words="the RMM failed"
		[ $client != tsm ] || words="Input/output error"
		faults_client "die" $client 1000 1 "$words"
	done
	faults_daemon_patient "die"
}

# The signer breaks off in the middle of its answer. The RMM asks again after 2 s, and half an answer does not damage the
# next one. If each answer is cut, the RMM gives up.
faults_cut()
{
	local client
	for client in device netlink tsm get; do
		fault cut --count 1
		output=$(realm_sh "CLIENTS=$client /tmp/clients $kbs" 2>&1)
		faults_client "cut" $client 200 0 "$([ $client = get ] && echo "$secret" || echo OK)"
	done
	fault cut
	output=$(realm_sh "CLIENTS=device /tmp/clients" 2>&1)
	faults_client "cut, each time" device 1000 1 "the RMM failed"
	fault clear
}

# The answer comes later than the RMM waits; it is dropped then.
faults_too_late()
{
	fault late 11000 --count 1
	output=$(realm_sh "CLIENTS='device netlink' /tmp/clients" 2>&1)
	faults_client "late 11000" device 1000 1 "the RMM failed"
	faults_client "late 11000, the next token" netlink 0 0 OK
}

# A second realm, for the faults that last until the RMM's time limit; its TAP goes to standard output.
faults_second()
{
	tap_count=0 tap_failed=0
	does "another realm boots" realm_start faults-second
	faults_prepare faults-second
	faults_too_late
	faults_cut
	fault stall
	faults_daemon_patient "stall"
	faults_dead
	faults_healthy
	realm_stop
	tap_done
}

faults_second_stop()
{
	[ -n "$faults_second_pid" ] || return 0
	kill "$faults_second_pid" 2>/dev/null
	tests/realm/realm stop faults-second 2>/dev/null
}

# faults_usage: prints the memory in KiB that is available in the realm, and the number of open files.
faults_usage()
{
	realm_sh "sync; echo 3 >/proc/sys/vm/drop_caches; sleep 1
		awk '/^MemAvailable/ { print \$2 }' /proc/meminfo; cut -f 1 /proc/sys/fs/file-nr"
}

# Tokens that break off half-way (short ones, for speed): one leaked page for each would be 1200 KiB.
faults_leaks()
{
	local before after
	before=$(faults_usage)
	fault truncated 16
	fault error-unknown 8
	runs 0 "300 tokens that fail" realm_sh "cd /sys/kernel/config/tsm/report/clients && cat /tmp/challenge >inblob
		n=0; while [ \$n -lt 300 ]; do read -r x <outblob && exit 1; n=\$((n + 1)); done 2>/dev/null; echo \$n"
	same "all of them fail" 300 "$output"
	fault clear
	after=$(faults_usage)
	before=${before//$'\n'/ } after=${after//$'\n'/ }
	if [ $((${before% *} - ${after% *})) -lt 900 ]; then tap 0 "no memory is lost"; else
		tap 1 "no memory is lost" "KiB available and files open: $before, then $after"; fi
	if [ $((${after#* } - ${before#* })) -lt 100 ]; then tap 0 "no file is left open"; else
		tap 1 "no file is left open" "KiB available and files open: $before, then $after"; fi
}

faults_commands()
{
	runs 0 "the faults are listed" tests/realm/fault --list
	has "by name" "wrong-challenge"
	runs 1 "an unknown fault is refused" fault burn
	one_line "in one line"
	runs 125 "a realm that does not exist is refused" tests/realm/fault none stall
	fault late 5 --count 3
	runs 0 "what is in force is shown" fault show
	same "with what is left of its count" "late 5 count 3" "$output"
	fault clear late
	runs 0 "until it is cleared" fault show
	same "one by one" "" "$output"
}

# faults_prepare REALM: copies what the tests run into it, and has a secret delivered to its keyring.
faults_prepare()
{
	tests/realm/realm put "$1" tests/e2e/faults-clients /tmp/clients
	tests/realm/realm put "$1" tests/e2e/faults-daemon /tmp/daemon
	tests/realm/realm put "$1" "$anchors/cpak.pub.jwk" /tmp/anchors.jwk
	realm_sh "chmod 0755 /tmp/clients /tmp/daemon; { printf '\252'; head -c 63 /dev/zero; } >/tmp/challenge
		printf '[kbs]\nurl = $url\nca = $ca\n[secret s]\nresource = a/b/c\nfile = s\nrequired = yes\n' >/tmp/c
		realmkey extend 1 /init >/dev/null"
	runs 0 "without a fault each client gets a token" realm_sh "/tmp/clients $kbs && realmkey attest $kbs >/dev/null"
	runs 0 "the daemon delivers" realm_sh "realmkeyd --config /tmp/c --once"
}

faults_healthy() { runs 1 "the kernel has logged no warning" realm_sh "dmesg | grep -E 'WARNING|BUG|Oops|Call trace|hung|stall'"; }

scenario_faults()
{
	story_set_up faults || return
	[ "$status" -eq 0 ] || return
	story_endorse
	faults_second >build/e2e/faults-second.tap 2>&1 &
	faults_second_pid=$!
	on_exit faults_second_stop
	faults_commands
	faults_prepare faults
	faults_clients_try
	fault stale-rem
	runs 7 "stale-rem: the event log shows that a token is stale" realm_sh \
		"realmkey token --raw /tmp/t && realmkey log --replay --token /tmp/t"
	has "stale-rem: and for which register" "REM0 does not fit"
	fault clear
	faults_daemon_try
	faults_zero_progress
	faults_die
	faults_leaks
	faults_healthy
	wait "$faults_second_pid"
	faults_second_pid=
	sub_tap "second realm" <build/e2e/faults-second.tap
}
