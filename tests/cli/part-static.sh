# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The programs that are linked statically (-Dstatic=true), with realm_here.c and trusteed.

part_static()
{
	local static=build/static program
	for program in cli/realmkey cli/realmkey-tools keeper/realmkeyd courier/realmkey-courier; do
		output=$(readelf -lW "$static/userspace/$program")
		lacks "static ${program##*/} needs no loader" INTERP
		has "but has random addresses" "DYN (Position-Independent Executable file)"
	done
	runs 0 "static realmkey" "$static/userspace/cli/realmkey" --help
	printed "static realmkey finds realmkey-tools" "usage: realmkey rim" "$static/userspace/cli/realmkey" rim --help
	kbs_start static-kbs || { tap 1 "trusteed starts"; return; }
	admin set-resource-policy --allow-all >/dev/null
	ran env REALMKEY_COURIER=$static/userspace/courier/realmkey-courier "$static/tests/cli/realmkey_here" get-resource \
		--url "https://localhost:$trustee_port" --ca "$tls/ca.pem" --path a/b/c
	same "static programs get a secret from a host with a name" "0 $secret" "$status $output"
	conf '[secret static]' 'resource = a/b/c'
	ran "$static/tests/cli/realmkeyd_here" --courier "$static/userspace/courier/realmkey-courier" --keyring "$keyring" \
		--config "$work/conf/realmkeyd" --once
	same "static realmkeyd delivers it" "0 $secret" "$status $(cat "$keyring/static")"
	umount "$keyring"
}
