# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The event log of firmware: the bench's RMM extends REM0 and REM1 before the kernel starts, and the device tree names
# a log of that, which is right, incomplete, wrong, or too long.

# shellcheck source=tests/realm/event_log.sh
. tests/realm/event_log.sh

# boot_realm NAME: boots a realm with build/e2e/boot-NAME.log, whose three extensions the RMM makes.
boot_realm()
{
	export EVENT_LOG=build/e2e/boot-$1.log
	EXTEND=$(boot_extend)
	export EXTEND
	does "a realm boots: $1 log of firmware" realm_start "bootlog-$1"
	runs 0 "what the kernel says of it" realm_sh "dmesg | grep -F 'event log' | sed 's/.*cca_rsi: //'; true"
	kernel_says=$output
	runs 0 "its log, with the kernel's registers" realm_sh "realmkey log --replay"
}

boot_right()
{
	boot_log >build/e2e/boot-right.log
	boot_realm right
	same "the kernel warns of nothing" "" "$kernel_says"
	has "firmware's records come first" "    0 RIM   boot "
	has "with their text" "    1 REM0  boot EV_IPL sha-256:$(boot_digest "the loader") \"the loader\""
	has "base records follow" "    4 REM0  base sha-256:"
	has "REM0 is explained from zero" "REM0 fits, 2 extensions; explained from the start, 2 by firmware"
	has "so is REM1" "REM1 fits, 1 extension; explained from the start, 1 by firmware"
	has "REM2 was never extended" "REM2 fits, 0 extensions"
	lacks "there is no gap" gap
	runs 0 "an extension by the realm" realm_sh "realmkey extend 1 /init --event 'the first program' && realmkey log --replay"
	has "goes on from there" "REM0 fits, 3 extensions; explained from the start, 2 by firmware"
	runs 0 "a token covers all records" realm_sh "realmkey token --raw /tmp/token && realmkey log --replay --token /tmp/token"
	runs 0 "netlink returns the same log" realm_sh "realmkey log --source netlink >/tmp/n; realmkey log --source device | cmp - /tmp/n"
	runs 0 "JSON says which records are firmware's" realm_sh "realmkey log --replay --json"
	same "and what they explain" "4 true 2 true" "$($in_root jq -r '"\([.records[] | select(.kind == "boot")] | length) \(
		.replay.registers[0] | "\(.explained) \(.["boot-extensions"])") \(.replay.fits)"' <<<"$output")"
	runs 0 "the log and the registers are copied out" realm_sh "cat /dev/cca-rsi | base64"
	base64 -d <<<"$output" >build/e2e/boot-copy
	runs 0 "tpm2_eventlog reads it" $in_root tpm2_eventlog build/e2e/boot-copy
	judged=$(sed -n '/^pcrs:/,$s/^ *1 *: 0x//p' <<<"$output")
	runs 0 "REM0 is" realm_sh "realmkey measurements"
	has "what tpm2_eventlog computes from zero" "sha-256:$judged"
	realm_stop
}

# The log has an event that was not made.
boot_lying()
{
	{ boot_log; boot_event 1 13 "a lie"; } >build/e2e/boot-lying.log
	boot_realm lying
	same "the kernel warns of REM0" "firmware's event log does not lead to register 1" "$kernel_says"
	has "so does replay" "REM0 fits, 3 extensions, 1 gap; firmware's 3 do not explain the start"
	has "REM1 is explained" "REM1 fits, 1 extension; explained from the start"
	realm_stop
}

boot_wrong()
{
	{ boot_log; boot_event 7 13 "no such register"; } >build/e2e/boot-wrong.log
	boot_realm wrong
	same "the kernel names record and field" \
		"firmware's event log at 0x000000004fd00000, record 5: missing or wrong: register; the log is not used" "$kernel_says"
	lacks "there are no records of firmware" boot
	has "and REM0 has a gap" "REM0 fits, 0 extensions, 1 gap"
	realm_stop
}

boot_huge()
{
	{
		boot_log
		boot_event 1 13 "$(head -c 100000 /dev/zero | tr '\0' h)" >build/e2e/boot-event
		cat build/e2e/boot-event{,,,,,}
	} >build/e2e/boot-huge.log
	boot_realm huge
	same "the kernel stops reading after 256 KiB" "7: missing or wrong: event size; the log is not used" \
		"${kernel_says#*record }"
	lacks "there are no records of firmware" boot
	realm_stop
}

scenario_bootlog()
{
	boot_right
	boot_lying
	boot_wrong
	boot_huge
	unset EVENT_LOG EXTEND
}
