# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# realmkey rim --vmm: what it predicts, against the RMM's rules written down a second time below, and what it refuses.

# --- the RMM specification's steps, with xxd and openssl --------------------------------------------------------

# le64 NUMBER...: each as 16 hexadecimal digits, lowest byte first.
le64()
{
	local n hex
	for n in "$@"; do
		printf -v hex '%016x' "$((n))"
		printf '%s' "${hex:14:2}${hex:12:2}${hex:10:2}${hex:8:2}${hex:6:2}${hex:4:2}${hex:2:2}${hex:0:2}"
	done
}

# padded HEX SIZE: zeros up to SIZE bytes.
padded() { printf '%s%*s' "$1" $((2 * $2 - ${#1})) '' | tr ' ' 0; }

# digest: of the hexadecimal digits on standard input, with $hash.
digest() { xxd -r -p | openssl dgst "-$hash" -r | cut -d' ' -f1; }

# hand_create FLAGS S2SZ BPS WPS: REALM_CREATE.
hand_create()
{
	local number
	case $hash in sha256) number=0 ;; sha512) number=1 ;; *) number=2 ;; esac
	hand=$(padded "$(le64 "$1" "$2" 0 "$3" "$4" 0 $number)" 4096 | digest)
}

# hand_step TYPE BODY: one measurement descriptor.
hand_step() { hand=$(padded "$(le64 "$1" 256)$(padded "$hand" 64)$2" 256 | digest); }

# hand_ripas BASE TOP STEP: as many entries of STEP bytes.
hand_ripas()
{
	local at
	for ((at = $1; at < $2; at += $3)); do hand_step 2 "$(le64 $at $((at + $3)))"; done
}

# hand_data IPA FILE: DATA_CREATE of each page that FILE at IPA lies in.
hand_data()
{
	local lead=$(($1 % 4096)) ipa=$(($1 / 4096 * 4096)) page
	head -c "$lead" /dev/zero | cat - "$2" | xxd -p | tr -d '\n' | fold -w 8192 >"$work/pages"
	echo >>"$work/pages"
	while read -r page; do
		page=$(padded "$page" 4096 | digest)
		hand_step 0 "$(le64 $ipa 1)$(padded "$page" 64)"
		ipa=$((ipa + 4096))
	done <"$work/pages"
}

# hand_rec PC X0: REC_CREATE.
hand_rec()
{
	local page
	page=$(padded "$(padded "$(le64 1)" 512)$(padded "$(le64 "$1")" 256)$(le64 "$2")" 4096 | digest)
	hand_step 1 "$(padded "$page" 64)"
}

# hand_start FLAGS S2SZ BPS WPS BASE TOP STEP: what comes before the files, by the rules of $rmm.
hand_start()
{
	hand=
	[ "$rmm" = 2.0 ] || hand_create "$1" "$2" "$3" "$4"
	[ "$rmm" != 1.0 ] || hand_ripas "$5" "$6" "$7"
}

# hand_boot KERNEL INITRD DTB: the files at these addresses, and the REC that starts them.
hand_boot()
{
	hand_data "$1" "$work/Image"
	hand_data "$2" "$work/initrd"
	hand_data "$3" "$work/out.dtb"
	hand_rec "$1" "$3"
}

# --- files that a realm could boot ---------------------------------------------------------------------------------

# image FILE SIZE [MEMORY [TEXT_OFFSET]]: an arm64 Image by its header.
image()
{
	{
		padded "" 8
		le64 "${4-0}" "${3-$2}"
		padded "" 32
		printf '41524d6400000000'
	} | xxd -r -p >"$1"
	head -c $(($2 - 64)) /dev/urandom >>"$1"
}

# tree FILE BASE SIZE CPUS [CHOSEN]: a device tree of a realm.
tree()
{
	local n
	{
		echo '/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;'
		printf 'memory@0 { device_type = "memory"; reg = <0 %s 0 %s>; };\n' "$2" "$3"
		echo 'cpus { #address-cells = <1>; #size-cells = <0>;'
		for ((n = 0; n < $4; n++)); do echo "cpu@$n { device_type = \"cpu\"; reg = <$n>; };"; done
		printf '}; chosen { %s }; };\n' "${5-bootargs = \"quiet\";}"
	} | dtc -q -I dts -O dtb -o "$1" -
}

# With sanitizers.
realmkey_checked() { build/native/userspace/cli/realmkey "$@"; }

# predicted HASH WORD...: what the tool says, in hexadecimal, as $output. HASH may be empty: the VMM's own.
predicted()
{
	local words=(${1:+--hash "$1"})
	shift
	ran realmkey_checked rim "${words[@]}" "$@"
	output=$(base64 -d <"$work/out" 2>/dev/null | xxd -p -c 64; cat "$work/err")
}

# by_hand TEXT REALM WORD...: each hash by the rules of each RMM is what the function REALM makes of it.
by_hand()
{
	local text=$1 realm=$2 hash rmm
	shift 2
	for hash in sha256 sha384 sha512; do
		for rmm in 1.0 tfrmm-0.9 2.0; do
			predicted $hash --rmm $rmm "$@"
			$realm
			same "$text, $hash, by the rules of $rmm: its RIM is that by hand" "$hand" "$output"
		done
	done
}

# --- the checks ----------------------------------------------------------------------------------------------------

bench_hand()
{
	hand_start 0 33 1 1 0x40000000 0x50000000 0x200000
	hand_boot 0x40200000 0x48000000 0x4fe00000
}

rim_bench()
{
	local words=(--vmm bench --kernel "$work/Image" --initrd "$work/initrd" --dtb "$work/bench.dtb")
	tree "$work/bench.dtb" 0x40000000 0x40000000 8
	by_hand "a bench realm" bench_hand "${words[@]}" --ram 256M --cpus 3 --cmdline 'a b' --output-dtb "$work/out.dtb"
	same "its tree has the CPUs that were asked for" "cpu@0 cpu@1 cpu@2" "$(fdtget -l "$work/out.dtb" /cpus | xargs)"
	same "the RAM" "0 1073741824 0 268435456" "$(fdtget -t u "$work/out.dtb" /memory@0 reg)"
	same "the arguments after its own" "quiet a b" "$(fdtget "$work/out.dtb" /chosen bootargs)"
	same "and the initramfs" "0 1207959552 0 1207964553" "$(fdtget -t u "$work/out.dtb" /chosen linux,initrd-start /chosen linux,initrd-end | xargs)"
	words=(--vmm bench --kernel "$work/Image" --dtb "$work/out.dtb" --initrd "$work/initrd")
	ran realmkey_checked rim "${words[@]}" --output-dtb "$work/again.dtb"
	runs 0 "a tree that says it all stays as it is" cmp "$work/out.dtb" "$work/again.dtb"
}

kvmtool_hand()
{
	hand_start 0 33 5 3 0x80000000 0x84000000 0x200000
	hand_boot 0x80000000 $((0x83e00000 - 5004)) 0x83e00000
}

rim_kvmtool()
{
	local words=(--vmm kvmtool --kernel "$work/Image" --initrd "$work/initrd" --dtb "$work/kvmtool.dtb")
	tree "$work/kvmtool.dtb" 0x80000000 0x04000000 2
	words+=(--realm-params 'num_bps=5,num_wps=3' --cmdline 'console=hvc0' --output-dtb "$work/out.dtb")
	ran realmkey_checked rim --json "${words[@]}"
	same "of its own accord kvmtool takes SHA-256" sha-256 "$(jq -r '."hash-algorithm"' "$work/out")"
	by_hand "a kvmtool realm" kvmtool_hand "${words[@]}"
	same "its tree is loaded with 64 KiB" 65536 "$(stat -c %s "$work/out.dtb")"
	same "and new arguments" "console=hvc0" "$(fdtget "$work/out.dtb" /chosen bootargs)"
	ran realmkey_checked rim --json "${words[@]}" --ram 4G
	same "with 4 GiB IPAs are wider, and the tree stays below 256 MiB" "34 0x8fe00000" \
		"$(jq -r '[."ipa-bits", .loaded[2].ipa] | join(" ")' "$work/out")"
}

qemu_hand()
{
	hand_start 2 41 1 1 0x40000000 0x80000000 0x40000000
	[ "$rmm" != 1.0 ] || hand_ripas 0x80000000 0x80200000 0x200000
	hand_boot 0x40000000 0x48000000 0x48200000
}

rim_qemu()
{
	local words=(--vmm qemu --kernel "$work/Image" --initrd "$work/initrd" --dtb "$work/qemu.dtb")
	tree "$work/qemu.dtb" 0x40000000 0x40000000 2
	words+=(--realm-params 'num_bps=1,num_wps=1,sve_vl=0' --ram 1026M --output-dtb "$work/out.dtb")
	ran realmkey_checked rim --json "${words[@]}"
	same "of its own accord QEMU takes SHA-512" sha-512 "$(jq -r '."hash-algorithm"' "$work/out")"
	by_hand "a QEMU realm, RAM in large blocks" qemu_hand "${words[@]}"
}

kvmtool_tree_hand()
{
	hand_start 0 33 1 1 0x80000000 0xc0000000 0x200000
	hand_boot 0x80000000 $((0x8fe00000 - 5004)) 0x8fe00000
}

qemu_tree_hand()
{
	hand_start 0 41 1 1 0x40000000 0x80000000 0x40000000
	hand_boot 0x40000000 0x48000000 0x48200000
}

# tree_of_ours VMM HASH: its tree in dts/ as it is there, and all else as the VMM has it.
tree_of_ours()
{
	local rmm=1.0 hash=$2 dtb=$work/realm-$1.dtb
	cpp -P -nostdinc -undef -x assembler-with-cpp "dts/realm-$1.dts" | dtc -q -I dts -O dtb -o "$dtb" -
	predicted "" --vmm "$1" --kernel "$work/Image" --initrd "$work/initrd" --dtb "$dtb" \
		--realm-params num_bps=1,num_wps=1 --output-dtb "$work/out.dtb"
	"$1_tree_hand"
	same "the realm of dts/realm-$1.dts: its RIM, $hash, is that by hand" "$hand" "$output"
}

rim_params()
{
	local all='num_bps=5,num_wps=3,flags=0x6,s2sz=36,sve_vl=4,pmu_num_ctrs=31'
	local words=(--json --vmm kvmtool --kernel "$work/Image" --dtb "$work/kvmtool.dtb" --realm-params)
	ran realmkey_checked rim "${words[@]}" "$all"
	same "JSON says all realm parameters" "0x6 36 4 5 3 31" \
		"$(jq -r '."realm-params" | [.flags, .s2sz, .sve_vl, .num_bps, .num_wps, .pmu_num_ctrs] | join(" ")' "$work/out")"
	ran realmkey_checked rim "${words[@]}" num_bps=1,num_wps=1,sve_vl=0
	same "and those that follow from others" "0x2 33" "$(jq -r '."realm-params" | [.flags, .s2sz] | join(" ")' "$work/out")"
	printed "2.0 does not ask for what it does not measure" '"ipa-bits": 36' realmkey_checked rim "${words[@]}" s2sz=36 --rmm 2.0
	ran realmkey_checked rim "${words[@]}" "$all" --rmm 2.0
	same "but none where they are not measured" "5 null" "$(jq -r '[(.cmdline | length), ."realm-params"] | map(tostring) | join(" ")' "$work/out")"
}

# One bit, wherever it is, makes another RIM.
rim_bits()
{
	local file at byte first seen=0
	local words=(--vmm bench --kernel "$work/Image" --initrd "$work/initrd" --dtb "$work/out.dtb")
	tree "$work/out.dtb" 0x40000000 0x40000000 2
	predicted sha256 "${words[@]}"
	first=$output
	for at in Image:64 Image:9999 initrd:0 initrd:4096 initrd:5000 "out.dtb:$(grep -abo quiet "$work/out.dtb" | cut -d: -f1)"; do
		file=$work/${at%:*}
		cp "$file" "$work/kept"
		byte=$(xxd -p -s "${at#*:}" -l 1 "$file")
		printf '%02x' $((0x$byte ^ 1)) | xxd -r -p | dd of="$file" bs=1 seek="${at#*:}" conv=notrunc status=none
		predicted sha256 "${words[@]}"
		[ ${#output} != 64 ] || [ "$output" = "$first" ] || seen=$((seen + 1))
		cp "$work/kept" "$file"
	done
	same "one bit of kernel, initramfs or tree makes another RIM" 6 $seen
	runs 0 "a tree from standard input" realmkey_checked rim --json --vmm bench --kernel "$work/Image" --initrd "$work/initrd" --dtb - <"$work/out.dtb"
	same "makes the same RIM" "$first" "$(jq -r .rim <<<"$output")"
	ran realmkey_checked rim --json "${words[@]}"
	same "JSON says what was measured" "$first 1073741824 2 bench 0x48000000" \
		"$(jq -r '[.rim, .ram, .cpus, .vmm, .loaded[1].ipa] | join(" ")' "$work/out")"
}

# Lines of: status | pattern | words
rim_wrong()
{
	local want pattern words
	head -c 100 /dev/zero >"$work/zeros"
	image "$work/huge" 10000 0x10000000
	image "$work/offset" 10000 10000 0x80000
	tree "$work/seed.dtb" 0x40000000 0x40000000 2 'kaslr-seed = <1 2>;'
	tree "$work/initrd.dtb" 0x40000000 0x40000000 2 'linux,initrd-start = <0x48000000>; linux,initrd-end = <0x48001000>;'
	tree "$work/twice.dtb" 0x40000000 0x40000000 9
	tree "$work/bytes.dtb" 0x40000000 0x40000000 2 'bootargs = [61 ff 00];'
	printed "bootargs of any bytes are measured" = realmkey_checked rim --vmm bench --kernel "$work/Image" --dtb "$work/bytes.dtb"
	head -c 200 "$work/bench.dtb" >"$work/cut.dtb"
	while IFS='|' read -r want pattern words; do
		# shellcheck disable=SC2086 # words
		refused "$want" "rim $words" "$pattern" realmkey_checked rim ${words//@/$work/}
	done <<'.'
2|--kernel needs --vmm|--kernel /nonexistent
2|--cpus needs --vmm|--cpus 2
2|no 'xen'; there are bench, kvmtool, qemu|--vmm xen
2|--kernel and --dtb are required|--vmm bench --kernel @Image
2|exclude each other|--vmm bench --source device
2|--rmm: no '3.0'|--vmm bench --kernel @Image --dtb @bench.dtb --rmm 3.0
2|--hash: no 'md5'|--vmm bench --kernel @Image --dtb @bench.dtb --hash md5
2|--ram: 'lots' is not a size|--vmm bench --kernel @Image --dtb @bench.dtb --ram lots
2|--ram: '1T': a size ends in|--vmm bench --kernel @Image --dtb @bench.dtb --ram 1T
2|is too much|--vmm bench --kernel @Image --dtb @bench.dtb --ram 99999999999G
2|--cpus: '0' is not a number|--vmm bench --kernel @Image --dtb @bench.dtb --cpus 0
2|--realm-params: the host decides|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb
2|num_bps and num_wps are required|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params num_bps=1
2|--realm-params: s2sz=13: RAM ends at 0x84000000, and what is protected at 0x1000|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params num_bps=1,num_wps=1,s2sz=13
2|--realm-params: s2sz=32: RAM ends|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params num_bps=1,num_wps=1,s2sz=32
2|'' is not NAME=N|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params num_bps=1,num_wps=1,
2|'' is not NAME=N|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params= --rmm 2.0
2|num_bps is given twice|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params num_bps=1,num_bps=2,num_wps=1
2|s2sz is 1 to 52|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params num_bps=1,num_wps=1,s2sz=0
2|num_wps is 0 to 63|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params num_bps=1,num_wps=64
2|'color=1' is not NAME=N|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params color=1
2|--realm-params: those of bench are known|--vmm bench --kernel @Image --dtb @bench.dtb --realm-params num_bps=1,num_wps=1
12|kernel: |--vmm bench --kernel /nonexistent --dtb @bench.dtb
12|kernel: -: No such file|--vmm bench --kernel - --dtb @bench.dtb
12|not a regular file|--vmm bench --kernel /dev/zero --dtb @bench.dtb
12|not an arm64 Image|--vmm bench --kernel @zeros --dtb @bench.dtb
12|not an arm64 Image|--vmm bench --kernel @bench.dtb --dtb @bench.dtb
12|text_offset is 0x80000|--vmm qemu --kernel @offset --dtb @qemu.dtb --realm-params num_bps=1,num_wps=1
12|initrd: bench puts it at 0x48000000, where|--vmm bench --kernel @huge --initrd @initrd --dtb @bench.dtb
12|dtb: bench puts it at 0x4fe00000, where|--vmm bench --kernel @huge --dtb @bench.dtb
12|kernel: larger than the realm's RAM|--vmm bench --kernel @huge --dtb @bench.dtb --ram 16M
12|do not end before 0x44000000, where RAM does|--vmm bench --kernel @Image --dtb @bench.dtb --ram 64M
12|RAM of 2147483648 bytes: bench has up to 1024 MiB|--vmm bench --kernel @Image --dtb @bench.dtb --ram 2G
12|bytes: kvmtool has up to 1048576 MiB|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params num_bps=1,num_wps=1 --ram 17000000000G
12|in steps of 2|--vmm bench --kernel @Image --dtb @bench.dtb --ram 513M
12|not a device tree|--vmm bench --kernel @Image --dtb @Image
12|not a device tree|--vmm bench --kernel @Image --dtb @cut.dtb
12|memory begins at 0x80000000|--vmm bench --kernel @Image --dtb @kvmtool.dtb
12|kaslr-seed differs from boot to boot|--vmm bench --kernel @Image --dtb @seed.dtb
12|names an initramfs; which?|--vmm bench --kernel @Image --dtb @initrd.dtb
12|bootargs are not UTF-8|--json --vmm bench --kernel @Image --dtb @bytes.dtb
12|the tree has 2 CPUs, not 3 (there can be fewer)|--vmm bench --kernel @Image --dtb @out.dtb --initrd @initrd --cpus 3
12|9 CPUs: bench has up to 8|--vmm bench --kernel @Image --dtb @twice.dtb
12|the tree has 2 CPUs, not 1|--vmm qemu --kernel @Image --dtb @qemu.dtb --realm-params num_bps=1,num_wps=1 --cpus 1
.
}

part_rim()
{
	image "$work/Image" 10000
	head -c 5001 /dev/urandom >"$work/initrd"
	rim_bench
	rim_kvmtool
	rim_qemu
	tree_of_ours kvmtool sha256
	tree_of_ours qemu sha512
	rim_params
	rim_bits
	rim_wrong
}
