/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REALM_ROOT_H
#define REALM_ROOT_H

#define ROOT_ARGUMENT "realm.root="

/*
 * root_switch - go on in a root file system on the disk with serial number ROOT_SERIAL
 * @verity: BLOCKS:HASH, the value of the kernel argument: 4 KiB blocks of the file system, and in
 *	hexadecimal the root of the dm-verity tree (SHA-256, no salt) that lies behind them
 *
 * The host has the disk. What it holds is checked block by block as it is read, against the hash, which
 * the device tree carries and the RIM covers. Writes go to memory (overlayfs) and are gone with it.
 * Does not return when it succeeds: /sbin/init of the new root is PID 1 then. Else the step that failed,
 * with errno.
 */
const char *root_switch(const char *verity);

#define ROOT_SERIAL "realm-root"

#endif
