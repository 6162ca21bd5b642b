/* SPDX-License-Identifier: Apache-2.0 */
/* Loading and unloading kernel modules, where there is a modprobe and where there is none. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>

/* Ours */
#define MODULE "cca_rsi"

/*
 * Loads module @name with @arguments ("" for none). Of the file that the environment variable MODULE
 * names, if it is ours; else of NAME.ko beside the running program, if there is one; else by modprobe.
 * Ours gets what the environment variable MODULE_ARGUMENTS says, too. False if it could not be loaded.
 */
bool module_load(const char *name, const char *arguments);

/* As the system call: 0, or -1 and errno; does not wait for anybody. */
int module_unload(const char *name);

/* Does a file NAME.ko lie beside the running program (or where MODULE says)? */
bool module_at_hand(const char *name);

/* Unloads and loads ours. */
bool module_reload(const char *arguments);

/* Is it there? */
bool module_loaded(const char *name);

/* Until the program ends the kernel loads no module by itself, as it would for a netlink family. */
void module_autoload_off(void);

/* Is the RMM that answers the fake one (kmod/rsi_fake.c), whose registers end with the module? */
bool module_is_fake(void);

/* Does this kernel keep back what is freed, as KASAN does in its quarantine, for as long as it likes? */
bool kernel_keeps_freed(void);

#endif /* MODULE_H */
