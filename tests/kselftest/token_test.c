// SPDX-License-Identifier: Apache-2.0
/* Tokens by /dev/cca-rsi: the file that contains a token, and the challenge in each token. */
#define _GNU_SOURCE
#include "device.h"
#include "tap.h"
#include "token.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS	25

static int device; /* O_RDONLY */

static int token_open(struct cca_rsi_token *arg)
{
	challenge_random(arg->challenge);
	arg->fd = -1;
	return ioctl(device, CCA_RSI_TOKEN, arg);
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* The next free number: one that is reserved and has no file is not in /proc. */
static int next_descriptor(void)
{
	int fd = dup(device);

	close(fd);
	return fd;
}

static void carries_challenge_and_registers(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE];
	struct cca_rsi_measurement value;
	size_t size;

	challenge_random(challenge);
	CHECK(device_token(challenge, token, &size));
	tap_note("a token of %zu bytes", size);
	CHECK(token_carries(token, size, challenge));
	for (uint32_t i = 0; i < REGISTERS; i++) {
		CHECK(device_measurement(i, &value));
		CHECK(token_has_register(token, size, i, value.value, value.size));
	}
}

static void challenge_is_verbatim(void)
{
	static const uint8_t fills[] = { 0x00, 0x01, 0xff };
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE];
	size_t size;

	for (size_t i = 0; i < sizeof(fills); i++) {
		memset(challenge, fills[i], sizeof(challenge));
		CHECK(device_token(challenge, token, &size));
		CHECK(token_carries(token, size, challenge));
	}
}

static void file_is_read_only(void)
{
	struct cca_rsi_token arg;

	CHECK(token_open(&arg) == 0);
	CHECK((fcntl(arg.fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	CHECK(fcntl(arg.fd, F_GETFD) == FD_CLOEXEC);
	CHECK_ERRNO(write(arg.fd, "x", 1), EBADF);
	CHECK_ERRNO(ioctl(arg.fd, CCA_RSI_CONFIG, &arg), ENOTTY);
	CHECK(close(arg.fd) == 0);
}

static void file_is_seekable(void)
{
	static uint8_t whole[TOKEN_ROOM], piece[TOKEN_ROOM];
	void *nowhere = mmap(NULL, 10, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cca_rsi_token arg;

	CHECK(nowhere != MAP_FAILED);
	CHECK(token_open(&arg) == 0);
	CHECK(read(arg.fd, whole, sizeof(whole)) == (ssize_t)arg.size);
	CHECK(read(arg.fd, piece, 1) == 0);
	CHECK(lseek(arg.fd, 0, SEEK_END) == (off_t)arg.size);
	CHECK(lseek(arg.fd, 100, SEEK_SET) == 100);
	CHECK(read(arg.fd, piece, 10) == 10 && memcmp(piece, whole + 100, 10) == 0);
	CHECK(lseek(arg.fd, 0, SEEK_CUR) == 110);
	CHECK(pread(arg.fd, piece, sizeof(piece), 5) == (ssize_t)arg.size - 5);
	CHECK(memcmp(piece, whole + 5, arg.size - 5) == 0);
	CHECK_ERRNO(lseek(arg.fd, (off_t)arg.size + 1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(arg.fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(read(arg.fd, nowhere, 10), EFAULT);
	munmap(nowhere, 10);
	CHECK(close(arg.fd) == 0);
}

static void files_are_independent(void)
{
	static uint8_t first[TOKEN_ROOM], second[TOKEN_ROOM];
	int other = device_open(O_RDONLY);
	struct cca_rsi_token a, b;

	challenge_random(a.challenge);
	CHECK(ioctl(other, CCA_RSI_TOKEN, &a) == 0);
	CHECK(token_open(&b) == 0);
	CHECK(read(a.fd, first, 7) == 7);
	close(other);
	CHECK(read(b.fd, second, sizeof(second)) == (ssize_t)b.size);
	CHECK(read(a.fd, first + 7, sizeof(first) - 7) == (ssize_t)a.size - 7);
	CHECK(token_carries(first, a.size, a.challenge) &&
	      !token_carries(first, a.size, b.challenge));
	CHECK(token_carries(second, b.size, b.challenge) &&
	      !token_carries(second, b.size, a.challenge));
	close(a.fd);
	close(b.fd);
}

static void no_answer_leaves_no_file(void)
{
	struct cca_rsi_token *arg = mmap(NULL, sizeof(*arg), PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int before = open_files(), next = next_descriptor();

	CHECK(arg != MAP_FAILED && next >= 0);
	CHECK(mprotect(arg, sizeof(*arg), PROT_READ) == 0);
	CHECK_ERRNO(ioctl(device, CCA_RSI_TOKEN, arg), EFAULT);
	CHECK(open_files() == before && next_descriptor() == next);
	munmap(arg, sizeof(*arg));
}

static void no_file_descriptor_left(void)
{
	struct rlimit was, none;
	struct cca_rsi_token arg;

	CHECK(getrlimit(RLIMIT_NOFILE, &was) == 0);
	none = was;
	none.rlim_cur = 3;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK_ERRNO(token_open(&arg), EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &was) == 0);
	CHECK(token_open(&arg) == 0);
	close(arg.fd);
}

/* Runs in a child: makes tokens until it is killed. */
static void __attribute__((noreturn)) tokens_for_ever(void)
{
	struct cca_rsi_token arg;

	for (;;)
		if (token_open(&arg) == 0)
			close(arg.fd);
}

static void killed_half_way(void)
{
	struct cca_rsi_token arg;
	pid_t child;
	int status;

	for (useconds_t i = 1; i <= 10; i++) {
		child = fork();
		CHECK(child >= 0);
		if (child == 0)
			tokens_for_ever();
		usleep(i * 13000);
		CHECK(kill(child, SIGKILL) == 0);
		CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
		CHECK(token_open(&arg) == 0);
		close(arg.fd);
	}
}

static void caught(int number)
{
	(void)number;
}

/* They interrupt nothing: a program under a timer or a profiler gets its tokens too. */
static void signals_end_no_call(void)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
	const struct sigaction action = { .sa_handler = caught };
	uint8_t digest[64] = { 2 }, byte;
	int fd = device_open(O_RDWR), mistakes = 0;
	struct cca_rsi_measurement value = { .index = 1 };
	struct cca_rsi_token arg;

	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		mistakes += token_open(&arg) != 0;
		close(arg.fd);
		mistakes += device_extend(fd, 1, digest) != 0;
		mistakes += ioctl(fd, CCA_RSI_MEASUREMENT, &value) != 0;
		mistakes += read(fd, &byte, 0) != 0;
	}
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	close(fd);
	CHECK(mistakes == 0);
}

/* Makes and checks tokens, pinned so that all CPUs start tokens; returns the number of mistakes. */
static void *thread_tokens(void *number)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint8_t challenge[CHALLENGE_SIZE];
	uint8_t *token = malloc(TOKEN_ROOM);
	intptr_t mistakes = 0;
	cpu_set_t set;
	size_t size;

	CPU_ZERO(&set);
	CPU_SET((size_t)((intptr_t)number % cpus), &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (int i = 0; token && i < ROUNDS; i++) {
		challenge_random(challenge);
		if (!device_token(challenge, token, &size) ||
		    !token_carries(token, size, challenge))
			mistakes++;
	}
	free(token);
	return (void *)mistakes;
}

static void threads_get_their_own(void)
{
	pthread_t threads[THREADS];
	intptr_t mistakes = 0;
	void *result;

	for (intptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, thread_tokens, (void *)i) == 0);
	for (size_t i = 0; i < THREADS; i++) {
		CHECK(pthread_join(threads[i], &result) == 0);
		mistakes += (intptr_t)result;
	}
	CHECK(mistakes == 0);
}

/* While one thread extends, another one's tokens are whole and over their own challenges. */
static void extensions_between(void)
{
	uint8_t digest[64] = { 1 };
	int writer = device_open(O_RDWR);
	pthread_t thread;
	void *result;

	CHECK(pthread_create(&thread, NULL, thread_tokens, NULL) == 0);
	for (int i = 0; i < ROUNDS * 4; i++)
		CHECK(device_extend(writer, 4, digest) == 0);
	CHECK(pthread_join(thread, &result) == 0);
	CHECK(result == NULL);
	close(writer);
}

static const struct tap_test tests[] = {
	{ "a token carries the challenge and the registers", carries_challenge_and_registers },
	{ "the challenge is used unchanged", challenge_is_verbatim },
	{ "the token's file is read-only and close-on-exec", file_is_read_only },
	{ "the token's file can be read from any position", file_is_seekable },
	{ "tokens' files are independent, of each other and of the device's",
	  files_are_independent },
	{ "no file and no number of one is left when the answer cannot be written",
	  no_answer_leaves_no_file },
	{ "without a free file descriptor the call fails with EMFILE", no_file_descriptor_left },
	{ "a caller killed half-way has no effect on the next", killed_half_way },
	{ "a timer of 1 ms ends no call", signals_end_no_call },
	{ "threads on all CPUs each get their own token", threads_get_their_own },
	{ "tokens while a register is extended", extensions_between },
};

int main(void)
{
	device = device_open(O_RDONLY);
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
