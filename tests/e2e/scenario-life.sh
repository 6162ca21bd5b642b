# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The life of a realm with real applications: PostgreSQL and nginx in the Debian realm have their passwords,
# certificates and keys from the keyring. Secrets change, the configuration changes, processes are killed, the package
# is upgraded and the KBS goes away, and both applications go on.

life_state=build/e2e/life.files
life_keyring=/run/realmkey/keyring

# --- the secrets at the KBS ----------------------------------------------------------------------

# life_certificate NAME SERIAL: a certificate of this test's CA and its key, as NAME.crt and NAME.key.
life_certificate()
{
	$in_root openssl req -x509 -quiet -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj /CN=localhost \
		-CA $life_state/ca.crt -CAkey $life_state/ca.key -set_serial "0x$2" \
		-keyout "$life_state/$1.key" -out "$life_state/$1.crt"
}

life_ca()
{
	rm -rf $life_state && mkdir -p $life_state && chmod 0700 $life_state &&
		$in_root openssl req -x509 -quiet -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 \
			-subj "/CN=the CA of the applications" -keyout $life_state/ca.key -out $life_state/ca.crt
}

# life_store TAG FILE: the operator stores a secret.
life_store() { admin set-resource --path "default/$1" --resource-file "$2"; }

# life_say TAG TEXT: the same, with a text.
life_say() { printf %s "$2" >$life_state/text && life_store "$1" $life_state/text; }

# life_pair web|db SERIAL: the operator stores a new certificate and its key.
life_pair()
{
	life_certificate "$1" "$2" && life_store "$1/certificate" "$life_state/$1.crt" &&
		life_store "$1/key" "$life_state/$1.key"
}

life_secrets()
{
	life_ca && life_pair web a1 && life_pair db b1 && life_say db/password "the first password" &&
		life_say api/token "a token" && life_say web/motd "the first text"
}

# --- the applications ----------------------------------------------------------------------------

life_programs()
{
	realm_sh "mount -o ro /dev/disk/by-id/virtio-disk /mnt && cp -a /mnt/. / && umount /mnt &&
		mkdir -p /var/log/nginx /var/lib/nginx /srv/www && echo hello >/srv/www/index.html &&
		systemd-sysusers --inline 'u postgres - PostgreSQL /var/lib/postgresql' 2>/dev/null &&
		install -d -o postgres -g postgres /var/lib/postgresql /run/postgresql"
}

life_nginx()
{
	realm_sh "cat >/etc/nginx/conf.d/realm.conf <<'.'
server {
	listen 127.0.0.1:8443 ssl;
	root /srv/www;
	access_log off;
	ssl_certificate     $life_keyring/nginx/server.pem;
	ssl_certificate_key $life_keyring/nginx/server.key;
}
.
rm -f /etc/nginx/sites-enabled/default
mkdir -p /etc/systemd/system/nginx.service.d && cat >/etc/systemd/system/nginx.service.d/realmkey.conf <<'.'
[Unit]
Requires=realmkey-ready.service
After=realmkey-ready.service
.
cat >/etc/systemd/system/nginx-secrets.service <<'.'
[Unit]
Description=Reload nginx when its certificate and key change
BindsTo=nginx.service
After=nginx.service
[Service]
ExecStart=/bin/sh -c 'realmkey status --follow web-certificate web-key | while read -r event; do \\
	case \$event in *changed*) systemctl reload nginx ;; esac; done'
Restart=always
[Install]
WantedBy=nginx.service
.
systemctl enable -q nginx-secrets.service"
}

# PostgreSQL makes its database with the password of the keyring, so that this is done before the unit is there.
life_postgresql()
{
	realm_sh "cat >/etc/systemd/system/postgresql.service <<'.'
[Unit]
Requires=realmkey-ready.service
After=realmkey-ready.service
[Service]
Type=notify
User=postgres
Environment=PGDATA=/var/lib/postgresql/data
ExecStartPre=/bin/sh -c 'test -e \$PGDATA || /usr/lib/postgresql/17/bin/initdb --no-sync --locale=C --encoding=UTF8 \\
	--auth=scram-sha-256 --pwfile=$life_keyring/db/password'
ExecStart=/usr/lib/postgresql/17/bin/postgres -c ssl=on -c fsync=off -c listen_addresses=127.0.0.1 \\
	-c ssl_cert_file=$life_keyring/db/server.crt -c ssl_key_file=$life_keyring/db/server.key
ExecReload=kill -HUP \$MAINPID
.
cat >/etc/systemd/system/postgresql-secrets.path <<'.'
[Unit]
Description=Reload PostgreSQL when its certificate and key change
[Path]
PathChanged=$life_keyring/db
.
cat >/etc/systemd/system/postgresql-secrets.service <<'.'
[Service]
Type=oneshot
ExecStart=systemctl reload postgresql
.
systemctl daemon-reload"
}

# life_dropin NAME: standard input becomes a drop-in of the configuration.
life_dropin()
{
	STDIN=1 realm_sh "mkdir -p /etc/realmkey/realmkeyd.conf.d && cat >/etc/realmkey/realmkeyd.conf.d/$1.conf"
}

# life_configure: the example of the package, with the URL of this KBS in a drop-in. PostgreSQL has its certificate from the
# keyring, too, and one text changes often.
life_configure()
{
	tests/realm/realm put life userspace/install/realmkeyd.conf /etc/realmkey/realmkeyd.conf && life_dropin 10-realm <<<"
[kbs]
url = https://10.0.2.2:$trustee_port
[secret db-certificate]
resource = default/db/certificate
file = db/server.crt
owner = postgres
mode = 0444
[secret motd]
resource = default/web/motd
owner = www-data
required = no
refresh = 20s" && realm_sh "realmkeyd --check"
}

# --- what can be seen ----------------------------------------------------------------------------

# life_asked N TEXT: the clients of the KBS have made so many requests since the last call, without those for the text
# that changes often. life_since begins to count.
life_count()
{
	grep 'request \(POST /kbs/v0/auth\|POST /kbs/v0/attest\|GET /kbs/v0/resource\)' "$trustee_log" | grep -vc web/motd
}
life_since() { life_seen=$(life_count); }
life_asked()
{
	same "$2" "$1" "$(($(life_count) - life_seen))"
	life_since
}

# life_files: where each secret is, when it was written, with which owner, mode and content, without the text.
life_files()
{
	realm_sh "cd $life_keyring && stat -c '%n %i %y %U %a' */ */* && sha256sum */*"
}

# life_units: the applications' processes, and that they and what they require are active.
life_units()
{
	realm_sh "systemctl show -P MainPID nginx postgresql; systemctl is-active realmkey-ready nginx postgresql"
}

# life_unharmed TEXT: since life_mark, no application was stopped and no secret was written.
life_mark() { life_units_were=$(life_units) life_files_were=$(life_files); }
life_unharmed()
{
	output=$(life_units)
	has "$1: the applications are active" $'\nactive\nactive\nactive'
	same "$1: and were never stopped" "$life_units_were" "$output"
	output=$(life_files)
	has "$1: the secrets are there" nginx/server.key
	same "$1: and untouched" "$life_files_were" "$output"
}

life_active() { [ "$(realm_sh "systemctl is-active realmkeyd")" = active ]; }

# life_other_process PID: realmkeyd is active again, with another main process.
life_other_process() { [ "$(realm_sh "systemctl show -P MainPID realmkeyd")" != "$1" ] && life_active; }

life_keeper() { realm_sh "pgrep -P \$(systemctl show -P MainPID realmkeyd) realmkeyd"; }
life_other_keeper() { local now && now=$(life_keeper) && [ -n "$now" ] && [ "$now" != "$1" ]; }

# life_reads TEXT: the application's user reads it.
life_reads() { [ "$(realm_sh "setpriv --reuid www-data --clear-groups cat $life_keyring/motd")" = "$1" ]; }

# life_serves PORT PROTOCOL SERIAL: the application uses that certificate, and its key.
life_serves()
{
	[[ $(realm_sh "/tmp/tls_load $1 /tmp/ca.crt $2 1") == *"serial $3: 1"* ]]
}

# --- the parts -----------------------------------------------------------------------------------

life_start()
{
	does "the applications' programs are in the realm" life_programs
	does "a program that opens TLS connections is too" realm_put tls_load
	does "and the CA of their certificates" tests/realm/realm put "$realm_name" $life_state/ca.crt /tmp/ca.crt
	does "nginx is configured" life_nginx
	does "so is PostgreSQL" life_postgresql
	does "realmkeyd is configured" life_configure
	life_since
	runs 0 "nginx and PostgreSQL start, once every secret that is required is there" realm_sh "
		systemctl start nginx postgresql postgresql-secrets.path ||
		{ systemctl status --no-pager -l nginx postgresql realmkeyd realmkey-ready; false; }"
	[ "$status" -eq 0 ] || return 1
	life_asked 8 "the first pass takes 2 requests and one for each of the 6 secrets"
	does "nginx uses its certificate" life_serves 8443 http a1
	does "PostgreSQL uses its own" life_serves 5432 postgres b1
	runs 0 "owners and modes" realm_sh "cd $life_keyring && stat -c '%n %U %a' */* *"
	has "are those of the example and the drop-in" "db/password postgres 400
db/server.crt postgres 444
db/server.key postgres 600
nginx/server.key root 400
nginx/server.pem root 400
api-token www-data 400"
}

# A new value arrives within its interval, and all others stay as they are.
life_interval()
{
	local others
	others=$(life_files)
	does "the operator changes a text, whose interval is 20 s" life_say web/motd "the second text"
	does "it arrives by itself" within 25 life_reads "the second text"
	same "the other secrets are untouched" "$others" "$(life_files)"
}

life_refresh()
{
	life_mark
	life_since
	runs 0 "realmkey refresh --now" realm_sh "realmkey refresh --now"
	life_asked 6 "requests each of the 6 secrets with the EAR that it has"
	life_unharmed "a refresh of what has not changed"
	does "the operator changes a text again" life_say web/motd "the third text"
	runs 0 "realmkey refresh --now with its name" realm_sh "realmkey refresh motd --now"
	does "brings it at once" life_reads "the third text"
	life_asked 0 "and requests no other"
}

# life_exchange web|db PORT PROTOCOL SERIAL: a new pair is at the KBS, is fetched, and is used.
life_exchange()
{
	life_pair "$1" "$4" && realm_sh "realmkey refresh --now" && within 20 life_serves "$2" "$3" "$4"
}

# life_settled: nginx has not been reloaded for 5 seconds. Each exchange makes two reloads, one after the other.
life_settled()
{
	realm_sh "[ \$((\$(cut -d. -f1 /proc/uptime) - \$(systemctl show -P StateChangeTimestampMonotonic nginx) / 1000000)) -ge 5 ]"
}

life_load()
{
	realm_sh "systemd-run -q --unit load-$1 -p StandardOutput=file:/run/load-$1 /tmp/tls_load $2 /tmp/ca.crt $3"
}

# Certificate and key of both applications are exchanged while clients connect.
life_pairs()
{
	local i serials=''
	does "clients connect to nginx all the time" life_load nginx 8443 http
	does "others to PostgreSQL" life_load postgresql 5432 postgres
	for ((i = 2; i <= ${life_rotations:-2} + 1; i++)); do
		does "nginx gets certificate and key number $i" life_exchange web 8443 http "$(printf 'a%x' "$i")"
		serials+=" $(printf 'a%x' "$i")"
	done
	does "PostgreSQL gets new ones" life_exchange db 5432 postgres b2
	runs 0 "no request to nginx failed" \
		realm_sh "systemctl stop load-nginx; cat /run/load-nginx; grep -q 'failed 0$' /run/load-nginx"
	echo "# ${output//$'\n'/; }"
	same "the clients saw each certificate" "a1$serials" "$(sed -n 's/^serial \(.*\):.*/\1/p' <<<"$output" | paste -sd' ')"
	runs 0 "no connection to PostgreSQL failed" realm_sh "systemctl stop load-postgresql; cat /run/load-postgresql
		grep -q 'failed 0$' /run/load-postgresql"
	echo "# ${output//$'\n'/; }"
	has "which has its new certificate" "serial b2:"
	runs 0 "the journal has a field for the secret" realm_sh "journalctl --no-pager -o cat -u realmkeyd SECRET=db-certificate"
	has "by which its changes are found" "db-certificate: changed: db/server.crt"
	does "nginx was reloaded for the last time" within 120 life_settled
}

life_reload()
{
	life_mark
	life_since
	runs 0 "systemctl reload realmkeyd with the same configuration" realm_sh "systemctl reload realmkeyd"
	life_asked 0 "requests nothing that is not due"
	life_unharmed "a reload without a change"
	does "a wrong drop-in" life_dropin 50-more <<<"[secret more]
resource = default/web/more
owner = nobody-has-this-name
surprise = yes"
	runs 1 "systemctl reload fails with it" realm_sh "systemctl reload realmkeyd"
	runs 0 "the journal" realm_sh "journalctl --no-pager -n 30 -u realmkeyd"
	has "says why" "50-more.conf"
	does "realmkeyd is active still" life_active
	life_unharmed "a wrong configuration"
	does "the operator stores another secret" life_say web/more "more"
	does "a drop-in names it" life_dropin 50-more <<<"[secret more]
resource = default/web/more
owner = www-data"
	runs 0 "systemctl reload succeeds" realm_sh "systemctl reload realmkeyd"
	runs 0 "the new secret arrives" realm_sh "realmkey wait more --timeout 60s && cat $life_keyring/more"
	same "it is the stored one" more "$output"
	does "the drop-in is removed" realm_sh "rm /etc/realmkey/realmkeyd.conf.d/50-more.conf && systemctl reload realmkeyd"
	runs 1 "and its secret is no longer there" realm_sh "test -e $life_keyring/more"
	life_unharmed "two reloads"
}

# Processes are killed, and the applications do not notice.
life_deaths()
{
	local pid
	life_mark
	pid=$(life_keeper)
	runs 0 "the keeper is killed" realm_sh "kill -9 $pid"
	does "the supervisor starts another one" within 30 life_other_keeper "$pid"
	life_unharmed "kill -9 of the keeper"
	pid=$(realm_sh "systemctl show -P MainPID realmkeyd")
	runs 0 "the supervisor is killed" realm_sh "kill -9 $pid"
	does "systemd starts another one" within 60 life_other_process "$pid"
	life_unharmed "kill -9 of the supervisor"
	pid=$(realm_sh "pidof realmkey-courier")
	runs 0 "the courier is killed" realm_sh "kill -9 $pid"
	does "the daemon goes on with another one" within 60 life_reaches_kbs
	life_unharmed "kill -9 of the courier"
	runs 0 "realmkeyd is restarted" realm_sh "systemctl restart realmkeyd"
	life_unharmed "a restart"
}

life_reaches_kbs() { realm_sh "realmkey refresh motd --now"; }

# The package is unpacked and configured again, as an upgrade does it.
life_upgrade()
{
	life_mark
	does "the package is copied" tests/realm/realm put life "$(echo build/deb/realmkey_*_arm64.deb)" /tmp/realmkey.deb
	runs 0 "it is upgraded" realm_sh "dpkg -i /tmp/realmkey.deb 2>&1 && rm /tmp/realmkey.deb"
	does "realmkeyd is active" life_active
	life_unharmed "an upgrade"
}

# The KBS is away: everything stays, also over a restart.
life_outage()
{
	life_mark
	trustee_stop
	runs 5 "without the KBS, realmkey refresh fails" realm_sh "realmkey refresh --now"
	life_unharmed "an outage of the KBS"
	runs 0 "realmkeyd is restarted in the outage, and is ready" realm_sh "systemctl restart realmkeyd"
	runs 0 "realmkey wait says so too" realm_sh "realmkey wait --timeout 10s"
	runs 0 "realmkey status shows the failure" realm_sh "realmkey refresh --now; realmkey status --json"
	has "by its kind" network
	life_unharmed "a restart in the outage"
	does "the KBS is back" trustee_run
	does "with a new text" life_say web/motd "after the outage"
	does "which arrives" within 60 life_reads "after the outage"
}

# life_url: the KBS that answered last.
life_url() { realm_sh "realmkey status --json" | sed -n 's/^ *"kbs": "\(.*\)",*$/\1/p'; }

# The modules of a vsock within a machine, which the image lacks.
life_vsock()
{
	local name folder
	folder=build/root/usr/lib/modules/$(cat build/root.kernel)/kernel/net/vmw_vsock
	for name in vsock vmw_vsock_virtio_transport_common vsock_loopback; do
		tests/realm/realm put "$realm_name" "$folder/$name.ko.xz" "/tmp/$name.ko.xz" &&
			realm_sh "insmod /tmp/$name.ko.xz" || return 1
	done
}

# The KBS is reached by a Unix socket, and when that is gone by a vsock of the realm itself, with the lines that
# realmkey-courier(8) names for the unit and for AppArmor.
life_transports()
{
	does "a relay is in the realm" realm_put relay
	does "so are modules for a vsock" life_vsock
	does "the relay listens at a Unix socket and at a vsock" realm_sh "mkdir -p /run/kbs &&
		systemd-run -q --unit relay-unix /tmp/relay unix /run/kbs/socket 10.0.2.2 $trustee_port &&
		systemd-run -q --unit relay-vsock /tmp/relay vsock 7000 10.0.2.2 $trustee_port"
	does "the unit of the courier allows these" realm_sh "mkdir -p /etc/systemd/system/realmkey-courier@.service.d &&
		printf '[Service]\nRestrictAddressFamilies=AF_UNIX AF_VSOCK\n' \
			>/etc/systemd/system/realmkey-courier@.service.d/transports.conf && systemctl daemon-reload"
	does "so does its profile" debian_profile realmkey-courier "network vsock stream," "network unix stream," \
		"/run/kbs/socket rw,"
	does "a drop-in names both" life_dropin 60-transports <<<"[kbs]
url = unix+https://10.0.2.2/run/kbs/socket vsock+https://10.0.2.2/1:7000"
	runs 0 "systemctl reload" realm_sh "systemctl reload realmkeyd"
	does "the operator changes a text" life_say web/motd "by a Unix socket"
	runs 0 "realmkey refresh" realm_sh "realmkey refresh --now"
	does "brings it" life_reads "by a Unix socket"
	same "from that KBS" "unix+https://10.0.2.2/run/kbs/socket" "$(life_url)"
	does "the Unix socket is closed" realm_sh "systemctl stop relay-unix; rm /run/kbs/socket"
	does "the operator changes the text again" life_say web/motd "by a vsock"
	runs 0 "realmkey refresh" realm_sh "realmkey refresh --now"
	does "brings that too" life_reads "by a vsock"
	same "from the other KBS" "vsock+https://10.0.2.2/1:7000" "$(life_url)"
	does "all that is removed" realm_sh "rm /etc/realmkey/realmkeyd.conf.d/60-transports.conf \
		/etc/systemd/system/realmkey-courier@.service.d/transports.conf && systemctl daemon-reload &&
		systemctl stop relay-vsock && systemctl reload realmkeyd && realmkey refresh --now"
}

# life_disk [SET]: makes the disk with the applications, or with those of another set.
life_disk() { DISK=$(tests/realm/apps "$@"); }

scenario_life()
{
	does "trusteed starts" trustee_start life
	does "it releases everything to everyone" admin set-resource-policy --allow-all
	does "with the secrets of both applications" life_secrets
	export ROOTFS=debian TIMEOUT=${TIMEOUT:-300}
	export DISK
	does "a disk with the applications is made" life_disk
	if [ "$status" -eq 0 ]; then does "a Debian realm boots with it" realm_start life; fi
	if [ "$status" -eq 0 ]; then debian_profiles; fi
	if [ "$status" -eq 0 ] && life_start; then
		life_interval
		life_refresh
		life_pairs
		life_reload
		life_transports
		life_deaths
		life_upgrade
		life_outage
		debian_denied
	fi
	realm_stop
	rm -rf $life_state
	unset ROOTFS TIMEOUT DISK
}
