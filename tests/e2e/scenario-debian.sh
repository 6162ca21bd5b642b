# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The Debian realm: systemd comes up whole, realmkeyd delivers as a service, root can log in on the console; and a disk
# that is not the measured one is found out.

debian_secret="the swallow flies at noon"

debian_store()
{
	printf %s "$debian_secret" >build/e2e/debian.secret
	admin set-resource --path default/key/1 --resource-file build/e2e/debian.secret &&
		admin set-resource-policy --allow-all
	rm -f build/e2e/debian.secret
}

debian_deliver()
{
	runs 0 "the daemon's configuration" realm_sh "cat >/etc/realmkey/realmkeyd.conf <<.
[kbs]
url = https://10.0.2.2:$trustee_port
ca = /etc/realmkey/ca.pem
[secret key]
resource = default/key/1
owner = app
."
	runs 0 "realmkeyd starts as a service, and is up when the secret is there" realm_sh "systemctl start realmkeyd"
	runs 0 "its owner reads the secret" realm_sh "setpriv --reuid app --clear-groups cat /run/realmkey/keyring/key"
	same "which is the one that was stored" "$debian_secret" "$output"
	runs 0 "the journal" realm_sh "journalctl --no-pager -u realmkeyd"
	lacks "does not have it" "$debian_secret"
}

# Installed as anybody would install them: known to dpkg, whole (but for what this realm leaves out), nothing missing.
debian_packages()
{
	runs 0 "our packages" realm_sh "dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\n' realmkey 'cca-rsi-modules-*'"
	same "are installed" "ii  cca-rsi-modules-$(cat build/root.kernel)
ii  realmkey" "$output"
	runs 0 "dpkg's verdict on their files" realm_sh "dpkg -V realmkey cca-rsi-modules-\$(uname -r) | grep -v ' /usr/share/\(doc\|man\)/' || true"
	same "is that they are whole" "" "$output"
	runs 0 "apt's verdict on all that they need" realm_sh "apt-get -q check"
}

# debian_login: the prompt, which comes a little after the service that shows it; root needs no password.
debian_login()
{
	within 60 grep -q 'realm login:' build/realm/run/debian/console.log || {
		tail -n 5 build/realm/run/debian/console.log
		return 1
	}
	realm_sh "setpriv --reuid app --regid app --clear-groups su -c true root </dev/null"
}

# debian_stop: systemd has a signal of its own for that.
debian_stop()
{
	runs 0 "the realm is told to stop" tests/realm/realm stop debian
	same "and does not have to be killed" "" "$output"
	output=$(tail -n 5 build/realm/run/debian/console.log)
	has "it powers itself off" "the realm powered off"
}

# debian_sees TEXT: on the console that somebody sits at.
debian_sees()
{
	within 120 grep -aqF "$1" build/e2e/debian.console || {
		tail -n 5 build/e2e/debian.console
		return 1
	}
}

debian_leave() { [ -z "${debian_runner-}" ] || kill "$debian_runner"; }

# debian_session: as a person at the console does it, from the login to the end.
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

# One bit of the disk that the kernel reads first.
debian_tampered()
{
	flipped build/realm/debian.img 1028 build/e2e/debian.img
	cp build/realm/debian.verity build/e2e/debian.verity
	ROOTFS=build/e2e/debian.img runs 125 "one flipped bit of the disk, and there is no realm" tests/realm/realm run true
	has "because the measured hash is another" "root file system"
	rm -f build/e2e/debian.{img,verity}
}

scenario_debian()
{
	does "trusteed starts" trustee_start debian
	does "with a secret" debian_store
	export ROOTFS=debian TIMEOUT=300
	does "a Debian realm boots" realm_start debian
	if [ "$status" -eq 0 ]; then
		runs 0 "all its units" realm_sh "systemctl is-system-running --wait || { systemctl --failed --no-pager; false; }"
		has "are up" running
		does "root can log in on the console" debian_login
		runs 0 "the root file system" realm_sh "dmesg; ls -l /sys/block/dm-0/ro; cat /sys/block/dm-0/ro; grep ' / ' /proc/mounts"
		has "is an overlay" "overlay"
		debian_packages
		debian_deliver
		debian_stop
	fi
	realm_stop
	does "root logs in at the serial console, and powers off there" debian_session
	unset ROOTFS TIMEOUT
	debian_tampered
}
