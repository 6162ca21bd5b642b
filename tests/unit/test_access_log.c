// SPDX-License-Identifier: Apache-2.0
/* The lines about each access, and the table of clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "local/access_log.h"
#include "local/clients.h"

static const struct peer peer = { .uid = 1000,
				  .gid = 50,
				  .pid = 77,
				  .container = true,
				  .cgroup = { .unit = "user@1000.service",
					      .user_unit = "a.service" } };

static void a_line_says_who_and_what(void **state)
{
	static const struct {
		struct access access;
		const char *line;
	} rows[] = {
		{ { ACCESS_API, ACCESS_GIVEN, "db", "db", NULL, &peer },
		  "API 'db': given to uid 1000, pid 77, user@1000.service (a.service), in a container" },
		{ { ACCESS_CREDENTIAL, ACCESS_FAILED, "db", "a.service/x", "denied", &peer },
		  "credential 'a.service/x': secret 'db' not delivered to uid 1000, pid 77, "
		  "user@1000.service (a.service), in a container: denied" },
		{ { ACCESS_VOLUME, ACCESS_REFUSED, NULL, "a\nPRIORITY=0\x1b", "x\ny", &peer },
		  "volume 'a?PRIORITY=0?': refused to uid 1000, pid 77, user@1000.service (a.service), "
		  "in a container: x?y" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes line = BYTES_INIT;

		access_log_line(&rows[i].access, &line);
		assert_string_equal(bytes_text(&line), rows[i].line);
		bytes_free(&line);
	}
}

static void the_journal_gets_fields(void **state)
{
	const struct access access = { ACCESS_CREDENTIAL, ACCESS_REFUSED,   NULL,
				       "a\nSECRET=b",	  "no\nPRIORITY=0", &peer };
	struct bytes entry = BYTES_INIT;

	(void)state;
	access_log_entry(&access, "line\nSECRET=c", &entry);
	assert_string_equal(
		bytes_text(&entry),
		"PRIORITY=4\nSYSLOG_IDENTIFIER=test_access_log\nMESSAGE=line?SECRET=c\n"
		"SINK=credential\nWANTED=a?SECRET=b\nRESULT=refused\n"
		"REASON=no?PRIORITY=0\nPEER_UID=1000\nPEER_GID=50\nPEER_PID=77\n"
		"PEER_CONTAINER=1\nPEER_UNIT=user@1000.service\nPEER_USER_UNIT=a.service\n");
	bytes_free(&entry);
}

static unsigned int lines;

static void line_count(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
	lines++;
}

static void many_refusals_are_counted(void **state)
{
	const struct access refused = { ACCESS_API, ACCESS_REFUSED, NULL, "db", NULL, &peer };
	const struct access given = { ACCESS_API, ACCESS_GIVEN, "db", "db", NULL, &peer };

	(void)state;
	log_set(line_count);
	for (unsigned int i = 0; i < 2 * ACCESS_LOG_REFUSALS; i++)
		access_log(&refused);
	assert_int_equal(lines, ACCESS_LOG_REFUSALS);
	access_log(&given);
	assert_int_equal(lines, ACCESS_LOG_REFUSALS + 1);
	log_set(NULL);
}

static struct client *client_make(struct clients *clients, uid_t uid, const char *unit)
{
	struct client *client = clients_add(clients, open("/dev/null", O_RDONLY | O_CLOEXEC), true);

	assert_non_null(client);
	client->peer.uid = uid;
	client->peer.container = unit != NULL;
	client->peer.cgroup.unit[0] = '\0';
	if (unit)
		strcpy(client->peer.cgroup.unit, unit);
	return client;
}

static void clients_end(struct clients *clients)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients->client[i].state != CLIENT_FREE)
			clients_remove(&clients->client[i]);
	assert_int_equal(clients_count(clients, false), 0);
}

static void a_user_has_few_connections(void **state)
{
	static struct clients clients;
	const struct client *last = NULL;

	(void)state;
	for (size_t i = 0; i < CLIENTS_USER_MAX; i++)
		last = client_make(&clients, 1000, NULL);
	assert_false(clients_excess(&clients, last));
	assert_true(clients_excess(&clients, client_make(&clients, 1000, NULL)));
	/* Neither another user, nor root, nor a container is that user. */
	assert_false(clients_excess(&clients, client_make(&clients, 1001, NULL)));
	assert_false(clients_excess(&clients, client_make(&clients, 1000, "web.service")));
	for (size_t i = 0; i < 2 * CLIENTS_USER_MAX; i++)
		last = client_make(&clients, 0, NULL);
	assert_false(clients_excess(&clients, last));
	clients_end(&clients);
}

static void users_of_a_container_count_together(void **state)
{
	static struct clients clients;
	struct client *last = NULL;

	(void)state;
	for (unsigned int i = 0; i <= CLIENTS_USER_MAX; i++)
		last = client_make(&clients, 100000 + i, "web.service");
	assert_true(clients_excess(&clients, last));
	clients_end(&clients);
	for (unsigned int i = 0; i <= CLIENTS_USER_MAX; i++) {
		last = client_make(&clients, 2000 + i, NULL);
		last->stranger = true;
	}
	assert_true(clients_excess(&clients, last));
	assert_false(clients_excess(&clients, client_make(&clients, 1000, NULL)));
	clients_end(&clients);
}

static void the_table_has_an_end(void **state)
{
	static struct clients clients;
	const struct client *first = client_make(&clients, 0, NULL);
	const uint32_t number = first->number;

	(void)state;
	for (size_t i = 1; i < CLIENTS_MAX; i++)
		client_make(&clients, 0, NULL);
	assert_null(clients_add(&clients, -1, true));
	assert_ptr_equal(clients_find(&clients, number), first);
	clients_end(&clients);
	assert_null(clients_find(&clients, number));
	assert_int_not_equal(client_make(&clients, 0, NULL)->number, number);
	clients_end(&clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_who_and_what),
		cmocka_unit_test(the_journal_gets_fields),
		cmocka_unit_test(many_refusals_are_counted),
		cmocka_unit_test(a_user_has_few_connections),
		cmocka_unit_test(users_of_a_container_count_together),
		cmocka_unit_test(the_table_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
