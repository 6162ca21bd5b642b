# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Secrets where workloads look for them: the examples of Documentation/sinks.md, from that page, in the Debian realm, and
# what is refused. Each function is named on the page.

sinks_page=Documentation/sinks.md
sinks_socket=/run/realmkey/credentials.sock

# --- what is made before the realm is there ------------------------------------------------------

# sinks_tree FOLDER: the blocks of the page that begin with the name of a file become these files.
sinks_tree()
{
	mkdir -p "$1"
	awk -v top="$1" '
		/^    # \/[^ ]*$/ {
			name = folder = top substr($0, 7)
			sub("/[^/]*$", "", folder)
			system("mkdir -p " folder)
			next
		}
		!name { next }
		/^    / { print substr($0, 5) >name; next }
		/^$/ { print >name; next }
		{ name = "" }' $sinks_page
}

# sinks_archive FILE: the same with the disks that this realm has, as an archive without folders, whose modes stay.
sinks_archive()
{
	local tree=build/e2e/sinks.tree
	rm -rf $tree && sinks_tree $tree && chmod 0755 $tree/usr/local/bin/* &&
		grep -rlE '/dev/vd[bc]' $tree | xargs sed -i 's|/dev/vdb|/dev/loop0|g; s|/dev/vdc|/dev/loop1|g' &&
		(cd $tree && find . -type f) | tar -C $tree -cf "$1" --owner=0 --group=0 --mode=go+rX -T - && rm -r $tree
}

sinks_secrets()
{
	life_ca && life_pair web a1 && life_pair db b1 &&
		head -c 64 /dev/urandom >$life_state/disk && life_store disk/key $life_state/disk &&
		life_say data/passphrase "the passphrase of the volume" &&
		life_say backup/password "the password of the backup" &&
		life_say mail/password "the password for mail" &&
		life_say web/token "the token of the web" &&
		life_say app/login '{"user":"ann","password":"a/b c"}' &&
		life_say app/key "the key of the app" && life_say bell/1 "the first bell"
}

# --- the realm -----------------------------------------------------------------------------------

# The disk of applications lies over /usr, so that nothing of it has to be copied into memory.
sinks_programs()
{
	realm_sh "mkdir -p /srv/apps /run/over/upper /run/over/work /var/lib/nginx /var/log/nginx /srv/www
		mount -o ro /dev/disk/by-id/virtio-disk /srv/apps && cp -a /srv/apps/etc/. /etc/ &&
		mount -t overlay -o lowerdir=/srv/apps/usr:/usr,upperdir=/run/over/upper,workdir=/run/over/work overlay /usr &&
		echo hello >/srv/www/index.html && rm -f /etc/nginx/sites-enabled/default && udevadm control --reload &&
		systemd-sysusers --inline 'u postgres - PostgreSQL /var/lib/postgresql' 2>/dev/null &&
		rm -f /etc/systemd/system/systemd-logind.service"
}

# The page does not show what is not Realmkey's: PostgreSQL's own unit and its data, the contents of disks, an image.
sinks_postgresql_data()
{
	realm_sh "install -d -o postgres -g postgres /var/lib/postgresql/17 /run/postgresql
cat >/etc/systemd/system/initdb.service <<'.'
[Service]
Type=oneshot
User=postgres
ExecStart=/usr/lib/postgresql/17/bin/initdb --no-sync --locale=C --encoding=UTF8 --auth=trust /var/lib/postgresql/17/main
ExecStart=sed -i \"\$\$ a include_dir = '/etc/postgresql/17/main/conf.d'\" /var/lib/postgresql/17/main/postgresql.conf
.
cat >/etc/systemd/system/postgresql@17-main.service <<'.'
[Unit]
After=initdb.service
[Service]
Type=notify
User=postgres
ExecStart=/usr/lib/postgresql/17/bin/postgres -D /var/lib/postgresql/17/main -c fsync=off -c listen_addresses=127.0.0.1
.
systemctl daemon-reload && systemctl start --no-block initdb"
}

sinks_disks()
{
	realm_sh "truncate -s 2M /var/disk.img && truncate -s 18M /var/data.img &&
		losetup /dev/loop0 /var/disk.img && losetup /dev/loop1 /var/data.img &&
		printf 'the passphrase of the volume' | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/loop1 -"
}

# Units that only the tests need: each writes what it has read to /run/seen/UNIT.
sinks_units()
{
	realm_sh "mkdir -p /run/seen && chmod 0777 /run/seen && cd /etc/systemd/system || exit 1
for unit in late never other; do
	cat >\$unit.service <<.
[Service]
Type=oneshot
LoadCredential=\$unit:$sinks_socket
ExecStart=sh -c 'cat %d/\$unit >/run/seen/\$unit'
.
done
sed -i 's/=other:/=token:/; s|%d/other|%d/token|' other.service
cat >bell.service <<.
[Service]
Type=exec
LoadCredential=bell:$sinks_socket
ExecStart=sh -c 'trap \"echo rung >>/run/seen/bell\" USR1; while :; do sleep 1000 & wait; done'
.
printf '[Service]\nType=oneshot\nLoadCredential=mail:$sinks_socket\nExecStart=true\n' >/etc/systemd/user/direct.service
cat >/tmp/impostor <<'.'
use Socket;
socket(S, AF_UNIX, SOCK_STREAM, 0) or die;
bind(S, pack(\"Sx\", AF_UNIX) . \"0123456789abcdef/\$ARGV[0]\") or die \"bind: \$!\";
connect(S, sockaddr_un('$sinks_socket')) or die \"connect: \$!\\n\";
my (\$all, \$part) = '';
\$all .= \$part while sysread(S, \$part, 65536);
print length(\$all) > 1048576 ? 'too long' : length(\$all) . ' bytes', \$all =~ /[^\\0]/ ? \": \$all\" : '', \"\\n\";
.
systemctl daemon-reload"
}

sinks_start()
{
	does "the applications' programs are in the realm" sinks_programs
	does "PostgreSQL makes its database" sinks_postgresql_data
	does "a program that opens TLS connections is there" realm_put tls_load
	does "so are the CA of the certificates" tests/realm/realm put sinks $life_state/ca.crt /tmp/ca.crt
	does "and that of the database" tests/realm/realm put sinks $life_state/db.crt /etc/ssl/certs/db.pem
	does "the files of the page are made" sinks_archive build/e2e/sinks.tar
	does "and copied" tests/realm/realm put sinks build/e2e/sinks.tar /tmp/sinks.tar
	runs 0 "they are in the realm" realm_sh "umask 022; tar -C / -xf /tmp/sinks.tar"
	does "disks" sinks_disks
	does "units of the tests" sinks_units
	does "the configuration" sinks_settings
	runs 0 "is right" realm_sh "realmkeyd --check"
	runs 0 "realmkeyd starts" realm_sh "systemctl start realmkeyd realmkey-ready || { journalctl --no-pager -n 40; false; }"
}

sinks_settings()
{
	STDIN=1 realm_sh "cat >/etc/realmkey/realmkeyd.conf" <<.
[kbs]
url = https://10.0.2.2:$trustee_port
ca = /etc/realmkey/ca.pem
[local]
wait = 10s
[secret late]
resource = default/late/1
required = no
credential = late.service
allow = uid:app
[secret never]
resource = default/never/1
required = no
credential = never.service
allow = uid:app
[secret app-key]
resource = default/app/key
key = user:realmkey:app
owner = app
[secret bell]
resource = default/bell/1
credential = bell.service
signal = bell.service USR1
.
}

sinks_refresh() { realm_sh "realmkey refresh --now${1:+ $1}"; }
# sinks_app COMMAND: the user app runs it, outside of any unit of the configuration.
sinks_app() { realm_sh "setpriv --reuid app --regid app --clear-groups $1"; }

# --- the examples --------------------------------------------------------------------------------

sinks_nginx()
{
	runs 0 "nginx starts" realm_sh "systemctl start nginx || { systemctl status --no-pager -l nginx; false; }"
	does "and uses its certificate" life_serves 8443 http a1
	runs 0 "a process has the key open" realm_sh "systemd-run -q --unit holder -p StandardInput=file:/run/realmkey/keyring/nginx/server.key \
		-p StandardOutput=file:/run/seen/held sh -c 'while ! test -e /run/seen/go; do sleep 0.3; done; sha256sum'; sha256sum </run/realmkey/keyring/nginx/server.key"
	sinks_held=$output
	does "a new pair is at the KBS" life_pair web a2
	# Of all secrets, because the two must arrive together; so it fails, because some of them are not at the KBS.
	sinks_refresh >/dev/null 2>&1
	does "nginx uses the new pair" within 20 life_serves 8443 http a2
	same "and was reloaded once" 1 "$(realm_sh "journalctl --no-pager -o cat -u nginx | grep -c '^Reloaded'")"
	runs 0 "the process that had the old key open" realm_sh "touch /run/seen/go; i=0
		while ! grep -q . /run/seen/held && [ \$((i += 1)) -lt 50 ]; do sleep 0.2; done; cat /run/seen/held"
	same "read that one, complete" "$sinks_held" "$output"
}

sinks_postgresql()
{
	runs 0 "PostgreSQL starts with the key as a credential" realm_sh "systemctl start postgresql@17-main ||
		{ systemctl status --no-pager -l initdb postgresql@17-main; false; }"
	does "and uses it" life_serves 5432 postgres b1
	does "a new certificate is made" life_certificate db b2
	does "and put into its file" tests/realm/realm put sinks $life_state/db.crt /etc/ssl/certs/db.pem
	does "its key is at the KBS" life_store db/key $life_state/db.key
	does "it arrives" sinks_refresh postgresql-key
	does "PostgreSQL was restarted, and uses it" within 60 life_serves 5432 postgres b2
}

sinks_dmcrypt()
{
	local shared="systemd-run -q --wait --pipe -p KeyringMode=shared"
	runs 0 "dm-crypt opens a disk with a logon key" realm_sh "systemctl start disk || { systemctl status --no-pager -l disk; false; }"
	runs 0 "the disk is written" realm_sh "echo 'the text on the disk' >/dev/mapper/disk && sync && head -n 1 /dev/mapper/disk"
	same "and read" "the text on the disk" "$output"
	runs 1 "its text is not on the device below" realm_sh "grep -q 'text on the disk' /var/disk.img"
	runs 1 "a unit with a keyring of its own does not have the key" realm_sh "systemd-run -q --wait --pipe keyctl request logon realmkey:disk"
	has "and is told so" "Required key not available"
	runs 1 "root cannot read it" realm_sh "$shared sh -c 'keyctl print \$(keyctl request logon realmkey:disk)'"
	has "because of its type" "not supported"
	runs 0 "a unit of the user app reads the user key of app" realm_sh "$shared -p User=app sh -c 'keyctl print \$(keyctl search @s user realmkey:app)'"
	has "with its value" "the key of the app"
	runs 1 "a unit of another user does not find it" realm_sh "$shared -p User=www-data keyctl search @s user realmkey:app"
	lacks "nor its value" "the key of the app"
	sinks_old=$(realm_sh "$shared -p User=app keyctl search @s user realmkey:app")
	does "a new key is at the KBS" life_say app/key "the second key of the app"
	does "it arrives" sinks_refresh app-key
	runs 0 "app reads the new one" realm_sh "$shared -p User=app sh -c 'keyctl print \$(keyctl search @s user realmkey:app)'"
	has "with its value" "the second key of the app"
	runs 1 "the old one is revoked" realm_sh "keyctl print $sinks_old"
	lacks "and has no value" "the key of the app"
}

sinks_crypttab()
{
	runs 0 "the volume of crypttab is opened" realm_sh "systemctl daemon-reload; systemctl start systemd-cryptsetup@data ||
		{ systemctl status --no-pager -l systemd-cryptsetup@data; false; }; dmsetup info -c --noheadings -o name data"
	has "and is there" data
	runs 1 "another volume is not opened" realm_sh "echo 'other /dev/loop1 $sinks_socket luks,headless=1,_netdev' >>/etc/crypttab &&
		systemctl daemon-reload && systemctl start systemd-cryptsetup@other"
	runs 0 "the log says why" realm_sh "journalctl --no-pager -o cat -u realmkey-local"
	has "with the volume" "volume 'other': refused to uid 0"
}

sinks_get()
{
	runs 0 "a unit with a script that runs realmkey get" realm_sh "systemctl start backup; journalctl --no-pager -o cat -u backup"
	has "has the secret" "the password has 26 characters"
	runs 0 "the user app has it too" sinks_app "realmkey get backup-password"
	same "with its value" "the password of the backup" "$output"
	runs 0 "varlinkctl" sinks_app "varlinkctl call /run/realmkey/api.sock io.realmkey.Secrets.Get '{\"name\":\"backup-password\"}'"
	has "has it in base64" "$(printf 'the password of the backup' | base64)"
	runs 0 "the log" realm_sh "journalctl --no-pager -o cat -u realmkey-local"
	has "has the read of the unit" "API 'backup-password': given to uid 1000"
	has "and that of the script" "backup.service"
	lacks "and no value" "the password of the backup"
}

sinks_wrong_uid()
{
	runs 8 "another user does not get it" realm_sh "setpriv --reuid www-data --clear-groups realmkey get backup-password"
	runs 8 "root does not get it either" realm_sh "realmkey get backup-password"
	runs 8 "nor app in a container" realm_sh "unshare --pid --fork --mount-proc setpriv --reuid app --regid app --clear-groups realmkey get backup-password"
	lacks "nor sees it" "the password of the backup"
	runs 8 "a name that does not exist is refused in the same way" sinks_app "realmkey get no-such-secret"
	runs 13 "a user cannot connect to the credential socket" sinks_app "perl -e 'use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un(\"$sinks_socket\")) or exit \$!+0'"
}

sinks_user()
{
	local as_app="setpriv --reuid app --regid app --clear-groups env XDG_RUNTIME_DIR=/run/user/1000"
	runs 0 "the service manager of a user starts with a credential" realm_sh "systemctl start user@1000 ||
		{ systemctl status --no-pager -l user@1000 user-runtime-dir@1000; false; }"
	runs 0 "a service of the user has it" realm_sh "$as_app systemctl --user start mail || { journalctl --no-pager -n 20 _UID=1000; false; }"
	runs 1 "one that asks the socket itself fails" realm_sh "$as_app systemctl --user start direct"
	same "because of its credential" 243 "$(realm_sh "$as_app systemctl --user show -P ExecMainStatus direct")"
	runs 0 "the user stops" realm_sh "systemctl stop user@1000"
}

# An image with a shell and realmkey, of files of the realm. Its program prints both ways to the token.
sinks_image()
{
	realm_sh "mkdir -p /etc/containers && printf '[storage]\ndriver=\"vfs\"\nrunroot=\"/run/containers/storage\"\ngraphroot=\"/var/lib/containers/storage\"\n' >/etc/containers/storage.conf
		cat >/tmp/web <<'.' && chmod 0755 /tmp/web
#!/bin/sh
echo \"file: \$(cat /run/secrets/token)\"
token=\$(realmkey get web-token 2>&1)
echo \"status: \$?: \$token\"
sleep 1000
.
		rm -rf /tmp/image; mkdir -p /tmp/image/bin
		for program in sh cat realmkey sleep; do
			file=\$(command -v \$program); cp -L \$file /tmp/image/bin/
			ldd \$file | sed -n 's/.*=> \(.*\) (.*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'
		done | sort -u | xargs cp -L --parents -t /tmp/image
		mv /tmp/web /tmp/image/ && tar -C /tmp/image -cf /tmp/image.tar .
		podman import -q --change 'CMD [\"/web\"]' /tmp/image.tar localhost/web"
}

sinks_podman()
{
	does "an image is made" sinks_image
	runs 0 "a container starts" realm_sh "systemctl start web && i=0
		until journalctl --no-pager -o cat -u web | grep -q status:; do [ \$((i += 1)) -lt 100 ] || break; sleep 0.3; done
		journalctl --no-pager -o cat -u web"
	has "and reads the credential" "file: the token of the web"
	has "and asks the socket" "status: 0: the token of the web"
	runs 0 "another container" realm_sh "podman run --rm --network=none -v /run/realmkey/api.sock:/run/realmkey/api.sock localhost/web \
		/bin/sh -c 'realmkey get web-token; echo status: \$?'"
	has "is refused" "status: 8"
	lacks "and gets nothing" "the token of the web"
	does "the container stops" realm_sh "systemctl stop web"
}

sinks_template()
{
	runs 0 "a program has its environment from a template" realm_sh "systemctl start app || { systemctl status --no-pager -l app; false; }"
	runs 0 "the file" sinks_app "cat /run/realmkey/keyring/app/environment"
	has "has members of JSON, encoded" "DATABASE_URL=postgresql://ann:a%2Fb%20c@db.example/app"
	has "and the whole in base64" "LOGIN=$(printf '{"user":"ann","password":"a/b c"}' | base64 -w0)"
	runs 1 "another user cannot read it" realm_sh "setpriv --reuid www-data --clear-groups cat /run/realmkey/keyring/app/environment"
}

# --- the refusals --------------------------------------------------------------------------------

sinks_wrong_unit()
{
	runs 1 "a unit that the configuration does not name fails" realm_sh "systemctl start other"
	same "because of its credential" 243 "$(realm_sh "systemctl show -P ExecMainStatus other; ls /run/seen | grep other")"
}

sinks_impostor()
{
	runs 0 "root in another unit has the name of web.service" realm_sh "systemd-run -q --wait --pipe --unit impostor perl /tmp/impostor unit/web.service/token"
	same "and gets what systemd refuses" "too long" "$output"
	runs 0 "root with the name of a volume" realm_sh "systemd-run -q --wait --pipe --unit impostor perl /tmp/impostor cryptsetup/data"
	lacks "does not get its passphrase" "the passphrase"
	runs 0 "the log" realm_sh "journalctl --no-pager -o cat -u realmkey-local"
	has "has the unit that asked" "credential 'web.service/token': refused to uid 0"
	has "and where it was" "it is in impostor.service, not in that unit"
}

sinks_not_yet()
{
	runs 0 "a unit whose secret is not there yet starts" realm_sh "systemctl start --no-block late; sleep 1; systemctl show -P ActiveState late"
	same "and waits" activating "$output"
	does "the operator stores the secret" life_say late/1 "better late than never"
	does "it arrives" sinks_refresh late
	runs 0 "the unit has read it" realm_sh "i=0
		while [ \"\$(systemctl show -P ActiveState late)\" = activating ] && [ \$((i += 1)) -lt 50 ]; do sleep 0.2; done; cat /run/seen/late"
	same "complete" "better late than never" "$output"
}

sinks_never()
{
	runs 1 "a unit whose secret is never there fails" realm_sh "systemctl start never"
	same "and never ran" 243 "$(realm_sh "systemctl show -P ExecMainStatus never; ls /run/seen | grep never")"
	runs 10 "so does realmkey get" sinks_app "realmkey get never"
}

# sinks_dies TEXT PID: this process, which may still have to start again, is killed while a unit waits.
sinks_dies()
{
	runs 0 "$1 is killed while a unit waits" realm_sh "systemctl reset-failed never 2>/dev/null; systemctl start --no-block never; sleep 1
		i=0; until pid=\$($2) && [ \"\${pid:-0}\" != 0 ] || [ \$((i += 1)) -gt 50 ]; do sleep 0.2; done
		kill -9 \$pid; i=0
		while [ \"\$(systemctl show -P ActiveState never)\" = activating ] && [ \$((i += 1)) -lt 100 ]; do sleep 0.2; done
		systemctl show -P ActiveState -P ExecMainStatus never; ls /run/seen | grep never || true"
	same "the unit fails, and never has an empty credential" "243
failed" "$(sort <<<"$output")"
}

sinks_restarted()
{
	local main="systemctl show -P MainPID"
	sinks_dies "realmkey-local" "$main realmkey-local"
	sinks_dies "its second process" "pgrep -P \$($main realmkey-local)"
	runs 0 "realmkeyd is killed with its keeper" realm_sh "kill -9 \$($main realmkeyd) \$(pgrep -P \$($main realmkeyd))"
	runs 0 "secrets are there" sinks_app "realmkey get backup-password"
	runs 0 "keys, too" realm_sh "systemd-run -q --wait --pipe -p KeyringMode=shared -p User=app keyctl search @s user realmkey:app"
	does "realmkeyd is active again" within 60 life_active
	runs 0 "and a unit has its credential" realm_sh "systemctl restart bell"
	does "a new value is at the KBS" life_say bell/1 "the second bell"
	does "it arrives" sinks_refresh bell
	runs 0 "the unit" realm_sh "i=0; until test -e /run/seen/bell || [ \$((i += 1)) -gt 60 ]; do sleep 0.2; done; sleep 1; cat /run/seen/bell"
	same "got a signal, once" rung "$output"
}

sinks_rotated()
{
	runs 0 "a program reads a file all the time" realm_sh "systemd-run -q --unit reader -p StandardOutput=file:/run/seen/read perl -e '
		\$SIG{TERM} = sub { print \"\$_\\n\" for sort keys %seen; exit };
		while (1) { open F, \"/run/realmkey/keyring/app/environment\" or die; \$seen{join \"\", <F>}++; close F; open F, \">/run/seen/reading\" unless -e \"/run/seen/reading\"; }'
		i=0; until test -e /run/seen/reading || [ \$((i += 1)) -gt 100 ]; do sleep 0.2; done"
	does "the secret changes" life_say app/login '{"user":"ben","password":"second"}'
	does "it arrives" sinks_refresh app-login
	runs 0 "the program has seen" realm_sh "sleep 0.5; systemctl stop reader; cat /run/seen/read"
	same "two values, complete" "DATABASE_URL=postgresql://ann:a%2Fb%20c@db.example/app
DATABASE_URL=postgresql://ben:second@db.example/app" "$(grep . <<<"$output" | grep -v LOGIN)"
}

sinks_quota()
{
	local keys=/proc/sys/kernel/keys old
	old=$(realm_sh "systemd-run -q --wait --pipe -p KeyringMode=shared -p User=app keyctl search @s user realmkey:app")
	does "a new key is at the KBS" life_say app/key "the third key of the app"
	runs 0 "root's quota of keys is full" realm_sh "cat $keys/root_maxkeys >/run/seen/maxkeys
		awk '\$1 == \"0:\" { split(\$4, a, \"/\"); print a[1] }' /proc/key-users >$keys/root_maxkeys"
	realm_sh "realmkey refresh --now app-key" >/dev/null 2>&1
	runs 0 "the log" realm_sh "journalctl --no-pager -o cat -n 30 -u realmkeyd -u 'realmkey-keys@*'"
	has "says so" "quota"
	runs 0 "the status" realm_sh "realmkey status app-key"
	has "too" "quota"
	runs 0 "the old key is still there" realm_sh "keyctl print $old"
	has "with its value" "the second key of the app"
	runs 0 "the quota is larger again" realm_sh "cat /run/seen/maxkeys >$keys/root_maxkeys"
	does "the new one arrives" sinks_refresh app-key
	runs 0 "app reads it" realm_sh "systemd-run -q --wait --pipe -p KeyringMode=shared -p User=app sh -c 'keyctl print \$(keyctl search @s user realmkey:app)'"
	has "with its value" "the third key of the app"
}

scenario_sinks()
{
	life_state=build/e2e/sinks.files
	does "trusteed starts" trustee_start sinks
	does "it releases everything to everyone" admin set-resource-policy --allow-all
	does "with the secrets of the examples" sinks_secrets
	export ROOTFS=debian TIMEOUT=${TIMEOUT:-300}
	export DISK
	does "a disk with the applications is made" life_disk sinks
	if [ "$status" -eq 0 ]; then does "a Debian realm boots with it" realm_start sinks; fi
	if [ "$status" -eq 0 ]; then debian_profiles; fi
	if [ "$status" -eq 0 ] && sinks_start; then
		sinks_nginx
		sinks_dmcrypt
		sinks_crypttab
		sinks_get
		sinks_template
		sinks_wrong_unit
		sinks_wrong_uid
		sinks_impostor
		sinks_not_yet
		sinks_never
		sinks_rotated
		sinks_user
		sinks_podman
		sinks_postgresql
		sinks_quota
		sinks_restarted
		debian_denied
	fi
	realm_stop
	rm -rf $life_state build/e2e/sinks.tar
	unset ROOTFS TIMEOUT DISK
}
