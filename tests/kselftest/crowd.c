// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "crowd.h"
#include "client.h"
#include "device.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct handles {
	int device;
	struct client client;
	uint8_t *token;
};

int crowd_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > CROWD_MAX ? CROWD_MAX : (int)cpus;
}

/* Moves to the member's CPU. While that is off, the member runs on any other CPU. */
static void cpu_move(struct crowd_member *member)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)member->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) || sched_getcpu() != member->cpu)
		atomic_fetch_add(&member->elsewhere, 1);
}

/*
 * Uses the device directly, because device_token() would print a note and open the device each
 * time.
 */
static int token_by_device(struct handles *handles, const uint8_t *challenge, size_t *size)
{
	struct cca_rsi_token arg = { .fd = -1 };
	ssize_t length;

	memcpy(arg.challenge, challenge, sizeof(arg.challenge));
	if (ioctl(handles->device, CCA_RSI_TOKEN, &arg))
		return -1;
	length = read(arg.fd, handles->token, TOKEN_ROOM);
	close(arg.fd);
	*size = arg.size;
	errno = EBADMSG;
	return length == (ssize_t)arg.size ? 0 : -1;
}

static bool token_get(struct handles *handles, bool by_netlink)
{
	uint8_t challenge[CHALLENGE_SIZE];
	size_t size = 0;
	int ret;

	challenge_random(challenge);
	ret = by_netlink ? client_token(&handles->client, challenge, sizeof(challenge),
					handles->token, &size) :
			   token_by_device(handles, challenge, &size);
	if (ret) {
		tap_note("a token by %s: %s", by_netlink ? "netlink" : "device", strerror(errno));
		return false;
	}
	return token_carries(handles->token, size, challenge);
}

static bool extension_make(struct handles *handles, uint32_t index)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX];

	challenge_random(digest);
	if (device_extend(handles->device, index, digest) == 0)
		return true;
	tap_note("an extension of register %u: %s", index, strerror(errno));
	return false;
}

static void member_work(struct crowd_member *member, struct handles *handles)
{
	const struct crowd *crowd = member->crowd;
	uint32_t index = (uint32_t)(member - crowd->members) % (REGISTERS - 1) + 1;

	for (size_t i = 0; crowd->quota ? i < crowd->quota : !atomic_load(&crowd->over); i++) {
		cpu_move(member);
		atomic_fetch_add(token_get(handles, i % 2) ? &member->tokens : &member->mistakes,
				 1);
		if (crowd->extending)
			atomic_fetch_add(extension_make(handles, index) ? &member->extensions :
									  &member->mistakes,
					 1);
	}
}

static void *member_run(void *context)
{
	struct crowd_member *member = context;
	struct handles handles = { .device = device_open(O_RDWR), .token = malloc(TOKEN_ROOM) };

	if (handles.token && client_open(&handles.client))
		member_work(member, &handles);
	else
		atomic_fetch_add(&member->mistakes, 1);
	client_close(&handles.client);
	free(handles.token);
	close(handles.device);
	atomic_fetch_sub(&member->crowd->running, 1);
	return NULL;
}

bool crowd_begin(struct crowd *crowd)
{
	size_t wanted = crowd->size;
	pthread_t thread;

	for (crowd->size = 0; crowd->size < wanted; crowd->size++) {
		crowd->members[crowd->size] = (struct crowd_member){
			.crowd = crowd,
			.cpu = (int)crowd->size % crowd_cpus(),
		};
		atomic_fetch_add(&crowd->running, 1);
		if (pthread_create(&thread, NULL, member_run, &crowd->members[crowd->size]))
			break;
		crowd->threads[crowd->size] = (uintptr_t)thread;
	}
	if (crowd->size == wanted)
		return true;
	tap_note("cannot start more than %zu threads", crowd->size);
	crowd_end(crowd);
	return false;
}

bool crowd_end(struct crowd *crowd)
{
	size_t mistakes = 0;

	atomic_store(&crowd->over, true);
	for (size_t i = 0; i < crowd->size; i++) {
		pthread_join((pthread_t)crowd->threads[i], NULL);
		mistakes += atomic_load(&crowd->members[i].mistakes);
	}
	if (mistakes)
		tap_note("%zu mistakes", mistakes);
	return mistakes == 0;
}

size_t crowd_tokens(struct crowd *crowd)
{
	size_t count = 0;

	for (size_t i = 0; i < crowd->size; i++)
		count += atomic_load(&crowd->members[i].tokens);
	return count;
}

size_t crowd_extensions(struct crowd *crowd)
{
	size_t count = 0;

	for (size_t i = 0; i < crowd->size; i++)
		count += atomic_load(&crowd->members[i].extensions);
	return count;
}
