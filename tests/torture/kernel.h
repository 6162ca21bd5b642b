/* SPDX-License-Identifier: Apache-2.0 */
/* What PID 1 asks of the debug kernel: files, the module, faults, leaks. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#define MODULE_NAME "cca_rsi"
#define MODULE_FILE "/cca_rsi.ko"
#define PARAMETERS "/sys/module/" MODULE_NAME "/parameters/"

/* Writes @text to the file @path; false and errno if that fails. */
bool kernel_write(const char *path, const char *text);

/* At most @room - 1 bytes of the file @path into @text, with a NUL; their number, or -1 and errno. */
int kernel_read(const char *path, char *text, size_t room);

/* Opens the machine's virtio-serial port @name for writing: a file descriptor, or -1. */
int kernel_port(const char *name);

/* Sets the module's parameter @name; false if it has none of that name. */
bool kernel_parameter(const char *name, long value);

/* As system calls: 0, or -1 and errno. kernel_module_prepare() once before the first load. */
bool kernel_module_prepare(void);
int kernel_module_load(void);
int kernel_module_load_with(const char *parameters);
int kernel_module_unload(void);

/*
 * From here on the @nth allocation or copy that this thread has the kernel make fails. To be followed by
 * kernel_fault_end(), which says whether there were so many, and ends it.
 */
void kernel_fault_begin(unsigned int nth);
bool kernel_fault_end(void);

/* Has kmemleak look twice; prints what it found as TAP notes and forgets it. True if it found nothing. */
bool kernel_no_leaks(void);

/* Is the module at hand the one of RSI=fake? As the kernel's command line says. */
bool kernel_rsi_is_fake(void);

#endif /* KERNEL_H */
