/* SPDX-License-Identifier: Apache-2.0 */
/* The debug kernel as PID 1 uses it: files, the module, fault injection, leaks. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#define MODULE_NAME "cca_rsi"
#define MODULE_FILE "/cca_rsi.ko"
#define PARAMETERS  "/sys/module/" MODULE_NAME "/parameters/"

/* Writes @text to the file @path; false and errno if that fails. */
bool kernel_write(const char *path, const char *text);

/*
 * Reads up to @room - 1 bytes of the file @path into @text and adds a NUL; returns their number, or
 * -1 and errno.
 */
int kernel_read(const char *path, char *text, size_t room);

/* Opens the machine's virtio-serial port @name for writing: a file descriptor, or -1. */
int kernel_port(const char *name);

/* Sets the module's parameter @name; false if it has none of that name. */
bool kernel_parameter(const char *name, long value);

/* They return 0, or -1 and errno. kernel_module_prepare() is called once before the first load. */
bool kernel_module_prepare(void);
int kernel_module_load(void);
int kernel_module_load_with(const char *parameters);
int kernel_module_unload(void);

/*
 * Makes the @nth allocation or copy fail that the kernel makes for this thread from here on.
 * kernel_fault_end() must follow: it stops the injection and returns true if the fault was
 * injected.
 */
void kernel_fault_begin(unsigned int nth);
bool kernel_fault_end(void);

/*
 * Runs two kmemleak scans, prints what they found as TAP notes and clears it. True if they found
 * nothing.
 */
bool kernel_no_leaks(void);

/* Was the module built with RSI=fake, according to the kernel's command line? */
bool kernel_rsi_is_fake(void);

#endif /* KERNEL_H */
