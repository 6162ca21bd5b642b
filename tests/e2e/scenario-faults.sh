# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# An RMM and a signer that misbehave on command (tests/realm/fault), and what each client makes of it: the
# module's three doors, the tool against a KBS, the daemon.

fault() { tests/realm/fault "$realm_name" "$@"; }

# faults_table: FAULT|STATUS of the token|words of it|STATUS at the KBS|words of it. Status 1 is the door's own
# refusal, errno EIO; 7 is a verdict, by our verifier or by the KBS.
faults_table()
{
	cat <<'.'
refuse|1|the RMM failed|1|the RMM failed
error-unknown|1|the RMM failed|1|the RMM failed
error-unknown 600|1|the RMM failed|1|the RMM failed
oversize|1|the RMM failed|1|the RMM failed
oversize 4096|0|OK|0|
overrun|1|the RMM failed|1|the RMM failed
stall 1000|1|the RMM failed|1|the RMM failed
late 500|0|OK|0|
zero-progress 500|0|OK|0|
chunk 7|0|OK|0|
truncated|7|E_CBOR|7|E_CBOR
wrong-challenge|7|E_FRESHNESS|7|E_FRESHNESS: realm challenge is not the one that was given
stale-rem|0|OK|7|REM0 in it is not what the register holds
profile legacy|0|OK|0|
profile 2024|0|OK|0|
profile 2026|0|OK|0|
profile 2023/2024|0|no specification pairs|0|
profile unknown|7|E_PROFILE|7|E_PROFILE: platform profile: unknown
profile 2023/unknown|7|E_PROFILE|7|E_PROFILE: realm profile: unknown
tag 907|0|OK|0|
tag 400|7|E_TOP_TAG|7|E_TOP_TAG: tag 400
.
}

# faults_door FAULT DOOR STATUS WORDS: of the last output.
faults_door()
{
	local line status time text what="$1: $2 ends with $3${4:+, $4}"
	what=${what/"$secret"/the secret}
	line=$(grep "^$2 " <<<"$output")
	read -r _ status time text <<<"$line"
	if [ "$status" = "$3" ] && [[ $text == *"$4"* ]] && [ "$time" -lt 1500 ]; then
		tap 0 "$what"
	else
		tap 1 "$what" "${line:-$output}"
	fi
}

faults_doors_try()
{
	local what token words at_kbs kbs_words tsm_words secret_words
	while IFS='|' read -r what token words at_kbs kbs_words; do
		# shellcheck disable=SC2086 # a fault's name and its argument
		fault $what || tap 1 "$what: can be ordered"
		output=$(realm_sh "/tmp/doors $kbs" 2>&1)
		tsm_words=$words secret_words=$kbs_words
		[ "$token" != 1 ] || tsm_words="Input/output error"
		[ "$at_kbs" != 0 ] || secret_words=$secret
		faults_door "$what" device "$token" "$words"
		faults_door "$what" netlink "$token" "$words"
		faults_door "$what" tsm "$token" "$tsm_words"
		[ "$at_kbs" = 0 ] || faults_door "$what" attest "$at_kbs" "$kbs_words"
		faults_door "$what" get "$at_kbs" "$secret_words"
		fault clear
	done < <(faults_table)
}

# faults_daemon_ends TEXT: the daemon has delivered and is gone.
faults_daemon_ends()
{
	has "$1: says it again until it delivers" "unchanged: s"
	lacks "$1: and delivers" "never"
	same "$1: the last good secret was there all the time" "keyring: $secret" "$(grep '^keyring:' <<<"$output" | sort -u)"
}

# One token (or as many as a handshake tries) fails, and no hand is laid on the daemon.
faults_daemon_try()
{
	local what words count
	while IFS='|' read -r what words count; do
		# shellcheck disable=SC2086 # a fault's name and its argument
		fault $what --count "${count:-1}"
		runs 0 "$what: the daemon goes on, and ends when told to" realm_sh "/tmp/daemon start '$words' && /tmp/daemon end"
		has "$what: it says why" "$words"
		faults_daemon_ends "$what"
	done <<'.'
refuse|the RMM failed
error-unknown 600|the RMM failed|2
oversize|the RMM failed
overrun|the RMM failed
truncated|E_CBOR
wrong-challenge|E_FRESHNESS
stale-rem|REM0 in it is not what the register holds|3
profile unknown|E_PROFILE
tag 400|E_TOP_TAG
.
	runs 0 "no count is left over" fault show
	same "all tokens that were to fail were asked for" "" "$output"
}

# An RMM that makes no progress at all; whoever waits can be told to stop, or waits until it does.
faults_zero_progress()
{
	fault zero-progress
	runs 143 "zero-progress: who waits for a token can be ended" realm_sh \
		"realmkey token >/dev/null & p=\$!; sleep 1; kill \$p; wait \$p"
	runs 0 "zero-progress: the daemon waits" realm_sh "/tmp/daemon start '' && sleep 1"
	same "zero-progress: the secret delivered before can be read" "keyring: $secret" "$output"
	fault clear
	runs 0 "zero-progress: cleared, the daemon delivers" realm_sh "/tmp/daemon end"
	faults_daemon_ends "zero-progress"
}

# The RMM's own patience: 10 s.
faults_stall()
{
	local began=$SECONDS
	fault stall
	runs 0 "stall: the daemon is told of it" realm_sh "/tmp/daemon start 'the RMM failed'"
	lacks "stall: and says so" "never"
	if [ $((SECONDS - began)) -ge 8 ] && [ $((SECONDS - began)) -lt 40 ]; then tap 0 "stall: after the RMM's 10 s"; else
		tap 1 "stall: after the RMM's 10 s" "$((SECONDS - began)) s"; fi
	fault clear
	runs 0 "stall: cleared, the daemon delivers" realm_sh "/tmp/daemon end"
	faults_daemon_ends "stall"
}

# The signer is killed and comes back with the same keys, within the RMM's patience.
faults_die()
{
	fault die 1
	runs 1 "die: a dead signer takes no command" fault refuse
	has "die: and is said to be dead" "is dead"
	runs 0 "die 1: who asks meanwhile gets a token" realm_sh "/tmp/doors $kbs"
	faults_door "die 1" device 0 OK
	faults_door "die 1" get 0 "$secret"
	fault die
	runs 0 "die: the daemon meets no signer" realm_sh "/tmp/daemon start ''"
	fault clear
	runs 0 "die: the signer is back, and the daemon delivers" realm_sh "/tmp/daemon end"
	faults_daemon_ends "die"
}

# What is in use in the realm: memory in KiB that nothing can free, open files.
faults_usage()
{
	realm_sh "sync; echo 3 >/proc/sys/vm/drop_caches; sleep 1
		awk '/^MemAvailable/ { print \$2 }' /proc/meminfo; cut -f 1 /proc/sys/fs/file-nr"
}

# Tokens that break off half-way (short ones, for speed): a page lost for each would be 1200 KiB.
faults_leaks()
{
	local before after
	before=$(faults_usage)
	fault truncated 16
	fault error-unknown 8
	runs 0 "300 tokens in vain" realm_sh "cd /sys/kernel/config/tsm/report/doors && cat /tmp/challenge >inblob
		n=0; while [ \$n -lt 300 ]; do read -r x <outblob && exit 1; n=\$((n + 1)); done 2>/dev/null; echo \$n"
	same "all of them in vain" 300 "$output"
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
	runs 125 "so is a realm that is not there" tests/realm/fault none stall
	fault late 5 --count 3
	runs 0 "what is in force is shown" fault show
	same "with what is left of its count" "late 5 count 3" "$output"
	fault clear late
	runs 0 "until it is cleared" fault show
	same "one by one" "" "$output"
}

scenario_faults()
{
	story_set_up faults || return
	[ "$status" -eq 0 ] || return
	story_endorse
	faults_commands
	tests/realm/realm put faults tests/e2e/faults-doors /tmp/doors
	tests/realm/realm put faults tests/e2e/faults-daemon /tmp/daemon
	tests/realm/realm put faults "$anchors/cpak.pub.jwk" /tmp/anchors.jwk
	realm_sh "chmod 0755 /tmp/doors /tmp/daemon; { printf '\252'; head -c 63 /dev/zero; } >/tmp/challenge
		printf '[kbs]\nurl = $url\nca = $ca\n[secret s]\nresource = a/b/c\nfile = s\nrequired = yes\n' >/tmp/c
		realmkey extend 1 /init >/dev/null"
	runs 0 "without a fault every door opens" realm_sh "/tmp/doors $kbs && realmkey attest $kbs >/dev/null"
	runs 0 "the daemon delivers" realm_sh "realmkeyd --config /tmp/c --once"
	faults_doors_try
	fault stale-rem
	runs 7 "stale-rem: the event log tells whether a token is stale" realm_sh \
		"realmkey token --raw /tmp/t && realmkey log --replay --token /tmp/t"
	has "stale-rem: and which register it is" "REM0 does not fit"
	fault clear
	faults_daemon_try
	faults_zero_progress
	faults_stall
	faults_die
	faults_leaks
	runs 1 "no warning of the kernel" realm_sh "dmesg | grep -E 'WARNING|BUG|Oops|Call trace|hung|stall'"
}
