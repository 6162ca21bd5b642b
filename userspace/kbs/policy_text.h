/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_text: the three resource policies that are built into trusteed, and that `realmkey admin
 * set-resource-policy` sends. They are Rego, which Trustee evaluates. trusteed recognises them by their text,
 * and needs no engine for them; the first line names the policy.
 */
#ifndef REALMKEY_POLICY_TEXT_H
#define REALMKEY_POLICY_TEXT_H

#define POLICY_TEXT_MARK "# realmkey-policy: "

/* An EAR with at least one appraisal, all of them affirming. */
#define POLICY_TEXT_AFFIRMING \
	POLICY_TEXT_MARK "affirming\n" \
			 "package policy\n" \
			 "\n" \
			 "import rego.v1\n" \
			 "\n" \
			 "default allow := false\n" \
			 "\n" \
			 "allow if {\n" \
			 "\tcount(input.submods) > 0\n" \
			 "\tevery _, appraisal in input.submods {\n" \
			 "\t\tappraisal[\"ear.status\"] == \"affirming\"\n" \
			 "\t}\n" \
			 "}\n"

/* Any valid EAR, whatever its result. */
#define POLICY_TEXT_ALLOW_ALL \
	POLICY_TEXT_MARK "allow-all\n" \
			 "package policy\n" \
			 "\n" \
			 "default allow := true\n"

#define POLICY_TEXT_DENY_ALL \
	POLICY_TEXT_MARK "deny-all\n" \
			 "package policy\n" \
			 "\n" \
			 "default allow := false\n"

#endif
