# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Tests `make realm RUN=...` and its options, and that the RIM covers each byte that was loaded.

rim_of() { tests/realm/realm run "realmkey rim" 2>/dev/null; }

runner_rim()
{
	local plain changed
	plain=$(rim_of)
	same "two realms of the same contents have the same RIM" "$plain" "$(rim_of)"
	flipped build/realm/Image 40 build/e2e/Image
	# Unpacked, it has a byte that affects the RIM only: the last one of a file's time.
	$in_root lz4 -dcq build/realm/initramfs.cpio.lz4 >build/e2e/initramfs.plain
	flipped build/e2e/initramfs.plain 53 build/e2e/initramfs
	changed=$(KERNEL=build/e2e/Image rim_of)
	if [ -n "$changed" ] && [ "$changed" != "$plain" ]; then tap 0 "one bit of the kernel changes the RIM"; else
		tap 1 "one bit of the kernel changes the RIM" "$changed"; fi
	plain=$(INITRD=build/e2e/initramfs.plain rim_of)
	changed=$(INITRD=build/e2e/initramfs rim_of)
	if [ -n "$changed" ] && [ "$changed" != "$plain" ]; then tap 0 "one bit of the initramfs changes the RIM"; else
		tap 1 "one bit of the initramfs changes the RIM" "$changed"; fi
	plain=$(APPEND=realm.test=0 rim_of)
	changed=$(APPEND=realm.test=1 rim_of)
	if [ -n "$changed" ] && [ "$changed" != "$plain" ]; then tap 0 "one bit of the device tree changes the RIM"; else
		tap 1 "one bit of the device tree changes the RIM" "$changed"; fi
	rm -f build/e2e/Image build/e2e/initramfs{,.plain}
}

# A signal ends the runner while realmctl still waits for the agent: the terminal is restored, and no process is left.
runner_terminal()
{
	local dir=build/e2e/terminal
	rm -rf $dir
	mkdir -p $dir
	cat >$dir/session <<'.'
stty -g >build/e2e/terminal/before
tests/realm/realm boot </dev/tty >build/e2e/terminal/console 2>&1 &
for ((i = 0; i < 300; i++)); do
	! grep -q 'starting the realm' build/e2e/terminal/console || break
	sleep 0.1
done
stty -g >build/e2e/terminal/meanwhile
kill -TERM $!
wait $!
echo $? >build/e2e/terminal/status
stty -g >build/e2e/terminal/after
sleep 0.5
grep -alE "run/[.]boot-$!/" /proc/[0-9]*/cmdline >build/e2e/terminal/left
.
	script -qc "bash $dir/session" /dev/null </dev/null >/dev/null 2>&1
	same "a runner that boots a shell ends by a signal" 143 "$(cat $dir/status)"
	if cmp -s $dir/before $dir/meanwhile; then tap 1 "its terminal was raw"; else tap 0 "its terminal was raw"; fi
	same "and is restored" "$(cat $dir/before)" "$(cat $dir/after)"
	same "no process is left" "" "$(cat $dir/left)"
	rm -rf $dir
}

scenario_runner()
{
	local errors=build/e2e/runner.err
	output=$(make realm RUN='echo out; echo err >&2; cat /proc/cmdline' APPEND=realm.test=1 2>"$errors")
	status=$?
	same "make realm RUN= ends with 0" 0 "$status"
	same "prints the command's output" out "$(head -n 1 <<<"$output")"
	has "with APPEND on the kernel's command line" realm.test=1
	same "and nothing else" 2 "$(wc -l <<<"$output")"
	if grep -qx err "$errors"; then tap 0 "its errors go to standard error"; else tap 1 "its errors go to standard error" "$(cat "$errors")"; fi
	if [ -s build/realm/console.log ]; then tap 0 "the console is in console.log"; else tap 1 "the console is in console.log"; fi
	runs 0 "a RIM is printed without a machine" tests/realm/realm rim
	if [ -s build/realm/console.log ]; then tap 0 "the last console is still there"; else tap 1 "the last console is still there"; fi
	runs 7 "the runner ends with the command's status" tests/realm/realm run 'exit 7'
	TIMEOUT=12 runs 124 "a command that takes too long" tests/realm/realm run 'sleep 100'
	has "shows the console's last lines" console.log
	does "trusteed starts" trustee_start runner
	runs 0 "the realm reaches the host" tests/realm/realm run "nc -w 5 10.0.2.2 $trustee_port </dev/null"
	runner_terminal
	runner_rim
}
