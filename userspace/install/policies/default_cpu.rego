# SPDX-License-Identifier: Apache-2.0
#
# An attestation policy with rules for Arm CCA, for a KBS that has none, such as Trustee as it is installed:
#
#	realmkey admin --url URL --admin-token-file FILE set-attestation-policy --policy-file default_cpu.rego
#
# Its verdicts are those of the rules that are built into trusteed. The verifier has already checked the signatures
# of the token, the binding of its two parts, and the platform, before a policy is evaluated; evidence that fails
# there never comes here. So this policy compares what the realm booted, and says of the rest what those checks
# imply. The numbers are AR4SI trustworthiness values (draft-ietf-rats-ar4si).
#
# The policy takes the place of the one that the KBS has for CPUs. A KBS that also serves other kinds of TEE needs
# the rules for them in the same file.
package policy

import rego.v1

trust_claims := {
	"instance-identity": instance_identity,
	"configuration": configuration,
	"executables": executables,
	"file-system": 0,
	"hardware": hardware,
	"runtime-opaque": runtime_opaque,
	"storage-opaque": 0,
	"sourced-data": 0,
}

# 2: the instance is known and not compromised. 0: no claim.
default instance_identity := 0

instance_identity := 2 if input.cca.platform["cca-platform-instance-id"]

# 36: parts of the configuration that matter for security are not available.
default configuration := 36

configuration := 0 if input.cca.platform["cca-platform-implementation-id"]

# 3: only approved software was loaded at boot. 33: software that no reference value names.
# A realm's initial measurement (RIM) is compared as base64, as `realmkey rim` prints it.
default executables := 33

executables := 3 if {
	input.cca.realm["cca-realm-initial-measurement"] in query_reference_value("cca.realm.cca-realm-initial-measurement")
}

# A reference value can also be one RIM instead of a list.
executables := 3 if {
	input.cca.realm["cca-realm-initial-measurement"] == query_reference_value("cca.realm.cca-realm-initial-measurement")
}

# 2: genuine hardware and firmware. 97: not recognised.
default hardware := 97

hardware := 2 if input.cca.realm

# 2: the memory of the realm is opaque to the host. 0: no claim.
default runtime_opaque := 0

runtime_opaque := 2 if input.cca.realm
