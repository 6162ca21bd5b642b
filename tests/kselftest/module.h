/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and unloads kernel modules, with modprobe or without it. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>

/* The module under test */
#define MODULE "cca_rsi"

/*
 * Loads module @name with @arguments ("" for none). The module under test is loaded from the file
 * that the environment variable MODULE names, if it is set, and with the arguments in
 * MODULE_ARGUMENTS too. Otherwise the file is NAME.ko in the directory of the running program, or
 * else the one that modprobe finds. False if it could not be loaded.
 */
bool module_load(const char *name, const char *arguments);

/* Returns 0, or -1 and errno; does not wait until the module is unused. */
int module_unload(const char *name);

/* Is there a file NAME.ko in the directory of the running program, or a file that MODULE names? */
bool module_at_hand(const char *name);

/*
 * Has the module that module_load() loads from a file the alias @alias? Only if module_at_hand().
 */
bool module_has_alias(const char *name, const char *alias);

/* Unloads and loads the module under test. */
bool module_reload(const char *arguments);

/* Is module @name loaded? */
bool module_loaded(const char *name);

/*
 * Keeps the kernel from loading modules by itself (as for a netlink family) until the program ends.
 */
void module_autoload_off(void);

/* Is the RMM the fake one (kmod/rsi_fake.c), whose registers are lost with the module? */
bool module_is_fake(void);

/* Does this kernel keep freed memory back for a time, as KASAN does in its quarantine? */
bool kernel_keeps_freed(void);

/* The kernel's memory that cannot be reclaimed, in kB */
long kernel_memory(void);

#endif /* MODULE_H */
