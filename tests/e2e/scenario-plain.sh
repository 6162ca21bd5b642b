# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The same kernel and initramfs on a machine that is not a realm: QEMU boots Linux without an RMM.

plain_sh() { build/realm/realmctl --socket build/e2e/plain.sock --timeout 60 sh "$1"; }

plain_stop() { child_stop plain_pid; }

plain_start()
{
	rm -f build/e2e/plain.sock
	$in_root qemu-system-aarch64 -machine virt,gic-version=3 -cpu max -smp 2 -m 1G -nodefaults -display none -no-reboot \
		-kernel build/realm/Image -initrd build/realm/initramfs.cpio.lz4 -append "console=ttyAMA0 panic=-1" \
		-serial file:build/e2e/plain.console -global virtio-mmio.force-legacy=false -device virtio-serial-device \
		-chardev socket,id=agent,path=build/e2e/plain.sock,server=on,wait=off \
		-device virtserialport,chardev=agent,name=realm.agent </dev/null >/dev/null 2>&1 &
	plain_pid=$!
	on_exit plain_stop
	build/realm/realmctl --socket build/e2e/plain.sock --timeout 60 wait
}

scenario_plain()
{
	does "the kernel boots outside a realm" plain_start
	runs 1 "the module refuses to load" plain_sh "modprobe cca_rsi"
	has "with ENODEV" "No such device"
	# (busybox tries both system calls that load a module, so the kernel logs the line twice.)
	runs 0 "what the kernel logs" plain_sh "dmesg -c >/dev/null; modprobe cca_rsi 2>/dev/null; dmesg | grep cca | sed 's/.*] //' | sort -u"
	one_line "is one line"
	runs 4 "realmkey says that this is not a realm" plain_sh "realmkey rim"
	one_line "in one line"
	runs 4 "and so does a get" plain_sh "realmkey get-resource --insecure --url http://127.0.0.1:1 --path a/b/c"
	one_line "in one line too"
	runs 4 "and the daemon" plain_sh "printf '[kbs]\nurl = https://127.0.0.1:1\n[secret s]\nresource = a/b/c\nfile = s\n' >/tmp/c; realmkeyd --config /tmp/c --once"
	plain_stop
}
