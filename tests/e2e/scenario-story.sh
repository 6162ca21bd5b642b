# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Deny, endorse, affirm; by both RSI sources; with the number of requests that each step needs.

reference=cca.realm.cca-realm-initial-measurement
ca=/etc/realmkey/ca.pem

# story_set_up NAME: starts a trusteed with one secret, and a realm.
story_set_up()
{
	secret=$(cat /proc/sys/kernel/random/uuid)
	does "trusteed starts" trustee_start "$1"
	[ "$status" -eq 0 ] || return 1
	url=https://10.0.2.2:$trustee_port
	kbs="--url $url --ca $ca"
	printf '%s' "$secret" >"build/e2e/$1.secret"
	runs 0 "the operator stores a secret" admin set-resource --path a/b/c --resource-file "build/e2e/$1.secret"
	lacks "the secret is not echoed" "$secret"
	rm -f "build/e2e/$1.secret"
	runs 0 "the operator sets the affirming policy" admin set-resource-policy --affirming
	does "a realm boots" realm_start "$1"
	[ "$status" -eq 0 ] || return 1
	realm_put tee.pem
}

# counted N TEXT STATUS COMMAND: runs COMMAND in the realm and checks how many requests trusteed has logged meanwhile.
counted()
{
	local before expected=$1 text=$2 kbs_requests='[A-Z]* /kbs/v0/'
	before=$(requests "$kbs_requests")
	runs "$3" "$text" realm_sh "$4"
	same "$text: $expected requests" "$expected" "$(($(requests "$kbs_requests") - before))"
}

story_endorse()
{
	runs 0 "realmkey rim prints the RIM" realm_sh "realmkey rim"
	one_line "the RIM is one line"
	rim=$output
	runs 0 "the operator endorses it" admin set-reference-value $reference "$rim"
}

without_rems() { $in_root jq 'del(.realm."extensible-measurements", ."log-records")'; }

story_sources()
{
	local source claims=()
	for source in device netlink; do
		runs 0 "token by $source" realm_sh "realmkey token --source $source --challenge 00112233 --json"
		claims+=("$($in_root jq -S 'del(..|.signature?)' <<<"$output")")
		runs 0 "measurements by $source" realm_sh "realmkey measurements --source $source"
		runs 0 "extend by $source" realm_sh "realmkey extend --source $source 4 /init"
	done
	has_text=$($in_root jq -r '.. | .challenge? // empty' <<<"${claims[0]}" | head -n 1)
	same "the token carries the challenge, padded with zeros" "00112233$(printf '0%.0s' {1..120})" "$has_text"
	same "both sources give the same claims except for the extended REM" \
		"$(without_rems <<<"${claims[0]}")" "$(without_rems <<<"${claims[1]}")"
	if [ "${claims[0]}" != "${claims[1]}" ]; then tap 0 "an extension shows in the next token"; else
		tap 1 "an extension shows in the next token" "${claims[0]}"; fi
}

story_daemon()
{
	runs 0 "the daemon's configuration" realm_sh "cat >/tmp/realmkeyd.conf <<'.'
[kbs]
url = $url
ca = $ca

[secret one]
resource = a/b/c
file = one/secret
owner = app
group = app
mode = 0440
required = yes
."
	counted 3 "realmkeyd --once delivers one secret" 0 "realmkeyd --config /tmp/realmkeyd.conf --once"
	lacks "the daemon's log does not contain the secret" "$secret"
	runs 0 "the keyring holds the secret" realm_sh "cat /run/realmkey/keyring/one/secret"
	same "the keyring's text is the secret" "$secret" "$output"
	runs 0 "owner and mode" realm_sh "stat -c '%U %G %a' /run/realmkey/keyring/one/secret"
	same "owner and mode are final" "app app 440" "$output"
	runs 0 "the keyring's mount" realm_sh "grep ' /run/realmkey/keyring ' /proc/mounts"
	has "the keyring is nosuid" nosuid
	has "the keyring is nodev" nodev
	has "the keyring is noexec" noexec
	if [[ $output == *noswap* || $output == *ramfs* ]]; then tap 0 "the keyring cannot swap"; else
		tap 1 "the keyring cannot swap" "$output"; fi
	runs 0 "no other file in the keyring" realm_sh "cd /run/realmkey/keyring && find . -type f | sort"
	same "exactly the secret and what the keeper knows of it" "./.digests
./.status
./one/secret" "$output"
	story_notify
}

# READY=1 reaches a service manager's socket when every required secret is there, not before.
story_notify()
{
	realm_put notify_listen
	runs 0 "the daemon sends READY=1 to the service manager" realm_sh "
		rm -f /tmp/notify; /tmp/notify_listen /tmp/notify.sock /tmp/notify & l=\$!
		sleep 1; NOTIFY_SOCKET=/tmp/notify.sock realmkeyd --config /tmp/realmkeyd.conf & d=\$!
		for i in 1 2 3 4 5 6 7 8 9 10; do grep -q READY=1 /tmp/notify 2>/dev/null && break; sleep 1; done
		kill \$d \$l; wait; grep READY=1 /tmp/notify"
}

# The tests for any realm, as their package runs them: run_kselftest.sh checks each program's plan and how it ended;
# cca_foreign.ko extends registers without the module's knowledge.
story_kselftest()
{
	local tests=/usr/lib/realmkey/tests files=build/e2e/kselftest
	does "the files that the tests of a realm need are built" $in_root make -s -C tests/kselftest OUT=../../$files extras
	does "run_kselftest.sh is copied" tests/realm/realm put "$realm_name" $files/run_kselftest.sh $tests/run_kselftest.sh
	does "cca_foreign.ko is copied" tests/realm/realm put "$realm_name" $files/cca_foreign.ko $tests/cca_foreign.ko
	sub_tap kselftest < <(TIMEOUT=300 realm_sh "sh $tests/run_kselftest.sh" 2>&1; echo "@exit $?")
}

scenario_story()
{
	story_set_up story || return
	runs 0 "the kernel found RSI" realm_sh "dmesg | grep 'RME: Using RSI'"
	runs 0 "the module is loaded" realm_sh "grep cca_rsi /proc/modules"
	story_sources

	counted 3 "a cold get is denied" 8 "realmkey get-resource $kbs --path a/b/c"
	lacks "the secret is not printed" "$secret"
	has "the denial names the claim" "executables"
	has "and the reference value that is missing" "$reference"
	counted 2 "attest prints an EAR" 0 "realmkey attest $kbs >/tmp/ear"
	runs 0 "verify shows the EAR" realm_sh "realmkey verify /tmp/ear"
	has "the words of the warning" "Executables [warning]: unrecognized run-time"
	story_endorse
	has_rim=$rim
	counted 3 "a cold get needs three requests" 0 "realmkey get-resource $kbs --path a/b/c"
	same "and prints the secret" "$secret" "$output"
	runs 0 "the same in base64" realm_sh "realmkey get-resource $kbs --path a/b/c --base64"
	same "as other tools print it" "$(printf '%s' "$secret" | base64)" "$output"
	counted 2 "attest with a key from a file" 0 "realmkey attest $kbs --tee-key-file /tmp/tee.pem >/tmp/ear"
	counted 1 "a get after that attest needs one request" 0 \
		"realmkey get-resource $kbs --path a/b/c --attestation-token /tmp/ear --tee-key-file /tmp/tee.pem"
	same "and prints the secret too" "$secret" "$output"
	runs 0 "verify shows affirming" realm_sh "realmkey verify /tmp/ear"
	has "executables affirming" "Executables [affirming]: recognized and approved boot-time"
	runs 0 "get by netlink" realm_sh "realmkey get-resource $kbs --source netlink --path a/b/c"
	same "gives the same" "$secret" "$output"
	story_daemon

	runs 0 "each verdict says that the anchor is the bench's" grep -i "development\|bench" "$trustee_log"
	story_kselftest
	runs 0 "the module unloads" realm_sh "rmmod cca_rsi"
	runs 0 "and is loaded again when its netlink family is requested" realm_sh "realmkey rim"
	same "with the same RIM" "$has_rim" "$output"
	runs 0 "the module is unloaded and cannot be loaded by the kernel" realm_sh "rmmod cca_rsi && echo >/proc/sys/kernel/modprobe"
	runs 13 "realmkey says that the module is missing" realm_sh "realmkey rim"
	one_line "in one line"
	runs 0 "the module is loaded again" realm_sh "echo /sbin/modprobe >/proc/sys/kernel/modprobe && modprobe cca_rsi && realmkey rim"
	same "with the same RIM still" "$has_rim" "$output"
	runs 1 "the kernel has logged no warning" realm_sh "dmesg | grep -E 'WARNING|BUG|Oops|Call trace'"
}
