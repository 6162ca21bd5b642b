/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_text: the three resource policies that trusteed knows and `realmkey admin
 * set-resource-policy` sends. They are Rego that a full Trustee evaluates as well; trusteed has no
 * Rego engine and recognises them by their text, so the first line says which one it is.
 */
#ifndef REALMKEY_POLICY_TEXT_H
#define REALMKEY_POLICY_TEXT_H

#define POLICY_TEXT_MARK "# realmkey-policy: "

/* At least one appraisal, and every one affirming. */
#define POLICY_TEXT_AFFIRMING                                           \
	POLICY_TEXT_MARK "affirming\n"                                  \
	"package policy\n"                                              \
	"\n"                                                            \
	"import rego.v1\n"                                              \
	"\n"                                                            \
	"default allow := false\n"                                      \
	"\n"                                                            \
	"allow if {\n"                                                  \
	"\tcount(input.submods) > 0\n"                                  \
	"\tevery _, appraisal in input.submods {\n"                     \
	"\t\tappraisal[\"ear.status\"] == \"affirming\"\n"              \
	"\t}\n"                                                         \
	"}\n"

/* Whoever holds a valid EAR, whatever it says. */
#define POLICY_TEXT_ALLOW_ALL                                           \
	POLICY_TEXT_MARK "allow-all\n"                                  \
	"package policy\n"                                              \
	"\n"                                                            \
	"default allow := true\n"

#define POLICY_TEXT_DENY_ALL                                            \
	POLICY_TEXT_MARK "deny-all\n"                                   \
	"package policy\n"                                              \
	"\n"                                                            \
	"default allow := false\n"

#endif
