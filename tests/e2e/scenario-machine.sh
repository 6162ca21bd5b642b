# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The bench as a machine for other software: CPU models, sizes, another kernel, a disk, a shared folder, the debugger's
# stub. What is plugged is not measured; what is booted is.

machine_folder=build/e2e/machine
machine_mount="modprobe 9pnet_virtio && mkdir -p /mnt && mount -t 9p -o trans=virtio share /mnt"

# machine_rim: prints the RIM that a realm of this environment would have.
machine_rim() { tests/realm/realm rim 2>&1; }

# machine_zboot: makes an EFI zboot image of the bench's kernel, as some distributions do.
machine_zboot()
{
	local payload=$machine_folder/payload
	gzip -1c build/realm/Image >$payload
	{
		printf 'MZ\0\0zimg\100\0\0\0'
		printf '%b' "$(printf '%08x' "$(stat -c %s $payload)" | sed -E 's/(..)(..)(..)(..)/\\x\4\\x\3\\x\2\\x\1/')"
		printf '\0\0\0\0\0\0\0\0gzip'
		head -c 36 /dev/zero
		cat $payload
	} >$machine_folder/vmlinuz
}

# One old CPU and little memory; a packed kernel, whose modules come from a folder without ours; a shared folder that the
# realm may write to.
machine_small()
{
	local share=$machine_folder/share
	machine_zboot
	export CPU=neoverse-n1 SMP=1 RAM=512M SHARE=$share:rw KERNEL=$machine_folder/vmlinuz MODULES=build/root/usr
	does "a realm on neoverse-n1 with another kernel file" realm_start small
	[ "$status" -eq 0 ] || return
	runs 0 "one CPU" realm_sh nproc
	same "is online" 1 "$output"
	runs 0 "its memory" realm_sh "awk '/^MemTotal/ { print (\$2 > 300000 && \$2 < 524288) }' /proc/meminfo"
	same "is 512 MiB less what the kernel took" 1 "$output"
	runs 0 "the kernel" realm_sh "dmesg"
	has "detects the realm" "RME: Using RSI"
	runs 1 "our module" realm_sh "grep cca_rsi /proc/modules"
	runs 0 "the shared folder" realm_sh "$machine_mount
		cat /mnt/text && echo back >/mnt/written && cp /usr/bin/busybox /mnt/suid && chmod 4755 /mnt/suid && ln -s /etc/shadow /mnt/link &&
		mknod /mnt/node b 254 0 && ls -l /mnt/suid /mnt/link"
	has "can be read" "from outside"
	has "shows the realm its own modes" "-rwsr-xr-x"
	has "and links" "/etc/shadow"
	same "what the realm wrote is on the host" back "$(cat $share/written)"
	same "without its setuid bit, link and device node" "" \
		"$(find $share -perm /6000 -o -type l -o -type b)"
	realm_stop
	unset CPU SMP RAM SHARE KERNEL MODULES
}

# machine_qcow2 FILE: makes an empty disk of 1 MiB in QEMU's format (docs/interop/qcow2.rst): header, reference count
# table, reference counts, L1 table; one cluster each. The toolchain root has no qemu-img.
machine_qcow2()
{
	{
		printf 'QFI\373\0\0\0\2'
		head -c 15 /dev/zero
		printf '\20\0\0\0\0\0\20\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\1'
	} >"$1"
	truncate -s 64K "$1" && printf '\0\0\0\0\0\2\0\0' >>"$1"
	truncate -s 128K "$1" && printf '\0\1\0\1\0\1\0\1' >>"$1"
	truncate -s 256K "$1"
}

# machine_gone NAME: waits until it is.
machine_gone() { within 30 test ! -e "build/realm/run/$1/pid"; }

# What a realm of one command has written is on the disk afterwards, even if it was not synced. A process keeps the disk
# open, because the kernel writes out what is left when the last one closes it.
machine_disks()
{
	local write="modprobe virtio_blk; exec 5<>/dev/vda; echo never synced >&5; sleep 1000 >/dev/null 2>&1 &"
	truncate -s 1M $machine_folder/raw
	DISK=$machine_folder/raw runs 0 "a realm of one command writes to a disk" tests/realm/realm run "$write"
	same "and what it wrote is there" "never synced" "$(head -n 1 $machine_folder/raw | tr -d '\0')"
	truncate -s 0 $machine_folder/raw
	truncate -s 1M $machine_folder/raw
	sleep 1000 &
	DISK=$machine_folder/raw OWNER=$! runs 0 "one in the background, with an owner" tests/realm/realm start owned
	runs 0 "writes to it too" tests/realm/realm sh owned "$write"
	kill $!
	does "it ends with its owner" machine_gone owned
	same "and what it wrote is there" "never synced" "$(head -n 1 $machine_folder/raw | tr -d '\0')"
	machine_qcow2 $machine_folder/disk.qcow2
	ln -s "$PWD/$machine_folder/disk.qcow2" $machine_folder/link
	DISK=$machine_folder/link runs 0 "another one, to a qcow2 that a link leads to" tests/realm/realm run "$write"
	same "which is still one" "514649fb" "$(od -An -tx1 -N 4 $machine_folder/disk.qcow2 | tr -d ' ')"
	DISK=$machine_folder/disk.qcow2 runs 0 "a third one" tests/realm/realm run \
		"modprobe virtio_blk; head -n 1 /dev/vda"
	same "finds it written" "never synced" "$output"
}

machine_stub()
{
	local reply
	exec 3<>"/dev/tcp/127.0.0.1/$1" || return
	# shellcheck disable=SC2016 # a packet of gdb's protocol: why is it halted?
	printf '+$?#3f' >&3
	read -r -t 20 -N 3 reply <&3
	# shellcheck disable=SC2016 # and: detach
	printf '+$D#44' >&3
	exec 3>&-
	[ "$reply" = '+$T' ]
}

# The messages of the runner's verbs when there is nothing to copy, or when a command has too many words.
machine_verbs()
{
	runs 125 "a folder cannot be put" tests/realm/realm put large tests /tmp/put
	has "which the message says" "tests: Is a directory"
	runs 1 "and no file was made" realm_sh "test -e /tmp/put"
	STDIN=1 runs 125 "a command cannot read a folder" tests/realm/realm exec large cat <tests
	has "which is an error, not the end of a file" "standard input: Is a directory"
	echo kept >$machine_folder/kept
	runs 1 "a file that does not exist cannot be got" tests/realm/realm get large /nonexistent $machine_folder/kept
	same "and the file on the host is not replaced" kept "$(cat $machine_folder/kept)"
	runs 0 "an empty file can be got" tests/realm/realm get large /dev/null $machine_folder/kept
	same "and replaces the file on the host" "" "$(cat $machine_folder/kept)"
	# shellcheck disable=SC2046 # words
	runs 126 "a command of 257 words" tests/realm/realm exec large true $(seq 256)
	has "is refused with the reason" "more than 256 arguments"
}

# The source of the realm's entropy pool.
machine_random()
{
	runs 0 "the source of random numbers" realm_sh "cat /sys/class/misc/hw_random/rng_current; head -c 64 /dev/hwrng | wc -c"
	same "is virtio-rng, and returns some" "virtio_rng.0 64" "${output//$'\n'/ }"
}

# The same work takes the same time, to two hundredths of a second, whatever else this machine does.
machine_counted()
{
	TIMEOUT=300 QEMU_ARGS="-icount shift=0" runs 0 "a realm whose instructions are counted" tests/realm/realm run \
		'now() { awk "{ printf \"%d\", \$1 * 100 + 0.5 }" /proc/uptime; }
		work() { begun=$(now); i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo $(($(now) - begun)); }
		first=$(work) second=$(work)
		echo $first and $second hundredths
		[ $first -gt 1 ] && [ $((first - second)) -le 2 ] && [ $((second - first)) -le 2 ]'
}

# A realm cannot be restarted: PSCI's SYSTEM_RESET ends the machine.
machine_reset()
{
	runs 125 "a realm that resets itself ends the machine" tests/realm/realm run "reboot -f; sleep 1000"
	has "as the console says" "rmm: the realm reset itself"
}

machine_large()
{
	local expected port=$((20000 + $$ % 20000))
	printf 'what is on the disk' >$machine_folder/disk
	truncate -s 1M $machine_folder/disk
	export CPU=cortex-a72 SMP=8
	expected=$(machine_rim)
	export DISK=$machine_folder/disk SHARE=$machine_folder/share GDB=$port
	export QEMU_ARGS="-chardev file,id=hvc,path=/src/$machine_folder/hvc -device virtconsole,chardev=hvc"
	does "a realm on cortex-a72 with every device that can be plugged" realm_start large
	[ "$status" -eq 0 ] || return
	runs 0 "eight CPUs" realm_sh nproc
	same "are online" 8 "$output"
	runs 0 "its RIM" realm_sh "realmkey rim"
	same "is that of a realm with nothing plugged" "$expected" "$output"
	runs 0 "a token" realm_sh "realmkey token --json"
	has "is made, as in any realm" '"initial-measurement"'
	runs 0 "the disk" realm_sh "modprobe virtio_blk; head -c 19 /dev/vda; printf written | dd of=/dev/vda conv=notrunc,fsync status=none"
	has "can be read" "what is on the disk"
	same "and written" "written on the disk" "$(head -c 19 $machine_folder/disk)"
	runs 0 "the shared folder" realm_sh "$machine_mount
		cat /mnt/text; ! touch /mnt/x"
	has "is read-only" "Read-only file system"
	machine_random
	runs 0 "a virtio console" realm_sh "echo over virtio >/dev/hvc0; sleep 1"
	same "passes on its output" "over virtio" "$(tr -d '\r' <$machine_folder/hvc)"
	machine_verbs
	does "the debugger's stub answers" machine_stub "$port"
	runs 0 "and lets the realm continue" realm_sh true
	realm_stop
	unset CPU SMP DISK SHARE GDB QEMU_ARGS
}

# In the toolchain root, an absolute link would lead to another file.
machine_links()
{
	local expected name to=$PWD/$machine_folder/links
	mkdir -p "$to"
	cp build/realm/initramfs.cpio.lz4 "$to/initrd"
	ln -s "$PWD/build/realm/Image" "$to/kernel"
	ln -s "$PWD/build/root/usr" "$to/modules"
	expected=$(machine_rim)
	for name in kernel initrd; do
		ln -s "$to/$name" "$to/$name-2"
	done
	KERNEL=$to/kernel-2 INITRD=$to/initrd-2 runs 0 "kernel and initramfs are links" tests/realm/realm rim
	same "and those that they lead to are booted" "$expected" "$output"
	KERNEL=$to/kernel-2 MODULES=$to/modules runs 0 "the folder of modules is a link" tests/realm/realm rim
	printf x >"$to/root.img"
	printf 1:2 >"$to/root.verity"
	ln -s "$to/root.img" "$to/other.img"
	ROOTFS=$to/other.img runs 0 "the root file system is a link, with its hash where the link leads" \
		tests/realm/realm rim
	rm "$to/root.verity"
	printf 1:2 >"$to/other.verity"
	ROOTFS=$to/other.img runs 0 "or next to the link" tests/realm/realm rim
}

# If the signer does not start, the runner ends at once.
machine_signer()
{
	local verb dir=$machine_folder/rmm
	mkdir -p "$dir"
	cp build/rmm/rmm.elf "$dir/"
	printf '#!/bin/sh\necho "hes: out of ink" >&2\nexit 1\n' >"$dir/hes"
	chmod 0755 "$dir/hes"
	for verb in "run true" boot "start signer"; do
		# shellcheck disable=SC2086 # words
		RMM=$dir runs 125 "$verb with a signer that dies" tests/realm/realm $verb </dev/null
		has "prints the signer's last message" "realm: the signer ended: hes: out of ink"
	done
	TOKEN=400 runs 125 "an unknown layout of tokens" tests/realm/realm run true
	one_line "is refused at once"
}

machine_errors()
{
	runs 2 "a command that was not quoted" tests/realm/realm run echo hi
	has "is refused with the reason" "quote it"
	runs 2 "a shell and a command" tests/realm/realm boot echo
	runs 2 "two names" tests/realm/realm start one two
	runs 2 "a copy to nowhere" tests/realm/realm put one two
	RAM=2G runs 125 "more memory than there is" tests/realm/realm run true
	has "is refused with the maximum" "1 GiB"
	RAM=lots runs 125 "a size that is not a number" tests/realm/realm run true
	SMP=9 runs 125 "nine CPUs" tests/realm/realm run true
	SMP=abc runs 125 "CPUs that are not a number" tests/realm/realm run true
	same "are refused in one line" "realm: SMP=abc: a realm has 1 to 8 CPUs" "$output"
	DISK=build/e2e/nothing runs 125 "a disk that does not exist" tests/realm/realm run true
	SHARE=build/e2e/nothing runs 125 "a folder that does not exist" tests/realm/realm run true
	ROOTFS=fedora runs 125 "an unknown root file system" tests/realm/realm run true
	KERNEL=README.md runs 125 "a kernel that is not one" tests/realm/realm run true
	one_line "is refused in one line"
	KERNEL=build/e2e/nothing runs 125 "a kernel that does not exist" tests/realm/realm rim
	same "is named as the user named it" "realm: KERNEL=build/e2e/nothing: there is no such file" "$output"
	VSOCK=unix:/nonexistent runs 125 "a socket that does not exist" tests/realm/realm run true
	has "is refused" "VSOCK=unix:/nonexistent: there is no such socket"
	CPU=z80 runs 125 "a CPU that QEMU does not know" tests/realm/realm run true
	has "is refused by QEMU" "CPU model"
	if [ -w /dev/vhost-vsock ]; then
		skip "vsock on a machine without it" "this one has /dev/vhost-vsock"
	else
		VSOCK=3 runs 125 "vsock on a machine without it" tests/realm/realm run true
		has "says what is missing" "/dev/vhost-vsock"
	fi
}

scenario_machine()
{
	rm -rf $machine_folder
	mkdir -p $machine_folder/share
	echo "from outside" >$machine_folder/share/text
	machine_errors
	machine_signer
	machine_links
	machine_small
	machine_large
	machine_counted
	machine_reset
	machine_disks
	rm -rf $machine_folder
}
