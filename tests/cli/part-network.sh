# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The ways to a KBS, with a real trusteed: several KBSs, a proxy, a Unix socket, a client certificate.

# peer_start MODE ARG...: starts network_peer.py; its port is in $peer.
peer_start()
{
	local i
	: >"$work/peer.out"
	tests/cli/network_peer.py "$@" >"$work/peer.out" &
	peer_pids+=($!)
	for ((i = 0; i < 100; i++)); do
		peer=$(cat "$work/peer.out")
		[ -z "$peer" ] || return 0
		sleep 0.1
	done
	return 1
}

peers_stop() { [ ${#peer_pids[@]} -eq 0 ] || kill "${peer_pids[@]}" 2>/dev/null; peer_pids=(); }

# got TEXT OPTION...: a get with these options prints the secret.
got()
{
	local text=$1
	shift
	ran realmkey_here get-resource "$@" --path a/b/c
	same "$text" "0 $secret" "$status $(cat "$work/out")"
}

network_proxy()
{
	local log=$work/proxy.log
	printf 'user:pass:word\n' >"$work/credentials"
	does "a proxy starts" peer_start proxy "$log" user:pass:word || return
	got "a get through a proxy" "${kbs[@]}" --proxy "http://127.0.0.1:$peer" --proxy-credentials "$work/credentials"
	same "which is asked for one tunnel" "CONNECT 127.0.0.1:$trustee_port HTTP/1.1" "$(cat "$log")"
	refused 5 "a proxy without its credentials" "requires credentials (407)" \
		realmkey_here attest "${kbs[@]}" --proxy "http://127.0.0.1:$peer"
	printf 'user:wrong-word' >"$work/credentials-wrong"
	refused 5 "a proxy with others" "does not accept the credentials (407)" \
		realmkey_here attest "${kbs[@]}" --proxy "http://127.0.0.1:$peer" --proxy-credentials "$work/credentials-wrong"
	lacks "the message has no credentials" "wrong-word"
	refused 5 "a KBS that the proxy cannot reach" "cannot reach this KBS (502)" realmkey_here attest --url https://127.0.0.1:1 \
		--ca "$tls/ca.pem" --proxy "http://127.0.0.1:$peer" --proxy-credentials "$work/credentials"
	export https_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1
	got "the environment names no proxy for it" "${kbs[@]}"
	unset https_proxy HTTPS_PROXY
}

network_several()
{
	local nowhere=https://127.0.0.1:1
	got "a get from the second KBS" --url $nowhere --url "$url" --ca "$tls/ca.pem"
	has "says why not from the first" "$nowhere: no connection: Connection refused; trying the next KBS"
	got "the same as one list" --url "$nowhere $url" --ca "$tls/ca.pem"
	got "each with its own CA" --url $nowhere --ca "$work/tls-other/ca.pem" --url "$url" --ca "$tls/ca.pem"
	got "a KBS whose certificate is not trusted" --url "$url" --ca "$work/tls-other/ca.pem" --url "$url" --ca "$tls/ca.pem"
	has "is passed over" "certificate not trusted"
	refused 9 "what the first KBS does not have" "a/b/none" realmkey_here get-resource --url "$url" --url "$url" \
		--ca "$tls/ca.pem" --path a/b/none
	ran realmkey_here attest --url $nowhere --url http://127.0.0.1:1 --insecure
	same "no KBS at all" "5 2" "$status $(wc -l <"$work/err")"
	cat "$work/tls-other/ca.pem" "$tls/ca.pem" >"$work/both.pem"
	got "a file with the old and the new CA" --url "$url" --ca "$work/both.pem"
	refused 2 "three CAs for two KBSs" "--ca is given 3 times and --url 2 times" \
		realmkey attest --url "$url" --url "$url" --ca a --ca b --ca c
	refused 2 "nine KBSs" "--url: more than 8" realmkey attest --url "$url $url $url $url $url $url $url $url $url"
	refused 2 "an administrator's command with two KBSs" "a command changes one KBS" \
		realmkey admin set-resource-policy --deny-all --admin-token-file /nonexistent --url "$url" --url "$url"
}

network_unix()
{
	local path=$top/$work/kbs.socket
	does "a Unix socket that leads to trusteed" peer_start unix "$path" "$trustee_port" || return
	got "a get over it, with TLS" --url "unix+https://localhost$path" --ca "$tls/ca.pem"
	refused 6 "a certificate for another name" "it is not for kbs.example" \
		realmkey_here attest --url "unix+https://kbs.example$path" --ca "$tls/ca.pem"
	refused 5 "a Unix socket that is not there" "no connection: No such file" \
		realmkey_here attest --url "unix:/nonexistent/socket"
	refused 2 "vsock without TLS" "vsock:// is neither private nor authentic" realmkey attest --url vsock://2:8080
}

network_certificate()
{
	local ca=$work/client-ca
	tests/realm/tls "$ca"
	does "a KBS that requires a certificate" peer_start tls "$trustee_port" "$tls/server.pem" "$tls/server.key" "$ca/ca.pem" || return
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -CA "$ca/ca.pem" -CAkey "$ca/ca.key" -subj "/CN=realm" \
		-addext "extendedKeyUsage=clientAuth" -keyout "$work/client.key" -out "$work/client.pem" 2>/dev/null
	# What is behind it expects TLS itself, so only the handshake counts: its end is an answer that is not HTTP.
	ran realmkey_here attest --url "https://127.0.0.1:$peer" --ca "$tls/ca.pem" --client-certificate "$work/client.pem" \
		--client-key "$work/client.key"
	lacks "the certificate is accepted" "alert"
	refused 6 "without a certificate" "certificate required; give the client's (--client-certificate" realmkey_here attest --url "https://127.0.0.1:$peer" --ca "$tls/ca.pem"
	refused 12 "the key of another certificate" "$tls/server.key: client key: not the key of the client certificate" \
		realmkey_here attest "${kbs[@]}" --client-certificate "$work/client.pem" --client-key "$tls/server.key"
	refused 12 "a certificate that is none" "$work/client.key: client certificate: no usable certificate" \
		realmkey_here attest "${kbs[@]}" --client-certificate "$work/client.key" --client-key "$work/client.key"
	refused 12 "a CA of the second KBS that is none" "$work/client.key: CA 2: no certificate" \
		realmkey_here attest --url "$url" --url "$url" --ca "$tls/ca.pem" --ca "$work/client.key"
	refused 12 "credentials that are none" "$tls/ca.pem: proxy credentials: not one line" \
		realmkey_here attest "${kbs[@]}" --proxy http://127.0.0.1:1 --proxy-credentials "$tls/ca.pem"
	refused 2 "a certificate without its key" "need each other" realmkey attest "${kbs[@]}" --client-certificate x
	refused 2 "credentials without a proxy" "--proxy-credentials needs --proxy" realmkey attest "${kbs[@]}" --proxy-credentials x
	refused 2 "a proxy without a port" "proxy: no port" realmkey attest "${kbs[@]}" --proxy http://proxy
	refused 2 "a proxy over TLS" "proxy: not http://HOST:PORT" realmkey attest "${kbs[@]}" --proxy https://proxy:1
}

# realmkeyd with all of it: a list, a CA for each, a proxy, a certificate.
network_daemon()
{
	local config=$work/conf/network log=$work/proxy-daemon.log keyring=$top/$work/keyring/network
	does "a proxy for realmkeyd" peer_start proxy "$log" user:pass || return
	printf 'user:pass\n' >"$work/credentials"
	cat >"$config" <<END
[kbs]
url = https://127.0.0.1:1 $url
ca = $top/$work/tls-other/ca.pem $top/$tls/ca.pem
proxy = http://127.0.0.1:$peer
proxy_credentials = $top/$work/credentials
certificate = $top/$work/client.pem
key = $top/$work/client.key
[secret one]
resource = a/b/c
END
	chmod 0600 "$config"
	runs 0 "realmkeyd with two KBSs behind a proxy" realmkeyd_here --config "$config" --once
	has "says why not the first" "proxy http://127.0.0.1:$peer: cannot reach this KBS (502); trying the next KBS"
	same "and delivers" "$secret" "$(cat "$keyring/one")"
	same "through the proxy" "CONNECT 127.0.0.1:1 HTTP/1.1 CONNECT 127.0.0.1:$trustee_port HTTP/1.1" "$(tr '\n' ' ' <"$log" | sed 's/ $//')"
	umount "$keyring"
	sed -i "s|^key = .*|key = $top/$tls/server.key|" "$config"
	refused 3 "a key of another certificate" "$config:7: [kbs] key: $top/$tls/server.key: client key: not the key" \
		realmkeyd_here --config "$config" --once
	umount "$keyring"
}

part_network()
{
	peer_pids=()
	on_exit peers_stop
	does "trusteed starts" kbs_start network --verbose || return
	runs 0 "all realms get secrets" admin set-resource-policy --allow-all
	network_several
	network_proxy
	network_unix
	network_certificate
	network_daemon
	peers_stop
}
