/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REALM_ROOT_H
#define REALM_ROOT_H

#define ROOT_ARGUMENT "realm.root="

/*
 * root_switch - continue in a root file system on the disk with serial number ROOT_SERIAL
 * @verity: BLOCKS:HASH, the value of the kernel argument: 4 KiB blocks of the file system, and in
 *	hexadecimal the root of the dm-verity tree (SHA-256, no salt) that follows them
 *
 * The disk is the host's, so each block is checked when it is read, against the hash, which is in the
 * device tree and so covered by the RIM. Writes go to memory (overlayfs) and are lost at the end.
 * Does not return on success: /sbin/init of the new root is PID 1 then. Else returns the step that
 * failed, with errno.
 */
const char *root_switch(const char *verity);

#define ROOT_SERIAL "realm-root"

#endif
