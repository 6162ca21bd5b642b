/* SPDX-License-Identifier: Apache-2.0 */
/* trusteed_net: an HTTP server of trusteed in a thread of a test, and clients that are not ours. */
#ifndef REALMKEY_TEST_TRUSTEED_NET_H
#define REALMKEY_TEST_TRUSTEED_NET_H

#include "trusteed_world.h"

#include <curl/curl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "trusteed/http/http.h"
#include "trusteed/http/listen.h"
#include "trusteed/http/tls_files.h"
#include "trusteed/loop/loop.h"

struct net {
	struct world *world;
	struct listen_address address;
	size_t connections;
	struct http_service service;
	struct loop *loop;
	struct http *http;
	pthread_t thread;
	bool stopping;		 /* of the server's thread */
	struct loop_source wake; /* an eventfd */
	void (*call)(void *arg);
	void *arg;
	sem_t called;
	struct tls_files files;
	char cert[96], key[96], url[160];
};

struct answer {
	CURLcode code;
	long status;
	struct bytes head, body;
};

/* For cmocka. The state is a struct net. */
int net_setup(void **state);
int net_teardown(void **state);

/* Start the server, with the handlers of trusteed unless net->service is set. */
void net_start(struct net *net, bool tls);
/* End it before net_teardown(). */
void net_stop(struct net *net);
/* Have the server's thread call this, and wait for it. */
void net_call(struct net *net, void (*call)(void *arg), void *arg);

/* Make a request with libcurl. @header and @body may be NULL. @header may select chunked encoding for
 * @body. */
void net_request(struct net *net, CURL *curl, const char *path, const char *header,
		 const struct bytes *body, struct answer *answer);
void answer_free(struct answer *answer);

/* Connect, and send @text, without TLS. */
int net_open(const struct net *net, const char *text);
/* All that comes until the server ends the connection, or until @until has come; then @fd is closed if
 * @until is NULL. The caller frees @out. */
void net_receive(int fd, const char *until, struct bytes *out);

/* What the server has logged: how often @prefix occurs, and all. */
size_t log_count(const char *prefix);
const char *log_all(void);

#endif
