// SPDX-License-Identifier: Apache-2.0
#include "route.h"

#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "attestation.h"
#include "base/array.h"
#include "resource.h"
#include "trusteed/store/admin_token.h"

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

/* A path that ends in '/' is that of all paths below it; the handler gets the rest. HEAD is served
 * wherever GET is (RFC 9110 section 9.1); the HTTP library then leaves the body out. */
static const struct route {
	const char *method, *path;
	route_handler *handler;
	bool admin, secret_body;
	size_t body_max;
} routes[] = {
	{ "POST", BASE "auth", attestation_auth, false, false, AUTH_MAX },
	{ "POST", BASE "attest", attestation_attest, false, false, ATTEST_MAX },
	{ "GET", BASE "resource/", resource_get, false, false, 0 },
	{ "POST", BASE "resource/", resource_put, true, true, ADMIN_MAX },
	{ "GET", BASE "resource-policy", admin_policy_get, true, false, 0 },
	{ "POST", BASE "resource-policy", admin_policy_set, true, false, ADMIN_MAX },
	{ "GET", BASE "reference-value/", admin_reference_get, true, false, 0 },
	{ "POST", BASE "reference-value", admin_reference_set, true, false, ADMIN_MAX },
	{ "GET", "/healthz", route_health, false, false, 0 },
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

static int route_check_admin(struct trustee *t, const struct request *request, struct reply *reply)
{
	const char *token = request_bearer(request);
	struct error e = ERROR_INIT;

	if (admin_token_check(t->admin_key.pkey, token, token ? strlen(token) : 0, request->now,
			      &e) == 0)
		return 0;
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

/* A request that needs the admin token is refused before its body is kept. */
static bool route_admit(void *trustee, const struct request *request, struct http_body *body,
			struct reply *reply)
{
	const char *rest;
	const struct route *route = route_find(request, &rest);

	if (!route)
		return true;
	if (route->admin && route_check_admin(trustee, request, reply) < 0)
		return false;
	body->max = route->body_max;
	body->secret = route->secret_body;
	body->trusted = route->admin;
	return true;
}

static void route_dispatch(void *trustee, const struct request *request, struct reply *reply)
{
	const char *rest;
	const struct route *route = route_find(request, &rest);

	if (!route)
		route_refuse(request->path, reply);
	else if (!route->admin || route_check_admin(trustee, request, reply) == 0)
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
