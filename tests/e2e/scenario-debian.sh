# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The Debian realm: all of systemd's units start, realmkeyd delivers as a service and leaves nothing when its package is
# removed, root can log in on the console; and a disk that is not the measured one is refused.

debian_secret="the swallow flies at noon"

debian_store()
{
	local stored=0
	printf %s "$debian_secret" >build/e2e/debian.secret
	admin set-resource --path default/key/1 --resource-file build/e2e/debian.secret || stored=1
	rm -f build/e2e/debian.secret
	return "$stored"
}

# A unit that requires secrets does not start without them.
debian_unconfigured()
{
	runs 1 "a unit that requires realmkey-ready does not start without a configuration" \
		realm_sh "cd /run/systemd/system && cat >workload.service <<. && systemctl daemon-reload && systemctl start workload
[Unit]
Requires=realmkey-ready.service
After=realmkey-ready.service
[Service]
Type=oneshot
ExecStart=true
."
	has "and says why" "dependency job for workload.service failed"
	runs 1 "and realmkeyd itself fails" realm_sh "systemctl start realmkeyd"
	has "because of an assertion" "Assertion failed"
}

debian_asked() { realm_sh "journalctl --no-pager -u realmkeyd | grep -c 'key: resource default/key/1: denied'"; }

# debian_waits COUNT: the service has asked that often, or more.
debian_waits() { [ "$(debian_asked)" -ge "$1" ]; }

# While the service starts, because this realm is not endorsed. It would ask again after 5 to 10 minutes.
debian_starting()
{
	local asked
	runs 0 "realmkeyd starts" realm_sh "systemctl start --no-block realmkeyd"
	does "and is denied" within 60 debian_waits 1
	same "so it is still starting" activating "$(realm_sh "systemctl show -P ActiveState realmkeyd")"
	asked=$(debian_asked)
	runs 8 "realmkey refresh reaches it, and says that the KBS denies" realm_sh "realmkey refresh"
	does "after it has asked" within 60 debian_waits $((asked + 1))
	asked=$(debian_asked)
	runs 0 "SIGHUP reaches it" realm_sh "systemctl kill -s HUP realmkeyd"
	does "and makes it ask at once" within 60 debian_waits $((asked + 1))
	does "the KBS's operator allows everything" admin set-resource-policy --allow-all
	runs 0 "SIGHUP again" realm_sh "systemctl kill -s HUP realmkeyd"
}

debian_configure()
{
	runs 0 "the daemon's configuration" realm_sh "cat >/etc/realmkey/realmkeyd.conf <<.
[kbs]
url = https://10.0.2.2:$trustee_port
ca = /etc/realmkey/ca.pem
[secret key]
resource = default/key/1
owner = app
."
}

debian_deliver()
{
	runs 0 "realmkeyd starts as a service, which is active once the secret is there" realm_sh "systemctl start realmkeyd"
	runs 0 "so is realmkey-ready" realm_sh "systemctl start realmkey-ready"
	runs 0 "its owner reads the secret" realm_sh "setpriv --reuid app --clear-groups cat /run/realmkey/keyring/key"
	same "it is the one that was stored" "$debian_secret" "$output"
	runs 0 "the journal" realm_sh "journalctl --no-pager -u realmkeyd"
	lacks "does not contain it" "$debian_secret"
}

# The packages are installed properly: known to dpkg, complete except for what this realm leaves out, with all that
# they depend on.
debian_packages()
{
	runs 0 "our packages" realm_sh "dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\n' 'realmkey*' 'cca-rsi-modules-*' | grep -v ^un"
	same "are installed" "ii  cca-rsi-modules-$(cat build/root.kernel)
ii  realmkey
ii  realmkey-cli
ii  realmkey-common
ii  realmkey-courier
ii  realmkey-trusteed" "$output"
	runs 0 "dpkg checks their files" realm_sh "dpkg -V realmkey realmkey-cli realmkey-common realmkey-courier realmkey-trusteed cca-rsi-modules-\$(uname -r) | grep -v ' /usr/share/\(doc\|man\)/' || true"
	same "and finds no difference" "" "$output"
	runs 0 "apt finds all that they depend on" realm_sh "apt-get -q check"
}

# debian_profile NAME LINE...: loads a profile of AppArmor, with these lines in place of its local ones. It is compiled
# here, because a realm's CPU is emulated.
debian_profile()
{
	local name=$1 more
	more=$(printf '  %s\n' "${@:2}")
	NAME=$name MORE=$more awk '$0 == "  include if exists <local/" ENVIRON["NAME"] ">" { print ENVIRON["MORE"] } { print }' \
		"userspace/install/apparmor/$name" >"build/e2e/$name.source" || return 1
	$in_root apparmor_parser --skip-kernel-load --kernel-features /etc/apparmor.d/abi/4.0 --ofile "build/e2e/$name.profile" \
		"build/e2e/$name.source" && tests/realm/realm put "$realm_name" "build/e2e/$name.profile" /tmp/profile &&
		realm_sh "cat /tmp/profile >/sys/kernel/security/apparmor/.replace && rm /tmp/profile"
}

# All programs run with these profiles from here on, and all tests below pass with them.
debian_profiles()
{
	local name
	runs 0 "the realm's kernel has AppArmor" realm_sh "grep Y /sys/module/apparmor/parameters/enabled"
	for name in realmkey realmkeyd realmkey-courier realmkey-hooks realmkey-keys realmkey-local trusteed; do
		does "its profile for $name is loaded" debian_profile $name
	done
}

# debian_denied: no access of our programs was one that their profiles do not allow.
debian_denied()
{
	runs 0 "the kernel's log" realm_sh "dmesg | grep -E 'apparmor=\"(DENIED|ALLOWED)\"' || true"
	same "has no access that AppArmor denied" "" "$output"
}

# debian_autopkgtest NAME: one of debian/tests runs in the realm.
debian_autopkgtest()
{
	tests/realm/realm put debian "debian/tests/$1" /tmp/autopkgtest &&
		realm_sh "mkdir -p /tmp/adt && AUTOPKGTEST_TMP=/tmp/adt sh /tmp/autopkgtest && rm -r /tmp/adt"
}

debian_autopkgtests()
{
	local name
	for name in $(sed -n 's/^Tests: //p' debian/tests/control); do
		runs 0 "the package's own test $name passes in the realm" debian_autopkgtest "$name"
	done
}

# debian_status PID...: who processes are and what they may do.
debian_status()
{
	realm_sh "for p in $1; do grep -E '^(Uid|Groups|Cap...|NoNewPrivs|Seccomp):' /proc/\$p/status; cat /proc/\$p/cgroup; done"
}

debian_confined()
{
	local main="\$(systemctl show -P MainPID realmkeyd)"
	runs 0 "the exposure of realmkeyd.service is at most 1.5" realm_sh "systemd-analyze security --no-pager --threshold=15 realmkeyd"
	runs 0 "the supervisor" debian_status "$main"
	has "is root" "Uid:	0	"
	has "with five capabilities" "CapBnd:	00000000000001c5"
	has "cannot gain another" "NoNewPrivs:	1"
	has "and has a filter of system calls" "Seccomp:	2"
	runs 0 "the keeper" debian_status "\$(pgrep -P $main)"
	has "is the user realmkey" "Uid:	$(realm_sh "id -u realmkey")	"
	has "has CAP_CHOWN" "CapEff:	0000000000000001"
	has "has no other in its permitted set" "CapPrm:	0000000000000001"
	has "cannot gain another" "CapBnd:	0000000000000000"
	runs 0 "its courier" debian_status "\$(pidof realmkey-courier)"
	has "is the user realmkey-courier" "Uid:	$(realm_sh "id -u realmkey-courier")	"
	has "has no capability" "CapPrm:	0000000000000000"
	has "cannot gain one" "CapBnd:	0000000000000000"
	has "is in a unit of its own" "realmkey-courier@"
	runs 0 "the profiles of all three" realm_sh "for p in $main \$(pgrep -P $main) \$(pidof realmkey-courier); do cat /proc/\$p/attr/apparmor/current; done | sort -u"
	same "are enforced" "realmkey-courier (enforce)
realmkeyd (enforce)" "$output"
	debian_denied
}

# Functions of the realm's shell. label PID prints the profile of a process.
# shellcheck disable=SC2016 # for the realm's shell
debian_label='label() { cat /proc/$1/attr/apparmor/current; }
await() { i=0; until "$@" || [ $((i += 1)) -gt 300 ]; do sleep 0.2; done; }
couriers() { grep -hs "realmkey//&" /proc/[0-9]*/attr/apparmor/current; }'

# Programs that a user starts: the command with its second program and its courier, the daemon, the server.
debian_started()
{
	runs 0 "realmkey at work" realm_sh "$debian_label
		systemd-socket-activate -l 127.0.0.1:8098 sleep 120 2>/dev/null & s=\$!
		sleep 1
		realmkey get-resource --insecure --timeout 120 --url http://127.0.0.1:8098 --path a/b/c >/dev/null 2>&1 & c=\$!
		realmkey watch >/dev/null & w=\$!
		await couriers >/dev/null
		await grep -q realmkey-tools /proc/\$w/maps
		echo \"realmkey: \$(label \$c)\"; readlink /proc/\$w/exe; echo \"tools: \$(label \$w)\"
		couriers | sort -u
		kill \$c \$w \$s"
	has "has its profile" "realmkey: realmkey (enforce)"
	has "its second program" /usr/lib/realmkey/realmkey-tools
	has "has the same" "tools: realmkey (enforce)"
	has "its courier has its own, too" "realmkey//&realmkey-courier (enforce)"
	runs 0 "a daemon that is started by hand mounts its keyring and delivers" realm_sh "$debian_label
		realmkeyd --keyring /run/by-hand 2>/tmp/by-hand.log & d=\$!
		await test -e /run/by-hand/key
		label \$d; cat /run/by-hand/key; kill \$d; wait; cat /tmp/by-hand.log; findmnt -n /run/by-hand && umount /run/by-hand"
	has "with its profile" "realmkeyd-by-hand (enforce)"
	has "the secret that was stored" "$debian_secret"
	runs 0 "a server that is started by hand writes its state where it is told to" realm_sh "$debian_label
		trusteed --state /root/kbs --listen 127.0.0.1:8099 >/tmp/by-hand.log & t=\$!
		await grep -q listening /tmp/by-hand.log
		label \$t; kill \$t; wait; ls /root/kbs/admin-token && rm -r /root/kbs /tmp/by-hand.log"
	has "with its profile" "trusteed-by-hand (enforce)"
	debian_denied
}

# Other programs take the place of realmkey, as one that was taken over would. Only `realmkey run` and `realmkey plan` start
# programs; all other commands set no_new_privs first.
debian_forbidden()
{
	runs 1 "realmkey may not write a program" realm_sh "realmkey token get --raw /usr/bin/token"
	has "and says so" "Permission denied"
	runs 1 "nor start another program" realm_sh "REALMKEY_COURIER=/usr/bin/true realmkey get-resource --url https://10.0.2.2 --path a/b/c"
	has "and says so" "courier /usr/bin/true: Operation not permitted"
	runs 0 "a shell takes its place" realm_sh "mount --bind /usr/bin/dash /usr/bin/realmkey && realmkey -c 'read label </proc/self/attr/apparmor/current; echo \$label'"
	has "and has its profile" "realmkey (enforce)"
	runs 126 "after no_new_privs, it may not start a program" realm_sh "setpriv --no-new-privs realmkey -c /usr/bin/true"
	has "and says so" "Operation not permitted"
	runs 1 "nor send a signal" realm_sh "realmkey -c 'kill -CONT 1'"
	has "and says so" "Permission denied"
	runs 2 "nor write to the kernel's parameters" realm_sh "realmkey -c 'echo core >/proc/sys/kernel/core_pattern'"
	has "and says so" "Permission denied"
	runs 13 "perl takes its place, and may not open a packet socket" realm_sh "umount /usr/bin/realmkey && mount --bind /usr/bin/perl /usr/bin/realmkey && realmkey -e 'socket(S, 17, 3, 0) or die \$!'"
	has "and says so" "Permission denied"
	runs 32 "mount takes its place, and may not mount" realm_sh "umount /usr/bin/realmkey && mount --bind /usr/bin/mount /usr/bin/realmkey && realmkey --bind /root /mnt"
	has "and says so" "bind /root failed"
	runs 0 "realmkey is itself again" realm_sh "umount /usr/bin/realmkey && realmkey --version"
	runs 0 "the kernel's log" realm_sh "dmesg"
	has "has what was denied" 'apparmor="DENIED" operation="mount"'
}

# Instead of realmkeyd, in its unit and its confinement: a program that tries to reach everything else. AppArmor is left
# out, because its profile would not even let this program start.
debian_escape()
{
	does "a program that tries to escape is in the realm" realm_put escape
	runs 0 "it replaces realmkeyd in its unit" realm_sh "cp /tmp/escape /usr/local/bin/ && cd /run/systemd/system &&
		mkdir realmkeyd.service.d && cat >realmkeyd.service.d/escape.conf <<. && systemctl daemon-reload
[Service]
ExecStart=
ExecStart=/usr/local/bin/escape /run/realmkey/keyring
StandardOutput=file:/run/escape.out
AppArmorProfile=
Restart=no
."
	runs 0 "it runs, and nothing that it tries succeeds" realm_sh "systemctl restart realmkeyd; s=\$(systemctl show -P ExecMainStatus realmkeyd); cat /run/escape.out; exit \$s"
	has "although systemd can be reached from there" "without confinement, /run/systemd/private: reached"
	has "it tried to connect to systemd" "connect to systemd: Operation not permitted"
	has "and to ptrace it" "ptrace: killed"
	lacks "and did not escape" ESCAPED
	runs 0 "realmkeyd is itself again" realm_sh "rm -r /run/systemd/system/realmkeyd.service.d && systemctl daemon-reload && systemctl restart realmkeyd"
	runs 0 "it finds the secret, which belongs to another user, unchanged" realm_sh "journalctl --no-pager -u realmkeyd | grep '1 of 1 secrets are in the keyring already'"
	runs 0 "and can be sent SIGHUP" realm_sh "systemctl kill -s HUP realmkeyd && systemctl is-active realmkeyd"
}

# A process has the secret open when the package is removed.
debian_remove()
{
	runs 0 "the package is removed" realm_sh "exec 3</run/realmkey/keyring/key; dpkg -r realmkey >/dev/null 2>&1; echo \"\$?:\$(cat <&3)\"
		findmnt -nl -S realmkey; find /run/realmkey/keyring -type f; grep realmkey /proc/keys
		systemctl is-active realmkeyd realmkey-ready realmkey-local realmkey-courier.socket realmkey-keys.socket \
			realmkey-hooks.socket realmkey-credentials.socket realmkey-api.socket | sort -u"
	same "no secret is left, nor a service" "0:
inactive" "$output"
}

# debian_login: the prompt appears a little after the service that shows it has started; root needs no password.
debian_login()
{
	within 60 grep -q 'realm login:' build/realm/run/debian/console.log || {
		tail -n 5 build/realm/run/debian/console.log
		return 1
	}
	realm_sh "setpriv --reuid app --regid app --clear-groups su -c true root </dev/null"
}

# debian_stop: the agent asks systemd by another signal than busybox's init.
debian_stop()
{
	runs 0 "the realm is stopped" tests/realm/realm stop debian
	same "and does not have to be killed" "" "$output"
	output=$(tail -n 5 build/realm/run/debian/console.log)
	has "it powers itself off" "the realm powered off"
}

# debian_sees TEXT: waits for it on the console of `realm boot`.
debian_sees()
{
	within 120 grep -aqF "$1" build/e2e/debian.console || {
		tail -n 5 build/e2e/debian.console
		return 1
	}
}

debian_leave() { [ -z "${debian_runner-}" ] || kill "$debian_runner"; }

# debian_session: what a user at the console does, from login to poweroff.
debian_session()
{
	local ended=0
	rm -f build/e2e/debian.keys
	mkfifo build/e2e/debian.keys
	tests/realm/realm boot <build/e2e/debian.keys >build/e2e/debian.console 2>&1 &
	debian_runner=$!
	on_exit debian_leave
	exec 4>build/e2e/debian.keys
	# shellcheck disable=SC2016 # for the realm's shell
	debian_sees "realm login:" && echo root >&4 && debian_sees "root@realm" &&
		echo 'echo "$(id -un) at $(tty)"' >&4 && debian_sees "root at /dev/ttyAMA0" &&
		echo poweroff >&4 && debian_sees "the realm powered off" || debian_leave
	exec 4>&-
	wait "$debian_runner" || ended=$?
	debian_runner=
	rm -f build/e2e/debian.{keys,console}
	return $ended
}

# Flips a bit in the part of the disk that the kernel reads first.
debian_tampered()
{
	flipped build/realm/debian.img 1028 build/e2e/debian.img
	cp build/realm/debian.verity build/e2e/debian.verity
	ROOTFS=build/e2e/debian.img runs 125 "a realm whose disk has one flipped bit does not start" tests/realm/realm run true
	has "the root file system fails" "root file system"
	rm -f build/e2e/debian.{img,verity}
}

scenario_debian()
{
	does "trusteed starts" trustee_start debian
	does "with a secret" debian_store
	export ROOTFS=debian TIMEOUT=${TIMEOUT:-300}
	does "a Debian realm boots" realm_start debian
	if [ "$status" -eq 0 ]; then
		runs 0 "all its units" realm_sh "systemctl is-system-running --wait || { systemctl --failed --no-pager; false; }"
		has "are up" running
		does "root can log in on the console" debian_login
		runs 0 "the root file system" realm_sh "dmesg; ls -l /sys/block/dm-0/ro; cat /sys/block/dm-0/ro; grep ' / ' /proc/mounts"
		has "is an overlay" "overlay"
		debian_packages
		debian_profiles
		debian_autopkgtests
		debian_unconfigured
		debian_configure
		debian_starting
		debian_deliver
		debian_confined
		debian_started
		debian_forbidden
		debian_escape
		debian_remove
		debian_stop
	fi
	realm_stop
	does "root logs in on the serial console and powers off there" debian_session
	unset ROOTFS TIMEOUT
	debian_tampered
}
