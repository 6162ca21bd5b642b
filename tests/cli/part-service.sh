# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The units: how systemd rates their sandboxes; a courier that a service manager starts at a socket; and what the
# removal of the package leaves.

# How `systemd-analyze security` rates each unit; what is not restricted has a reason in the unit.
service_exposures="realmkey-courier@.service 1.2
realmkey-hooks@.service 0.8
realmkey-keys@.service 1.1
realmkey-local.service 1.3
realmkey-metrics.service 0.7
realmkey-ready.service 0.7
realmkeyd.service 1.4
trusteed.service 1.1"

service_exposure()
{
	local unit
	for unit in build/release/userspace/install/*.service; do
		output=$(systemd-analyze security --offline=true --no-pager "$unit" 2>&1)
		echo "${unit##*/} $(sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p' <<<"$output")"
	done >"$work/exposures"
	same "the exposure of each unit" "$service_exposures" "$(cat "$work/exposures")"
}

# What each socket of a unit is: its path, its mode, whether each connection gets a process, and what it starts.
service_sockets="/run/realmkey/api.sock 0666 realmkey-local.service
/run/realmkey/courier 0600 yes
/run/realmkey/credentials.sock 0600 realmkey-local.service
/run/realmkey/hooks.sock 0600 yes
/run/realmkey/keys.sock 0600 yes"

service_units()
{
	local unit
	rm -rf "$work/units"
	mkdir "$work/units"
	cp build/release/userspace/install/*.service userspace/install/*.{socket,mount,timer} "$work/units"
	# The programs are not installed here.
	sed -i 's|^\(Exec[A-Za-z]*=\)[^ ]*|\1/bin/true|' "$work"/units/*.service
	runs 0 "systemd can read each unit" env SYSTEMD_UNIT_PATH="$PWD/$work/units:" systemd-analyze verify --man=no \
		--recursive-errors=no "$PWD/$work"/units/*
	same "and ignores nothing in it" "" "$output"
	for unit in userspace/install/*.socket; do
		sed -n 's/^\(ListenStream\|SocketMode\|Accept\|Service\)=//p' "$unit" | paste -sd' '
		grep -q "^Wants=.*${unit##*/}\|^Requires=.*${unit##*/}" build/release/userspace/install/realmkeyd.service ||
			echo "realmkeyd.service does not start ${unit##*/}"
	done >"$work/sockets"
	same "the sockets, which realmkeyd.service starts" "$service_sockets" "$(cat "$work/sockets")"
}

# What tests/e2e (debian) shows in a realm, except for the clock, which no service sets there.
service_start()
{
	output=$(grep -v '^#' build/release/userspace/install/realmkeyd.service)
	has "realmkeyd.service starts after the clock was set" After=time-sync.target
	has "it fails without a configuration, and is not just skipped" AssertPathExists=/etc/realmkey/realmkeyd.conf
	has "its reload returns what became of it" "ExecReload=/usr/bin/realmkey reload"
	has "it is watched" WatchdogSec=
	output=$(grep -v '^#' build/release/userspace/install/realmkey-ready.service)
	has "what requires secrets does not stop with realmkeyd" Wants=realmkeyd.service
	lacks "in any way" Requires=
}

# The daemon does not start a courier, but connects to the socket as in its unit.
service_courier()
{
	local socket=$top/$work/courier.sock listener
	systemd-socket-activate --accept -l "$socket" -E SSL_CERT_FILE=/nonexistent "$REALMKEY_COURIER" 2>"$work/socket.log" >&2 &
	listener=$!
	on_exit "kill $listener"
	within 5 test -S "$socket"
	conf '[secret s]' 'resource = a/b/c' 'file = by-socket'
	REALMKEY_COURIER=$socket ran once
	same "a courier behind a socket delivers a secret" "0 $secret" "$status $(cat "$keyring/by-socket")"
	REALMKEY_COURIER=$socket daemon_start
	logged "and serves a daemon" "1 of 1 secrets are in the keyring already"
	within 10 test -S "$keyring/.control"
	runs 0 "which can be reloaded without starting programs" realmkey_here reload --keyring "$keyring"
	kill -TERM "$daemon_pid"
	daemon_ends 0 "which ends with status 0"
	within 5 courier_gone "$listener"
	tap $? "and its courier ends with it"
	REALMKEY_COURIER=$work/conf ran once
	same "no courier, and no socket" 1 "$status"
	has "is named" "courier $work/conf"
}

# courier_gone PID: the process has started no courier that still runs. Other tests on this machine may have couriers too.
courier_gone() { ! pgrep -P "$1" realmkey-courie >/dev/null; }

service_stopped="realmkey-ready.service realmkeyd.service realmkey-local.service realmkey-api.socket \
realmkey-courier.socket realmkey-credentials.socket realmkey-hooks.socket realmkey-keys.socket realmkey-courier@*.service \
realmkey-hooks@*.service realmkey-keys@*.service"

# service_removed WORD: in a mount namespace, runs the package's prerm with a keyring of which a secret is open, and prints
# what it calls and what is left. realmkey-keys is not installed here.
service_removed()
{
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation unchanged sh -eu -c '
		mount -t tmpfs none /run
		mkdir -p /run/systemd/system /run/bin "/run/a key ring"
		printf "#!/bin/sh\necho systemctl \"\$@\"\n" >/run/bin/systemctl
		printf "#!/bin/sh\necho realmkey-keys \"\$@\"\n" >/run/bin/realmkey-keys
		chmod +x /run/bin/*
		sed "s|/usr/lib/realmkey/||" "$1" >/run/prerm
		mount -t tmpfs realmkey "/run/a key ring"
		mkdir "/run/a key ring/db"
		echo secret >"/run/a key ring/db/password"
		exec 3<"/run/a key ring/db/password"
		PATH=/run/bin:$PATH DPKG_ROOT= sh /run/prerm "$2"
		echo "open:$(cat <&3)"
		echo "mounts: $(findmnt -nl -S realmkey | wc -l)"
		echo "files: $(find "/run/a key ring" -type f | wc -l)"
	' sh "$top/debian/realmkey.prerm" "$1"
}

service_removal()
{
	ran service_removed remove
	same "a removed package stops its services, revokes keys, and leaves no secret, nor an open one" "systemctl stop $service_stopped
realmkey-keys --revoke-all
open:
mounts: 0
files: 0" "$(cat "$work/out" "$work/err")"
	ran service_removed upgrade
	same "an upgraded package leaves them" "open:secret
mounts: 1
files: 1" "$(cat "$work/out" "$work/err")"
}

part_service()
{
	service_exposure
	service_units
	service_start
	does "trusteed starts" kbs_start service || return
	runs 0 "the RIM is endorsed" admin set-reference-value "$reference" "$(realmkey_here rim)"
	service_courier
	umount "$keyring" && rmdir "$keyring"
	tap $? "no process keeps the keyring busy"
	service_removal
}
