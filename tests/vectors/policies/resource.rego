# SPDX-License-Identifier: Apache-2.0
# A resource policy: the forms of rules and paths that such policies use, with and without rego.v1.
package policy

default allow = false

plugin = data.plugin

path := data["resource-path"]

levels := {"first": 2, "second": 3}

# A repository in which everything is public.
allow if {
	plugin == "resource"
	path[0] == "public"
}

# A realm whose submods are all affirming, for the names in a table.
allow if {
	plugin == "resource"
	count(path) == 3
	not any_bad
	count(input.submods) > 0
	levels[path[2]] <= input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["cca"]["level"]
}

# A query of the request.
allow if {
	data.query.version == "2"
	[_, "versioned", name] := path
	startswith(name, "key-")
}

any_bad if {
	some _, submod in input.submods
	submod["ear.status"] != "affirming"
}
