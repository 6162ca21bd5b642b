# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The event log as users and programs use it: extend, print, replay, compare with a token, watch; and the records that
# the daemon adds.

# log_fits TEXT: the log, replayed, gives the values that the registers have now.
log_fits()
{
	runs 0 "$1" realm_sh "realmkey log --replay"
	lacks "$1: every register" "does not fit"
}

log_extend()
{
	log_fits "a log replays after boot"
	has "it begins with the value of REM0" "0 REM0  base sha-256:"
	has "each register fits" "REM3 fits"
	runs 0 "an extension with type and text, by device" \
		realm_sh "realmkey extend 2 /init --source device --event-type EV_IPL --event 'the first program'"
	has "prints the number of its record" "record 4"
	runs 0 "the log has it" realm_sh "realmkey log"
	has "with register and type" "4 REM1  EV_IPL sha-256:$(realm_sh "sha256sum /init" | cut -d ' ' -f 1)"
	has "with its text" '"the first program"'
	runs 0 "an extension with a number for a type, by netlink" \
		realm_sh "realmkey extend 2 /etc/passwd --source netlink --event-type 0x80000007 --event users"
	runs 0 "an extension without type and text" realm_sh "realmkey extend 3 /etc/passwd"
	runs 0 "is in the log" realm_sh "realmkey log"
	has "as EV_IPL" "6 REM2  EV_IPL "
	log_fits "a log replays after extensions"
	has "they are counted" "REM1 fits, 2 extensions"
	runs 2 "EV_NO_ACTION cannot be extended" realm_sh "realmkey extend 2 /init --event-type EV_NO_ACTION"
	one_line "with one line"
}

log_sources()
{
	runs 0 "both sources and the device itself give one log" realm_sh "cd /tmp
		cat /dev/cca-rsi >log && realmkey log log >file.txt && realmkey log --source device >device.txt &&
		realmkey log --source netlink >netlink.txt && cmp file.txt device.txt && cmp file.txt netlink.txt"
	runs 0 "the log in JSON" realm_sh "realmkey log --replay --json"
	same "has each record, and fits" "7 true null" \
		"$($in_root jq -r '"\(.records | length) \(.replay.fits) \(.replay["first-misfit"])"' <<<"$output")"
}

# A log that was saved is compared with a token, and with registers that were extended since.
log_compare()
{
	runs 0 "a token made right after the log was saved" realm_sh "realmkey token --raw /tmp/token"
	same "realmkey prints what it covers" "covers 7 records of the event log" "$output"
	runs 0 "the same by netlink, in JSON" realm_sh "realmkey token --source netlink --json"
	same "as a number" 7 "$($in_root jq '."log-records"' <<<"$output")"
	runs 0 "log and token agree" realm_sh "realmkey log --replay --token /tmp/token /tmp/log"
	runs 0 "one more extension" realm_sh "realmkey extend 2 /etc/group --event-type EV_IPL --event groups"
	runs 7 "the token does not cover it" realm_sh "realmkey log --replay --token /tmp/token /dev/cca-rsi"
	has "which record does not fit" "record 7 does not fit: REM1"
	has "and how many records the token covers" "the token fits the first 7 of 8 records"
	runs 0 "the records that the token covers fit it" \
		realm_sh "realmkey log --replay --token /tmp/token --records 7"
	has "each register fits" "REM3 fits"
	lacks "and the later record is not shown" "groups"
	runs 7 "the saved log does not fit the registers" realm_sh "realmkey log --replay /tmp/log"
	has "which register does not fit" "REM1 does not fit"
	has "and which do" "REM2 fits"
	runs 7 "a log with a changed digest does not fit" realm_sh "cd /tmp; cat /dev/cca-rsi >changed
		printf X | dd of=changed bs=1 conv=notrunc seek=\$((\$(stat -c %s changed) - 20)) 2>/dev/null
		realmkey log --replay changed"
	runs 12 "a log that is cut off is refused" realm_sh "head -c 200 /tmp/log | realmkey log -"
	one_line "with one line"
}

# Waits until a generic netlink socket is in a group besides the controller's (the mask 8000), which a watcher joins
# first.
until_watched='for i in $(seq 50); do
	awk "\$2 == 16 && \$4 != \"00000000\" && \$4 != \"00008000\"" /proc/net/netlink | grep -q . && break; sleep 0.1; done'

log_watch()
{
	runs 0 "watch prints two extensions when they happen" realm_sh "cd /tmp; realmkey watch --count 2 >watched & w=\$!
		$until_watched
		realmkey extend 4 /etc/group >/dev/null && realmkey extend 1 /etc/group --event-type EV_ACTION --source netlink >/dev/null
		wait \$w && cat watched"
	has "the first" "8 REM3  EV_IPL "
	has "and the second" "9 REM0  EV_ACTION "
	runs 143 "watch goes on until it is interrupted" realm_sh "timeout 2 realmkey watch"
}

log_daemon()
{
	runs 0 "the daemon is configured to measure deliveries" realm_sh "cat >/tmp/realmkeyd.conf <<'.'
[kbs]
url = $url
ca = $ca
[measure]
register = REM3
[secret one]
resource = a/b/c
.
"
	runs 0 "it delivers" realm_sh "realmkeyd --config /tmp/realmkeyd.conf --once"
	runs 0 "the secret is there" realm_sh "cat /run/realmkey/keyring/one"
	same "and complete" "$secret" "$output"
	log_fits "a log with a delivery replays"
	has "it has a record of the delivery" 'REM3  EV_EVENT_TAG sha-256:'
	has "with the digest of the JWE" 'realmkey deliver {"jwe":"sha-256:'
	has "with the resource" '"resource":"a/b/c"}'
	lacks "and without the secret" "$secret"
}

# The longest possible event, written and read through each interface.
log_longest()
{
	local source
	for source in device netlink; do
		runs 0 "an event of 4096 bytes is accepted by $source" realm_sh \
			"realmkey extend 3 /init --source $source --event \$(head -c 4096 /dev/zero | tr '\\0' x)"
	done
	runs 2 "an event of 4097 bytes is refused" realm_sh "realmkey extend 3 /init --event \$(head -c 4097 /dev/zero | tr '\\0' x)"
	one_line "with one line"
	runs 0 "4096 bytes from a file are accepted, and are in the log" realm_sh "cd /tmp; head -c 4096 /dev/urandom >event
		realmkey extend 3 event --event-file event && realmkey log --json >json &&
		grep -q \"\$(od -An -v -tx1 event | tr -d ' \\n')\" json"
	runs 12 "4097 bytes from a file are refused" realm_sh "head -c 4097 /dev/zero | realmkey extend 3 /init --event-file -"
	one_line "with one line"
	runs 0 "device and netlink return the same log with them" realm_sh "cd /tmp; realmkey log --source device >device.txt &&
		realmkey log --source netlink | cmp - device.txt && cat device.txt"
	has "which has all of an event" "... (4096 bytes)"
	log_fits "a log with long events replays"
}

# The registers outlive the module, but its log does not: a new log has a gap for the extensions that it lacks.
log_reload()
{
	runs 13 "watch ends with the module" realm_sh "realmkey watch & w=\$!
		$until_watched
		rmmod cca_rsi; wait \$w"
	one_line "with one line"
	has "that says why" "the module was unloaded"
	runs 0 "the module is loaded again" realm_sh "modprobe cca_rsi && realmkey extend 1 /init"
	log_fits "the new log replays too"
	has "and reports the gap" "REM0 fits, 1 extension, 1 gap"
}

scenario_log()
{
	story_set_up log || return
	story_endorse
	log_extend
	log_sources
	log_compare
	log_watch
	log_daemon
	log_longest
	log_reload
}
