// SPDX-License-Identifier: Apache-2.0
/*
 * fault.so, to be preloaded: makes the Nth allocation or the Nth system call of a program fail. It stands before
 * libc's functions (and a sanitizer's), counts their calls, and makes one of them return an error. The page of
 * fault.h says which.
 *
 * With FAULT_SERVER=IN,OUT in the environment, the program becomes a server: it forks before main() for each byte that
 * it reads from descriptor IN, and writes the child's process id and then its wait status to OUT. A run then costs a
 * fork and not an exec. Without it the program runs as usual.
 *
 * Wrappers are declared with seven integer arguments, whatever the real function has: in the calling conventions of
 * x86-64 and arm64 they are passed in the same places, and unused ones are harmless.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

typedef long fault_function(long a, long b, long c, long d, long e, long f, long g);

/* clang-format off */
/* X(name, class, errno, what the failed call returns) */
#define CALLS(X) \
	X(malloc, FAULT_MEMORY, ENOMEM, 0) X(calloc, FAULT_MEMORY, ENOMEM, 0) \
	X(realloc, FAULT_MEMORY, ENOMEM, 0) X(reallocarray, FAULT_MEMORY, ENOMEM, 0) \
	X(aligned_alloc, FAULT_MEMORY, ENOMEM, 0) X(memalign, FAULT_MEMORY, ENOMEM, 0) \
	X(posix_memalign, FAULT_MEMORY, ENOMEM, ENOMEM) \
	X(mmap, FAULT_MEMORY, ENOMEM, -1) X(mmap64, FAULT_MEMORY, ENOMEM, -1) \
	X(mremap, FAULT_MEMORY, ENOMEM, -1) \
	X(madvise, FAULT_SYSTEM, EAGAIN, -1) X(mlock, FAULT_SYSTEM, ENOMEM, -1) \
	X(mlockall, FAULT_SYSTEM, ENOMEM, -1) X(mprotect, FAULT_SYSTEM, ENOMEM, -1) \
	X(open, FAULT_SYSTEM, EMFILE, -1) X(open64, FAULT_SYSTEM, EMFILE, -1) \
	X(openat, FAULT_SYSTEM, EMFILE, -1) X(openat64, FAULT_SYSTEM, EMFILE, -1) \
	X(fopen, FAULT_SYSTEM, EMFILE, 0) X(fopen64, FAULT_SYSTEM, EMFILE, 0) \
	X(fdopen, FAULT_SYSTEM, ENOMEM, 0) \
	X(opendir, FAULT_SYSTEM, EMFILE, 0) X(fdopendir, FAULT_SYSTEM, ENOMEM, 0) \
	X(readdir, FAULT_SYSTEM, EIO, 0) X(readdir64, FAULT_SYSTEM, EIO, 0) \
	X(scandir, FAULT_SYSTEM, EMFILE, -1) X(scandir64, FAULT_SYSTEM, EMFILE, -1) \
	X(mkostemp, FAULT_SYSTEM, ENOSPC, -1) X(mkostemp64, FAULT_SYSTEM, ENOSPC, -1) \
	X(mkstemp, FAULT_SYSTEM, ENOSPC, -1) X(mkstemp64, FAULT_SYSTEM, ENOSPC, -1) \
	X(read, FAULT_SYSTEM, EIO, -1) X(pread, FAULT_SYSTEM, EIO, -1) X(pread64, FAULT_SYSTEM, EIO, -1) \
	X(readv, FAULT_SYSTEM, EIO, -1) X(write, FAULT_SYSTEM, ENOSPC, -1) \
	X(pwrite, FAULT_SYSTEM, ENOSPC, -1) X(pwrite64, FAULT_SYSTEM, ENOSPC, -1) \
	X(writev, FAULT_SYSTEM, ENOSPC, -1) X(sendfile, FAULT_SYSTEM, EIO, -1) \
	X(sendfile64, FAULT_SYSTEM, EIO, -1) X(close, FAULT_SYSTEM, EIO, -1) \
	X(fsync, FAULT_SYSTEM, EIO, -1) X(fdatasync, FAULT_SYSTEM, EIO, -1) \
	X(syncfs, FAULT_SYSTEM, EIO, -1) X(ftruncate, FAULT_SYSTEM, EIO, -1) \
	X(ftruncate64, FAULT_SYSTEM, EIO, -1) X(fallocate, FAULT_SYSTEM, ENOSPC, -1) \
	X(lseek, FAULT_SYSTEM, EINVAL, -1) X(lseek64, FAULT_SYSTEM, EINVAL, -1) \
	X(stat, FAULT_SYSTEM, EIO, -1) X(stat64, FAULT_SYSTEM, EIO, -1) \
	X(lstat, FAULT_SYSTEM, EIO, -1) X(lstat64, FAULT_SYSTEM, EIO, -1) \
	X(fstat, FAULT_SYSTEM, EIO, -1) X(fstat64, FAULT_SYSTEM, EIO, -1) \
	X(fstatat, FAULT_SYSTEM, EIO, -1) X(fstatat64, FAULT_SYSTEM, EIO, -1) \
	X(statx, FAULT_SYSTEM, EIO, -1) X(access, FAULT_SYSTEM, EIO, -1) \
	X(faccessat, FAULT_SYSTEM, EIO, -1) \
	X(statfs, FAULT_SYSTEM, EIO, -1) X(statfs64, FAULT_SYSTEM, EIO, -1) \
	X(fstatfs, FAULT_SYSTEM, EIO, -1) X(fstatfs64, FAULT_SYSTEM, EIO, -1) \
	X(rename, FAULT_SYSTEM, EIO, -1) X(renameat, FAULT_SYSTEM, EIO, -1) \
	X(renameat2, FAULT_SYSTEM, EIO, -1) X(link, FAULT_SYSTEM, EIO, -1) \
	X(linkat, FAULT_SYSTEM, EIO, -1) X(symlink, FAULT_SYSTEM, EIO, -1) \
	X(symlinkat, FAULT_SYSTEM, EIO, -1) X(readlink, FAULT_SYSTEM, EIO, -1) \
	X(readlinkat, FAULT_SYSTEM, EIO, -1) X(realpath, FAULT_SYSTEM, EIO, 0) \
	X(unlink, FAULT_SYSTEM, EIO, -1) X(unlinkat, FAULT_SYSTEM, EIO, -1) \
	X(mkdir, FAULT_SYSTEM, ENOSPC, -1) X(mkdirat, FAULT_SYSTEM, ENOSPC, -1) \
	X(rmdir, FAULT_SYSTEM, EIO, -1) X(chmod, FAULT_SYSTEM, EPERM, -1) \
	X(fchmod, FAULT_SYSTEM, EPERM, -1) X(fchmodat, FAULT_SYSTEM, EPERM, -1) \
	X(chdir, FAULT_SYSTEM, EACCES, -1) X(chroot, FAULT_SYSTEM, EPERM, -1) \
	X(chown, FAULT_SYSTEM, EPERM, -1) X(fchown, FAULT_SYSTEM, EPERM, -1) \
	X(fchownat, FAULT_SYSTEM, EPERM, -1) X(mount, FAULT_SYSTEM, EPERM, -1) \
	X(umount2, FAULT_SYSTEM, EPERM, -1) X(unshare, FAULT_SYSTEM, EPERM, -1) \
	X(flock, FAULT_SYSTEM, ENOLCK, -1) X(dup, FAULT_SYSTEM, EMFILE, -1) \
	X(dup2, FAULT_SYSTEM, EMFILE, -1) X(dup3, FAULT_SYSTEM, EMFILE, -1) \
	X(fcntl, FAULT_SYSTEM, EINVAL, -1) X(fcntl64, FAULT_SYSTEM, EINVAL, -1) \
	X(ioctl, FAULT_SYSTEM, EIO, -1) X(pipe, FAULT_SYSTEM, EMFILE, -1) \
	X(pipe2, FAULT_SYSTEM, EMFILE, -1) X(eventfd, FAULT_SYSTEM, EMFILE, -1) \
	X(socket, FAULT_SYSTEM, EMFILE, -1) X(socketpair, FAULT_SYSTEM, EMFILE, -1) \
	X(connect, FAULT_SYSTEM, ECONNREFUSED, -1) X(bind, FAULT_SYSTEM, EADDRINUSE, -1) \
	X(listen, FAULT_SYSTEM, EADDRINUSE, -1) X(accept, FAULT_SYSTEM, EMFILE, -1) \
	X(accept4, FAULT_SYSTEM, EMFILE, -1) X(getsockname, FAULT_SYSTEM, ENOBUFS, -1) \
	X(getpeername, FAULT_SYSTEM, ENOBUFS, -1) X(getsockopt, FAULT_SYSTEM, ENOBUFS, -1) \
	X(setsockopt, FAULT_SYSTEM, ENOBUFS, -1) X(send, FAULT_SYSTEM, ECONNRESET, -1) \
	X(sendto, FAULT_SYSTEM, ECONNRESET, -1) X(sendmsg, FAULT_SYSTEM, ECONNRESET, -1) \
	X(sendmmsg, FAULT_SYSTEM, ECONNRESET, -1) X(recv, FAULT_SYSTEM, ECONNRESET, -1) \
	X(recvfrom, FAULT_SYSTEM, ECONNRESET, -1) X(recvmsg, FAULT_SYSTEM, ECONNRESET, -1) \
	X(shutdown, FAULT_SYSTEM, ENOTCONN, -1) X(poll, FAULT_SYSTEM, ENOMEM, -1) \
	X(ppoll, FAULT_SYSTEM, ENOMEM, -1) X(select, FAULT_SYSTEM, ENOMEM, -1) \
	X(epoll_create1, FAULT_SYSTEM, EMFILE, -1) X(epoll_ctl, FAULT_SYSTEM, ENOSPC, -1) \
	X(epoll_wait, FAULT_SYSTEM, EINTR, -1) X(inotify_init1, FAULT_SYSTEM, EMFILE, -1) \
	X(inotify_add_watch, FAULT_SYSTEM, ENOSPC, -1) X(signalfd, FAULT_SYSTEM, EMFILE, -1) \
	X(timerfd_create, FAULT_SYSTEM, EMFILE, -1) X(timerfd_settime, FAULT_SYSTEM, EINVAL, -1) \
	X(getrandom, FAULT_SYSTEM, EAGAIN, -1) X(getentropy, FAULT_SYSTEM, EIO, -1) \
	X(fork, FAULT_SYSTEM, EAGAIN, -1) X(posix_spawn, FAULT_SYSTEM, EAGAIN, EAGAIN) \
	X(prctl, FAULT_SYSTEM, EPERM, -1) X(setrlimit, FAULT_SYSTEM, EPERM, -1) \
	X(setrlimit64, FAULT_SYSTEM, EPERM, -1) X(getrlimit, FAULT_SYSTEM, EINVAL, -1) \
	X(getrlimit64, FAULT_SYSTEM, EINVAL, -1) X(prlimit, FAULT_SYSTEM, EPERM, -1) \
	X(prlimit64, FAULT_SYSTEM, EPERM, -1) X(setgroups, FAULT_SYSTEM, EPERM, -1) \
	X(setresuid, FAULT_SYSTEM, EAGAIN, -1) X(setresgid, FAULT_SYSTEM, EPERM, -1) \
	X(setuid, FAULT_SYSTEM, EAGAIN, -1) X(setgid, FAULT_SYSTEM, EPERM, -1) \
	X(syscall, FAULT_SYSTEM, ENOMEM, -1) X(getaddrinfo, FAULT_SYSTEM, EAGAIN, -3) \
	X(getpwnam_r, FAULT_SYSTEM, EIO, EIO) X(getgrnam_r, FAULT_SYSTEM, EIO, EIO) \
	X(getpwnam, FAULT_SYSTEM, EIO, 0) X(getgrnam, FAULT_SYSTEM, EIO, 0) \
	X(pthread_create, FAULT_SYSTEM, EAGAIN, EAGAIN)
/* clang-format on */

#define INDEX(name, class, error, result) CALL_##name,
enum { CALLS(INDEX) CALLS_COUNT };
_Static_assert(CALLS_COUNT <= FAULT_CALLS_MAX, "more calls than the page has counters");

#define ENTRY(name, class, error, result) { #name, class },
static const struct {
	const char *name;
	uint32_t class;
} calls[] = { CALLS(ENTRY) };

/*
 * Libraries whose own allocations do not fail, as they crash or never return, whatever their caller does (README.md).
 * The addresses are those of their code.
 */
static const struct {
	const char *name;
	unsigned int calls; /* only so many calls, the first ones */
} excepted_names[] = { { "libcrypto.so", 2 } };
static struct {
	uintptr_t begin, end;
	unsigned int calls;
} excepted[8];
static size_t excepted_count;

static struct fault_control *control;
static bool active;	     /* not while this file itself allocates and forks */
static __thread bool inside; /* a stack is being printed */

void __sanitizer_print_stack_trace(void) __attribute__((weak));

static void trace(int call, uint64_t number)
{
	char text[128];
	int len;

	inside = true;
	len = snprintf(text, sizeof(text), "fault: call %llu, %s, fails\n",
		       (unsigned long long)number, calls[call].name);
	(void)!write(STDERR_FILENO, text, (size_t)len);
	if (__sanitizer_print_stack_trace)
		__sanitizer_print_stack_trace();
	inside = false;
}

static bool caller_is_excepted(const void *caller)
{
	for (size_t i = 0; i < excepted_count; i++) {
		if ((uintptr_t)caller < excepted[i].begin || (uintptr_t)caller >= excepted[i].end)
			continue;
		if (excepted[i].calls == 0)
			return false;
		excepted[i].calls--;
		return true;
	}
	return false;
}

/* Counts one call from @caller. Returns true if it must fail. */
static bool fails(int call, const void *caller)
{
	uint64_t number;
	bool fail;

	if (!active || inside || !control->armed || !(calls[call].class & control->classes) ||
	    caller_is_excepted(caller))
		return false;
	__atomic_fetch_add(&control->count[call], 1, __ATOMIC_RELAXED);
	number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_RELAXED);
	fail = number == control->at;
	/* Memory that is exhausted is so for each function; a system call fails for reasons of its own. */
	if (control->persistent && control->at && number > control->at)
		fail = calls[call].class == FAULT_MEMORY || call == control->call;
	if (!fail)
		return false;
	if (__atomic_fetch_add(&control->failed, 1, __ATOMIC_RELAXED) == 0) {
		control->call = call;
		if (control->trace)
			trace(call, number);
	}
	return true;
}

static fault_function *next(const char *name, fault_function **found)
{
	if (!*found)
		*found = (fault_function *)dlsym(RTLD_NEXT, name);
	return *found;
}

/* Mappings of files are not memory of the heap. The kernel has no reason to let shutdown() fail, or epoll_ctl() for a
 * descriptor that it has. */
static bool countable(int call, long second, long fourth)
{
	if (call == CALL_mmap || call == CALL_mmap64)
		return fourth & MAP_ANONYMOUS;
	return call != CALL_shutdown && (call != CALL_epoll_ctl || second == EPOLL_CTL_ADD);
}

/* A failed close() has closed the descriptor. */
#define WRAP(name, class, error, result) \
	long fault_##name(long a, long b, long c, long d, long e, long f, long g) __asm__(#name) \
		__attribute__((visibility("default"))); \
	long fault_##name(long a, long b, long c, long d, long e, long f, long g) \
	{ \
		static fault_function *found; \
\
		if (!countable(CALL_##name, b, d) || \
		    !fails(CALL_##name, __builtin_return_address(0))) \
			return next(#name, &found)(a, b, c, d, e, f, g); \
		if (CALL_##name == CALL_close) \
			next(#name, &found)(a, b, c, d, e, f, g); \
		errno = (error); \
		return (result); \
	}
CALLS(WRAP)

/* A sanitizer's strdup() does not call malloc(). */
char *fault_strndup(const char *text, size_t max) __asm__("strndup")
	__attribute__((visibility("default")));
char *fault_strdup(const char *text) __asm__("strdup") __attribute__((visibility("default")));

char *fault_strndup(const char *text, size_t max)
{
	size_t len = strnlen(text, max);
	char *copy = (char *)fault_malloc((long)len + 1, 0, 0, 0, 0, 0, 0);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

char *fault_strdup(const char *text)
{
	return fault_strndup(text, strlen(text));
}

/* Functions during which nothing fails, as they abort: ASan calls the first one when a thread starts (README.md). */
#define EXCEPT(name) \
	long fault_##name(long a, long b, long c, long d, long e, long f, long g) __asm__(#name) \
		__attribute__((visibility("default"))); \
	long fault_##name(long a, long b, long c, long d, long e, long f, long g) \
	{ \
		static fault_function *found; \
		bool was = inside; \
		long result; \
\
		inside = true; \
		result = next(#name, &found)(a, b, c, d, e, f, g); \
		inside = was; \
		return result; \
	}
EXCEPT(pthread_getattr_np)
EXCEPT(CRYPTO_secure_malloc_init)

/* For parts of a program that are not under test, such as tests/cli/realm_here.c. */
void fault_suspend(bool suspend) __attribute__((visibility("default")));

void fault_suspend(bool suspend)
{
	inside = suspend;
}

/* --- the page --------------------------------------------------------------------------------- */

static void control_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || control == MAP_FAILED) {
		perror(path);
		_exit(125);
	}
	close(fd);
}

static void library_except(const struct dl_phdr_info *info, unsigned int number)
{
	for (size_t i = 0; i < info->dlpi_phnum && excepted_count < 8; i++) {
		if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X))
			continue;
		excepted[excepted_count].begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		excepted[excepted_count].end = excepted[excepted_count].begin +
					       info->dlpi_phdr[i].p_memsz;
		excepted[excepted_count++].calls = number;
	}
}

static int library_seen(struct dl_phdr_info *info, size_t size, void *unused)
{
	for (size_t i = 0; i < sizeof(excepted_names) / sizeof(excepted_names[0]); i++)
		if (strstr(info->dlpi_name, excepted_names[i].name))
			library_except(info, excepted_names[i].calls);
	return 0;
}

/* `FAULT_LIST= program` prints the names of the calls. */
static void calls_print(void)
{
	for (size_t i = 0; i < CALLS_COUNT; i++)
		dprintf(STDOUT_FILENO, "%s %s\n",
			calls[i].class == FAULT_MEMORY ? "memory" : "system", calls[i].name);
	_exit(0);
}

__attribute__((constructor)) static void fault_begin(void)
{
	const char *path = getenv("FAULT_CONTROL");

	if (getenv("FAULT_LIST"))
		calls_print();
	if (!path)
		return;
	control_map(path);
	dl_iterate_phdr(library_seen, NULL);
	unsetenv("LD_PRELOAD"); /* not for programs that this one starts */
	active = !getenv("FAULT_SERVER");
}

/* --- the server ------------------------------------------------------------------------------- */

static int (*program_main)(int argc, char **argv, char **envp);

static void output_open(const char *variable, int fd)
{
	int file = open(getenv(variable), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(125);
	close(file);
}

/* Connect descriptor 3 to the socket that FAULT_CONNECT names, for a program that is started with one, as by the
 * service manager. */
static void socket_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("FAULT_CONNECT");
	char pid[16];
	int fd;

	if (!path)
		return;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = (int)fault_socket(AF_UNIX, SOCK_STREAM, 0, 0, 0, 0, 0);
	if (fault_connect(fd, (long)&address, sizeof(address), 0, 0, 0, 0) < 0 || dup2(fd, 3) < 0)
		_exit(125);
	if (fd != 3)
		close(fd);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", "1", 1) < 0)
		_exit(125);
}

/*
 * Do before the first run what each process does once, so that the sweep does not count it again in each scenario:
 * FAULT_WARM=main runs the program, FAULT_WARM=crypto initialises OpenSSL.
 */
static void program_warm(int argc, char **argv, char **envp)
{
	const char *warm = getenv("FAULT_WARM");
	void *(*keygen)(void *, const char *, const char *, ...);
	void (*release)(void *);
	int (*digest)(void *, const char *, const char *, const void *, size_t, unsigned char *,
		      size_t *);
	unsigned char hash[64];
	size_t len;

	if (warm && strcmp(warm, "main") == 0)
		program_main(argc, argv, envp);
	if (!warm || strcmp(warm, "crypto") != 0)
		return;
	keygen = (void *(*)(void *, const char *, const char *, ...))dlsym(RTLD_DEFAULT,
									   "EVP_PKEY_Q_keygen");
	digest = (int (*)(void *, const char *, const char *, const void *, size_t, unsigned char *,
			  size_t *))dlsym(RTLD_DEFAULT, "EVP_Q_digest");
	release = (void (*)(void *))dlsym(RTLD_DEFAULT, "EVP_PKEY_free");
	if (!keygen || !digest || !release || !digest(NULL, "SHA384", NULL, "", 0, hash, &len))
		_exit(125);
	release(keygen(NULL, NULL, "EC", "P-256"));
}

static int server_main(int argc, char **argv, char **envp)
{
	const char *server = getenv("FAULT_SERVER");
	int in, out, status;
	char byte;

	if (!server)
		return program_main(argc, argv, envp);
	if (sscanf(server, "%d,%d", &in, &out) != 2)
		_exit(125);
	output_open("FAULT_OUT", STDOUT_FILENO);
	output_open("FAULT_ERR", STDERR_FILENO);
	program_warm(argc, argv, envp);
	while (read(in, &byte, 1) == 1) {
		pid_t pid = fork();

		if (pid == 0) {
			close(in);
			close(out);
			output_open("FAULT_OUT", STDOUT_FILENO);
			output_open("FAULT_ERR", STDERR_FILENO);
			socket_connect();
			active = true;
			status = program_main(argc, argv, envp);
			active = false; /* libraries that clean up for lack of memory leak some */
			return status;
		}
		if (write(out, &pid, sizeof(pid)) != sizeof(pid) ||
		    waitpid(pid, &status, 0) != pid ||
		    write(out, &status, sizeof(status)) != sizeof(status))
			_exit(125);
	}
	_exit(0);
}

typedef int start_function(int (*main)(int, char **, char **), int argc, char **argv,
			   void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
			   void *stack_end);
start_function fault_start __asm__("__libc_start_main") __attribute__((visibility("default")));

int fault_start(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
		void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	start_function *real = (start_function *)dlsym(RTLD_NEXT, "__libc_start_main");

	program_main = main;
	return real(server_main, argc, argv, init, fini, rtld_fini, stack_end);
}
