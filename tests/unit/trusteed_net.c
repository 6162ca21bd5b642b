// SPDX-License-Identifier: Apache-2.0
#include "trusteed_net.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "trusteed/route.h"

static struct bytes logged;

static void log_keep(enum log_level level, const char *line)
{
	if (level != LOG_LEVEL_DEBUG)
		bytes_printf(&logged, "%s\n", line);
}

const char *log_all(void)
{
	return bytes_text(&logged);
}

size_t log_count(const char *prefix)
{
	size_t count = 0;

	for (const char *at = bytes_text(&logged); (at = strstr(at, prefix)); at++)
		count++;
	return count;
}

static void net_woken(struct loop_source *source, uint32_t events)
{
	struct net *net = (struct net *)((char *)source - offsetof(struct net, wake));
	uint64_t count;

	(void)events;
	assert_int_equal(read(source->fd, &count, sizeof(count)), sizeof(count));
	if (net->call)
		net->call(net->arg);
	sem_post(&net->called);
}

static void net_wake(struct net *net)
{
	const uint64_t one = 1;

	assert_int_equal(write(net->wake.fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(sem_wait(&net->called), 0);
}

void net_call(struct net *net, void (*call)(void *arg), void *arg)
{
	net->call = call;
	net->arg = arg;
	net_wake(net);
	net->call = NULL;
}

static void *net_run(void *arg)
{
	struct net *net = arg;
	struct error e = ERROR_INIT;

	while (!net->stopping && loop_step(net->loop, -1, &e) == 0)
		;
	return NULL;
}

void net_start(struct net *net, bool tls)
{
	struct error e = ERROR_INIT;
	char text[128];
	int fd;

	assert_int_equal(listen_parse("127.0.0.1:0", &net->address, &e), 0);
	fd = listen_open(&net->address, &e);
	assert_true(fd >= 0);
	if (!net->service.dispatch)
		net->service = route_service(&net->world->trustee);
	net->http = http_start(net->loop, &net->service, fd, tls ? &net->files : NULL,
			       net->connections, &e);
	if (!net->http)
		fail_msg("%s", e.text);
	listen_print(&net->address, text, sizeof(text));
	snprintf(net->url, sizeof(net->url), "%s://%s", tls ? "https" : "http", text);
	assert_int_equal(pthread_create(&net->thread, NULL, net_run, net), 0);
}

static void net_end(void *net)
{
	((struct net *)net)->stopping = true;
}

void net_stop(struct net *net)
{
	if (!net->http)
		return;
	net_call(net, net_end, net);
	pthread_join(net->thread, NULL);
	http_stop(net->http);
	net->http = NULL;
}

int net_setup(void **state)
{
	struct net *net = calloc(1, sizeof(*net));
	struct error e = ERROR_INIT;
	void *world;

	assert_non_null(net);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(world_setup(&world), 0);
	net->world = world;
	net->files = (struct tls_files)TLS_FILES_INIT;
	net->connections = HTTP_CONNECTIONS;
	net->loop = loop_open(&e);
	assert_non_null(net->loop);
	assert_int_equal(sem_init(&net->called, 0, 0), 0);
	net->wake = (struct loop_source){ eventfd(0, EFD_CLOEXEC), net_woken };
	assert_int_equal(loop_add(net->loop, &net->wake, EPOLLIN, &e), 0);
	bytes_clear(&logged);
	log_set(log_keep);
	*state = net;
	return 0;
}

int net_teardown(void **state)
{
	struct net *net = *state;
	void *world = net->world;

	net_stop(net);
	log_set(NULL);
	close(net->wake.fd);
	loop_close(net->loop);
	sem_destroy(&net->called);
	tls_files_free(&net->files);
	world_teardown(&world);
	bytes_free(&logged);
	free(net);
	return 0;
}

static size_t take(char *data, size_t size, size_t count, void *out)
{
	bytes_append(out, data, size * count);
	return size * count;
}

void net_request(struct net *net, CURL *curl, const char *path, const char *header,
		 const struct bytes *body, struct answer *answer)
{
	struct curl_slist *headers = NULL;
	char url[512];

	*answer = (struct answer){ 0 };
	snprintf(url, sizeof(url), "%s%s", net->url, path);
	if (header)
		headers = curl_slist_append(headers, header);
	if (!header || !strstr(header, "Expect:"))
		headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer->head);
	curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bytes_text(body));
	}
	answer->code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_slist_free_all(headers);
}

void answer_free(struct answer *answer)
{
	bytes_free(&answer->head);
	bytes_free(&answer->body);
}

int net_open(const struct net *net, const char *text)
{
	const struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&net->address.address, net->address.len), 0);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	return fd;
}

void net_receive(int fd, const char *until, struct bytes *out)
{
	char part[4096];
	ssize_t n;

	while (!until || !strstr(bytes_text(out), until)) {
		n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			break;
		bytes_append(out, part, (size_t)n);
	}
	if (!until)
		close(fd);
}
