// SPDX-License-Identifier: Apache-2.0
#include "route.h"

#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "attestation.h"
#include "base/array.h"
#include "resource.h"
#include "rules.h"
#include "storage.h"
#include "trusteed/store/admins.h"

#define BASE "/kbs/v0/"
/* The longest bodies. A client without authorisation sends the evidence at most: a token of 64 KiB, up
 * to 4 characters for each byte, and a key. */
#define AUTH_MAX   ((size_t)16 << 10)
#define ATTEST_MAX ((size_t)320 << 10)
#define ADMIN_MAX  ((size_t)2 << 20)

typedef void route_handler(struct trustee *t, const struct request *request, const char *rest,
			   struct reply *reply);

/* A client without credentials can find out that the server runs, and nothing else. */
static void route_health(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply)
{
	(void)t;
	(void)request;
	(void)rest;
	(void)reply;
}

/* Who may make a request. */
enum right {
	RIGHT_OPEN,	  /* anyone */
	RIGHT_ADMIN,	  /* any administrator; the handler looks closer */
	RIGHT_REPOSITORY, /* an administrator of the repository, the next segment of the path */
	RIGHT_ALL,	  /* an administrator of everything */
};

/* A path that ends in '/' is that of all paths below it; the handler gets the rest. HEAD is served
 * wherever GET is (RFC 9110 section 9.1); the HTTP library then leaves the body out. */
static const struct route {
	const char *method, *path;
	route_handler *handler;
	enum right right;
	bool secret_body;
	size_t body_max;
} routes[] = {
	{ "POST", BASE "auth", attestation_auth, RIGHT_OPEN, false, AUTH_MAX },
	{ "POST", BASE "attest", attestation_attest, RIGHT_OPEN, false, ATTEST_MAX },
	{ "GET", BASE "resource/", resource_get, RIGHT_OPEN, false, 0 },
	{ "POST", BASE "resource/", storage_put, RIGHT_REPOSITORY, true, ADMIN_MAX },
	{ "DELETE", BASE "resource/", storage_delete, RIGHT_REPOSITORY, false, 0 },
	{ "GET", BASE "resource-policy", rules_resource_list, RIGHT_ALL, false, 0 },
	{ "POST", BASE "resource-policy", rules_resource_set, RIGHT_ADMIN, false, ADMIN_MAX },
	{ "GET", BASE "resource-policy/", rules_resource_get, RIGHT_REPOSITORY, false, 0 },
	{ "DELETE", BASE "resource-policy/", rules_resource_remove, RIGHT_REPOSITORY, false, 0 },
	{ "GET", BASE "attestation-policy", rules_attestation_list, RIGHT_ALL, false, 0 },
	{ "POST", BASE "attestation-policy", rules_attestation_set, RIGHT_ALL, false, ADMIN_MAX },
	{ "GET", BASE "attestation-policy/", rules_attestation_get, RIGHT_ALL, false, 0 },
	{ "DELETE", BASE "attestation-policy/", rules_attestation_remove, RIGHT_ALL, false, 0 },
	{ "GET", BASE "reference-value", admin_reference_list, RIGHT_ALL, false, 0 },
	{ "GET", BASE "reference-value/", admin_reference_get, RIGHT_ALL, false, 0 },
	{ "POST", BASE "reference-value", admin_reference_set, RIGHT_ALL, false, ADMIN_MAX },
	{ "POST", BASE "ear-key", admin_ear_key_rotate, RIGHT_ALL, false, 0 },
	{ "DELETE", BASE "ear-key", admin_ear_key_withdraw, RIGHT_ALL, false, 0 },
	{ "GET", "/jwks", admin_jwks_get, RIGHT_OPEN, false, 0 },
	{ "GET", "/.well-known/jwks.json", admin_jwks_get, RIGHT_OPEN, false, 0 },
	{ "GET", "/.well-known/openid-configuration", admin_openid_get, RIGHT_OPEN, false, 0 },
	{ "GET", "/healthz", route_health, RIGHT_OPEN, false, 0 },
};

/* What follows the route's path in @path, or NULL if the path is not this route's. */
static const char *route_rest(const struct route *route, const char *path)
{
	size_t len = strlen(route->path);

	if (strcmp(route->path, path) == 0)
		return path + len;
	return route->path[len - 1] == '/' && strncmp(route->path, path, len) == 0 ? path + len :
										     NULL;
}

static bool route_serves(const struct route *route, const char *method)
{
	return strcmp(route->method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0;
}

/* The route of @request, or NULL; @rest is what follows its path. */
static const struct route *route_find(const struct request *request, const char **rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		*rest = route_rest(&routes[i], request->path);
		if (*rest && route_serves(&routes[i], request->method))
			return &routes[i];
	}
	return NULL;
}

/* Check that the client may make this request of @route, whose path @rest follows. If not, @reply says why. */
static int route_check(struct trustee *t, const struct route *route, const struct request *request,
		       const char *rest, struct reply *reply)
{
	static const enum admins_need needs[] = {
		[RIGHT_ADMIN] = ADMINS_NEED_ANY,
		[RIGHT_REPOSITORY] = ADMINS_NEED_REPOSITORY,
		[RIGHT_ALL] = ADMINS_NEED_ALL,
	};
	char repository[STORAGE_PATH_MAX]; /* longer than any that an administrator can have */
	const struct admin *admin;
	struct error e = ERROR_INIT;

	if (route->right == RIGHT_OPEN)
		return 0;
	snprintf(repository, sizeof(repository), "%.*s", (int)strcspn(rest, "/"), rest);
	admin = admins_find(&t->admins, request_bearer(request), request->now, needs[route->right],
			    repository, &e);
	if (admin) {
		if (!admin->own)
			reply_note(reply, "admin %s%s%s", admin->repository,
				   admin->repository[0] ? "/" : "", admin->name);
		return 0;
	}
	error_add(&e, "admin access denied for endpoint %.256s", request->path);
	reply_fail(reply, REPLY_ADMIN, &e);
	return -1;
}

static void route_refuse(const char *path, struct reply *reply)
{
	bool ours = strncmp(path, BASE, strlen(BASE)) == 0 && path[strlen(BASE)];
	char cause[ERROR_TEXT_MAX];

	/* The methods of the routes that have this path. */
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		size_t len = strlen(reply->allow);

		if (route_rest(&routes[i], path))
			snprintf(reply->allow + len, sizeof(reply->allow) - len, "%s%s%s",
				 len > 0 ? ", " : "", routes[i].method,
				 route_serves(&routes[i], "HEAD") ? ", HEAD" : "");
	}
	if (reply->allow[0]) {
		reply_refuse(reply, REPLY_METHOD, NULL);
	} else if (ours) {
		const char *plugin = path + strlen(BASE);

		snprintf(cause, sizeof(cause), "Plugin %.*s not found", (int)strcspn(plugin, "/"),
			 plugin);
		reply_refuse(reply, REPLY_PLUGIN_NOT_FOUND, cause);
	} else {
		snprintf(cause, sizeof(cause), "Request path %s is invalid", path);
		reply_refuse(reply, REPLY_REQUEST_PATH, cause);
	}
}

/* A request that needs an administrator is refused before its body is kept. */
static bool route_admit(void *trustee, const struct request *request, struct http_body *body,
			struct reply *reply)
{
	const char *rest;
	const struct route *route = route_find(request, &rest);

	if (!route)
		return true;
	if (route_check(trustee, route, request, rest, reply) < 0)
		return false;
	body->max = route->body_max;
	body->secret = route->secret_body;
	body->trusted = route->right != RIGHT_OPEN;
	return true;
}

static void route_dispatch(void *trustee, const struct request *request, struct reply *reply)
{
	const char *rest;
	const struct route *route = route_find(request, &rest);

	if (!route)
		route_refuse(request->path, reply);
	else if (route_check(trustee, route, request, rest, reply) == 0)
		route->handler(trustee, request, rest, reply);
}

struct http_service route_service(struct trustee *t)
{
	return (struct http_service){
		.context = t,
		.dispatch = route_dispatch,
		.admit = route_admit,
	};
}
