# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The units: how systemd rates their sandboxes; and a courier that a service manager starts at a socket.

service_exposure()
{
	local unit
	for unit in realmkeyd.service realmkey-courier@.service; do
		ran systemd-analyze security --offline=true --no-pager --threshold=15 "build/release/userspace/install/$unit"
		tap "$status" "the exposure of $unit is at most 1.5" "$(tail -n 30 <<<"$output")"
	done
}

# The daemon does not start a courier, but connects to the socket as in its unit.
service_courier()
{
	local socket=$top/$work/courier.sock
	systemd-socket-activate --accept -l "$socket" -E SSL_CERT_FILE=/nonexistent "$REALMKEY_COURIER" 2>"$work/socket.log" >&2 &
	on_exit "kill $!"
	within 5 test -S "$socket"
	conf '[secret s]' 'resource = a/b/c' 'file = by-socket'
	REALMKEY_COURIER=$socket ran once
	same "a courier behind a socket delivers a secret" "0 $secret" "$status $(cat "$keyring/by-socket")"
	REALMKEY_COURIER=$socket daemon_start
	logged "and serves a daemon" "s: unchanged: by-socket"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "which ends with status 0"
	within 5 courier_gone "$socket"
	tap $? "and its courier ends with it"
	REALMKEY_COURIER=$work/conf refused 1 "no courier, and no socket" "courier $work/conf" once
}

courier_gone() { ! pgrep -x realmkey-courie >/dev/null; }

part_service()
{
	service_exposure
	does "trusteed starts" kbs_start service || return
	runs 0 "the RIM is endorsed" admin set-reference-value "$reference" "$(realmkey_here rim)"
	service_courier
	umount "$keyring" && rmdir "$keyring"
	tap $? "no process keeps the keyring busy"
}
