# SPDX-License-Identifier: Apache-2.0
# An attestation policy with each form of Rego that the attestation policies of other projects use, and some more.
package policy

import rego.v1

default executables := 33

default hardware := 97

default configuration := 36

default file_system := 0

trust_claims := {
	"executables": executables,
	"hardware": hardware,
	"configuration": configuration,
	"file-system": file_system,
	"runtime-opaque": opaque("runtime"),
	"storage-opaque": opaque("storage"),
}

extensions := [{"name": "x.labels", "key": 70001, "value": sort(labels)}]

# Several definitions of a rule, and membership in a list of reference values.
executables := 3 if {
	input.cca
	input.cca.realm["cca-realm-initial-measurement"] in query_reference_value("rim")
	log_complete
}

executables := 2 if {
	input.sample
	input.sample.launch_digest in query_reference_value("launch_digest")
}

# else, and a comparison with one value.
hardware := 2 if {
	input.cca
	input.cca.platform.version >= query_reference_value("platform_minimum")
} else := 32 if {
	input.cca
	not input.cca.platform.debug
}

# every and some, an array pattern, functions of texts.
configuration := 2 if {
	every component in input.cca.platform["cca-platform-sw-components"] {
		[major, _] := split(component["component-type"], "/")
		major == "firmware"
	}
	converted := sprintf("%v", [input.cca.platform.version])
	regex.match("^[0-9]+$", converted)
}

log_complete if {
	event := input.cca.events[_]
	event.type == "kernel"
	digest := event.digests[_]
	digest == query_reference_value("kernel")
}

# Comprehensions, sets, object functions, base64, time.
file_system := 2 if {
	seen := {name | some name in input.cca.files}
	needed := {"root", "usr"}
	count(needed - seen) == 0
	object.subset(object.union(object.get(input.cca, "extra", {}), {"verity": true}), {"verity": true})
	base64.decode(object.get(input.cca, ["realm", "personalization"], "")) == "realmkey"
	time.parse_rfc3339_ns(input.cca.built) > time.parse_rfc3339_ns("2025-01-01T00:00:00Z")
}

labels contains upper(label) if {
	some label in object.get(input, "labels", [])
	label != ""
}

opaque(what) := 2 if {
	what in {"runtime"}
	input.cca
} else := 0
