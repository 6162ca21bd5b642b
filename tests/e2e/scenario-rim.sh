# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The RIM that is computed beforehand is the one in the token of the realm that is booted then. Most of the realms here
# are as small as possible (rim_probe.c): they print their token and power off. One is Linux.

# rim_in_token CHALLENGE: prints the RIM in the token build/e2e/rim.cbor, or why the token cannot be verified with the
# bench's anchor and CHALLENGE.
rim_in_token()
{
	local said
	said=$(host_realmkey token verify build/e2e/rim.cbor --anchors "$anchors/cpak.pub.jwk" --challenge "$1" 2>&1) ||
		{ echo "$said"; return; }
	host_realmkey token show --json build/e2e/rim.cbor 2>&1 | $in_root jq -r '.realm."initial-measurement"' 2>&1
}

# rim_boot: boots the probe; sets $in_token to the RIM in its token, and $measured to the RIM that the RMM printed.
rim_boot()
{
	local log=build/e2e/rim.log
	KERNEL=$rim_kernel INITRD=$rim_initrd timeout 120 tests/realm/realm boot </dev/null >$log 2>&1
	measured=$(sed -n 's/^rmm: .* RIM sha-[0-9]* \([0-9a-f]*\).*/\1/p' $log)
	sed -n 's/^TOKEN \([0-9a-f]*\).*/\1/p' $log | $in_root xxd -r -p >build/e2e/rim.cbor
	in_token=$(rim_in_token "$(printf 'ff%.0s' {1..64})")	# the challenge in rim_probe.c
}

# The RMM's own list of steps, with a file that is not the predicted one, names the page that differs.
rim_steps()
{
	local QUIRKS=rim-steps SMP=2 words
	export QUIRKS SMP
	words=(rim --vmm bench --kernel "$rim_kernel" --dtb build/e2e/rim.dtb --cpus 2 --diff build/e2e/rim.log)
	rim_boot
	runs 0 "the RMM's steps are the predicted ones" host_realmkey "${words[@]}" --initrd "$rim_initrd"
	echo "# $output"
	flipped "$rim_initrd" 4096 build/e2e/rim-initrd-2
	runs 7 "with a bit of the initramfs flipped they are not" host_realmkey "${words[@]}" --initrd build/e2e/rim-initrd-2
	grep -q 'differs: content$' <<<"$output" && grep -q '^A: step data ipa=0x48001000 ' <<<"$output"
	tap $? "which is found in its second page" "$output"
}

# rim_agrees TEXT OPTION...: predicts a realm's RIM with OPTIONs, and boots the realm as the environment says.
rim_agrees()
{
	local text=$1 expected
	shift
	expected=$(host_realmkey rim --vmm bench --kernel "$rim_kernel" --initrd "$rim_initrd" \
		--dtb build/e2e/rim.dtb --json "$@" 2>&1 | $in_root jq -r '.rim' 2>&1)
	rim_boot
	seen+=("$expected")
	if [ ${#expected} -ge 64 ] && [ "$expected" = "$in_token" ] && [ "$expected" = "$measured" ]; then
		tap 0 "$text"
	else
		tap 1 "$text" "predicted: $expected
token:     $in_token
RMM:       $measured
$(tail -n 5 build/e2e/rim.log)"
	fi
}

rim_matrix()
{
	local HASH SMP RAM APPEND
	export HASH SMP RAM APPEND
	for HASH in sha256 sha384 sha512; do
		for SMP in 1 2 8; do
			for RAM in 512M 1G; do
				for APPEND in "" "one two=3"; do
					rim_agrees "$HASH, CPUs: $SMP, RAM: $RAM, arguments: '$APPEND'" --hash "$HASH" \
						--cpus "$SMP" --ram "$RAM" --cmdline "$APPEND"
				done
			done
		done
	done
	same "all of these are different" ${#seen[@]} "$(printf '%s\n' "${seen[@]}" | sort -u | wc -l)"
}

rim_flavours()
{
	local FLAVOUR HASH SMP=2
	export FLAVOUR HASH SMP
	for FLAVOUR in tfrmm-0.9 2.0; do
		for HASH in sha256 sha384 sha512; do
			rim_agrees "an RMM that measures as $FLAVOUR, $HASH" --rmm "$FLAVOUR" --hash "$HASH" --cpus 2
		done
	done
}

# Flips one bit of the kernel, of the initramfs and of the device tree, where it has no effect but on the RIM.
rim_flips()
{
	local HASH=$1 SMP=2 APPEND=b words=(--cpus 2 --hash "$1" --cmdline)
	export HASH SMP APPEND
	seen=()
	rim_agrees "a $HASH realm" "${words[@]}" b
	flipped "$rim_kernel" 40 build/e2e/rim-kernel
	flipped "$rim_initrd" 5000 build/e2e/rim-initrd-2
	rim_kernel=build/e2e/rim-kernel rim_agrees "one with a bit of its kernel flipped" "${words[@]}" b
	rim_initrd=build/e2e/rim-initrd-2 rim_agrees "with a bit of its initramfs flipped" "${words[@]}" b
	APPEND=c
	rim_agrees "with a bit of its tree flipped" "${words[@]}" c
	same "all of these are different" 4 "$(printf '%s\n' "${seen[@]}" | sort -u | wc -l)"
}

# The realm that `make realm` boots.
rim_linux()
{
	local expected began
	runs 0 "the RIM of a Linux realm is computed" env SMP=2 tests/realm/realm rim
	expected=$output
	began=$(date +%s%N)
	does "the realm boots" realm_start rim
	runs 0 "it prints its own RIM" realm_sh "realmkey rim"
	same "which is the same" "$expected" "$output"
	runs 0 "it has a device tree" realm_sh "cat /sys/firmware/fdt >/tmp/fdt"
	does "which is copied to the host" tests/realm/realm get rim /tmp/fdt build/e2e/rim-fdt
	runs 0 "from which the same RIM is computed" host_realmkey rim --vmm bench --kernel build/realm/run/rim/Image \
		--initrd build/realm/run/rim/initrd --from-dtb build/e2e/rim-fdt
	same "without any other option" "$expected" "$output"
	runs 0 "it makes a token" realm_sh "realmkey token --challenge 00112233 --raw /tmp/token"
	does "which is copied to the host" tests/realm/realm get rim /tmp/token build/e2e/rim.cbor
	same "the token is verified and has the same RIM" "$(base64 -d <<<"$expected" | $in_root xxd -p -c 64)" "$(rim_in_token 00112233)"
	echo "# $(grep -a -o 'rmm: .* measured in .* ms' build/realm/run/rim/console.log | tr -d '\r'), and $((($(date +%s%N) - began) / 1000000)) ms in all"
}

scenario_rim()
{
	local hash seen=() in_token measured rim_kernel=build/e2e/realm/rim_probe rim_initrd=build/e2e/rim-initrd
	does "the smallest realm and a device tree with all CPUs are built" $in_root sh -c 'flock build/e2e/lock make -s -C tests/e2e &&
		cpp -nostdinc -undef -x assembler-with-cpp -P dts/realm-bench.dts | dtc -q -I dts -O dtb -o build/e2e/rim.dtb -'
	head -c 5001 /dev/urandom >"$rim_initrd"
	rim_steps
	rim_matrix
	rim_flavours
	for hash in sha256 sha384 sha512; do
		rim_flips $hash
	done
	rim_linux
}
