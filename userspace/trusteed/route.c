// SPDX-License-Identifier: Apache-2.0
#include "route.h"

#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "attestation.h"
#include "base/array.h"
#include "resource.h"
#include "trusteed/store/admin_token.h"

#define BASE	 "/kbs/v0/"
#define BODY_MAX ((size_t)2 << 20) /* bytes, of any request */

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
} routes[] = {
	{ "POST", BASE "auth", attestation_auth, false, false },
	{ "POST", BASE "attest", attestation_attest, false, false },
	{ "GET", BASE "resource/", resource_get, false, false },
	{ "POST", BASE "resource/", resource_put, true, true },
	{ "GET", BASE "resource-policy", admin_policy_get, true, false },
	{ "POST", BASE "resource-policy", admin_policy_set, true, false },
	{ "GET", BASE "reference-value/", admin_reference_get, true, false },
	{ "POST", BASE "reference-value", admin_reference_set, true, false },
	{ "GET", "/healthz", route_health, false, false },
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

static bool route_body_is_secret(const char *method, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (routes[i].secret_body && strcmp(routes[i].method, method) == 0 &&
		    route_rest(&routes[i], path))
			return true;
	return false;
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

static void route_dispatch(void *trustee, const struct request *request, struct reply *reply)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const char *rest = route_rest(&routes[i], request->path);

		if (!rest || !route_serves(&routes[i], request->method))
			continue;
		if (!routes[i].admin || route_check_admin(trustee, request, reply) == 0)
			routes[i].handler(trustee, request, rest, reply);
		return;
	}
	route_refuse(request->path, reply);
}

struct http_service route_service(struct trustee *t)
{
	return (struct http_service){
		.context = t,
		.body_max = BODY_MAX,
		.dispatch = route_dispatch,
		.body_is_secret = route_body_is_secret,
	};
}
