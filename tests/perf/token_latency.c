// SPDX-License-Identifier: Apache-2.0
/*
 * Measures how long a token takes, alone or while threads read the registers and the log, and
 * others extend registers. Prints the median and the 99th percentile in ms, the longest, and the
 * calls of the readers and of the extenders, per second.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64
#define TOKENS_MAX  10000
#define REGISTERS   5
#define REMS	    4
#define LOG_TAIL    4096

enum { TOKENS = 1, READERS, EXTENDERS, PAUSE, ARGUMENTS };

static atomic_bool over;
static atomic_ulong reads, extensions, mistakes;
static unsigned int digest_size;
static useconds_t pause_us; /* after each call of a reader or an extender */

static double ms_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int device_open(int flags)
{
	int device = open("/dev/cca-rsi", flags | O_CLOEXEC);

	if (device >= 0)
		return device;
	perror("/dev/cca-rsi");
	exit(1);
}

static void failed(const char *what)
{
	if (!atomic_fetch_add(&mistakes, 1))
		perror(what);
}

/* Reads a register, then on in the log, which it begins again at its end. */
static void *reader_run(void *context)
{
	int device = device_open(O_RDONLY | O_NONBLOCK);
	struct cca_rsi_measurement value = { 0 };
	char bytes[LOG_TAIL];
	ssize_t size;

	(void)context;
	for (; !atomic_load(&over); atomic_fetch_add(&reads, 1)) {
		value.index = (value.index + 1) % REGISTERS;
		size = read(device, bytes, sizeof(bytes));
		if (size <= 0 && lseek(device, 0, SEEK_SET))
			failed("the log's start");
		if (ioctl(device, CCA_RSI_MEASUREMENT, &value) || (size < 0 && errno != EAGAIN))
			failed("register or log");
		if (pause_us)
			usleep(pause_us);
	}
	return NULL;
}

static void *extender_run(void *context)
{
	struct cca_rsi_extend arg = { .digest_size = digest_size, .event_type = 13 };
	int device = device_open(O_WRONLY);

	(void)context;
	for (; !atomic_load(&over); atomic_fetch_add(&extensions, 1)) {
		arg.index = arg.index % REMS + 1;
		if (ioctl(device, CCA_RSI_EXTEND, &arg))
			failed("extension");
		if (pause_us)
			usleep(pause_us);
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int tokens_measure(int device, long count, double *took)
{
	double began;

	for (long i = 0; i < count; i++) {
		struct cca_rsi_token arg = { .challenge = { (__u8)i } };

		began = ms_now();
		if (ioctl(device, CCA_RSI_TOKEN, &arg)) {
			perror("token");
			return -1;
		}
		took[i] = ms_now() - began;
		close(arg.fd);
	}
	return 0;
}

static void threads_start(pthread_t *threads, long readers, long all)
{
	for (long i = 0; i < all; i++) {
		if (pthread_create(&threads[i], NULL, i < readers ? reader_run : extender_run,
				   NULL)) {
			perror("thread");
			exit(1);
		}
	}
}

/* The arguments, which are all numbers of at most @most */
static long number(const char *text, long least, long most)
{
	long value = strtol(text, NULL, 10);

	if (value >= least && value <= most)
		return value;
	fprintf(stderr, "token_latency: %s is not from %ld to %ld\n", text, least, most);
	exit(2);
}

int main(int argc, char **argv)
{
	static double took[TOKENS_MAX];
	pthread_t threads[2 * THREADS_MAX];
	struct cca_rsi_config config;
	long tokens, readers, all;
	double began;
	int device;

	if (argc != ARGUMENTS) {
		fputs("usage: token_latency TOKENS READERS EXTENDERS PAUSE_US\n", stderr);
		return 2;
	}
	tokens = number(argv[TOKENS], 1, TOKENS_MAX);
	readers = number(argv[READERS], 0, THREADS_MAX);
	all = readers + number(argv[EXTENDERS], 0, THREADS_MAX);
	pause_us = (useconds_t)number(argv[PAUSE], 0, 1000000);
	device = device_open(O_RDONLY);
	if (ioctl(device, CCA_RSI_CONFIG, &config)) {
		perror("configuration");
		return 1;
	}
	digest_size = config.digest_size;
	threads_start(threads, readers, all);
	began = ms_now();
	if (tokens_measure(device, tokens, took))
		return 1;
	began = ms_now() - began;
	atomic_store(&over, true);
	while (all--)
		pthread_join(threads[all], NULL);
	qsort(took, (size_t)tokens, sizeof(took[0]), by_value);
	printf("%.1f %.1f %.1f %.0f %.0f\n", took[tokens / 2], took[(tokens * 99 + 99) / 100 - 1],
	       took[tokens - 1], (double)atomic_load(&reads) * 1e3 / began,
	       (double)atomic_load(&extensions) * 1e3 / began);
	return atomic_load(&mistakes) ? 1 : 0;
}
