#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of trusteed with the clients of Trustee, as kbs_clients.py sends their requests, on loopback without TLS, with
evidence that realm_here.c signs. Documentation/trustee.md names these tests. TAP."""
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
from client_crypto import TeeKey, admin_token_ed25519, openssl, unb64url  # noqa: E402
from kbs_clients import TEST_TOKEN, Admin, Bearer, Failed, Rcar  # noqa: E402
from tap import tap  # noqa: E402

USAGE = "usage: tests/cli/part-clients.py FOLDER    in the toolchain root, at the top of the tree"
TRUSTEED = "build/release/userspace/trusteed/trusteed"
ENGINE = "build/release/userspace/policy/realmkey-policy"
REALM = "build/native/tests/cli/realmkey_here"
SECRET = b"a secret of the stand-in clients \x00\xff"
COLD = ["GET resource 401", "POST auth 200", "POST attest 200"]    # before a client without a session has a resource
# What trusteed knows without an engine for Rego.
DENY_ALL = "# realmkey-policy: deny-all\npackage policy\n\ndefault allow := false\n"
ALLOW_ALL = "# realmkey-policy: allow-all\npackage policy\n\ndefault allow := true\n"
# Policies in Rego, for the engine.
RESOURCE_REGO = """package policy

import rego.v1

default allow := false

allow if {
	data.plugin == "resource"
	data["resource-path"] == ["r", "t", "one"]
	data.query.version == "1"
	input.submods.cpu0["ear.status"] == "affirming"
}
"""
TRUST_REGO = """package policy

import rego.v1

default executables := 33

executables := 3 if input.cca.realm["cca-realm-initial-measurement"] in query_reference_value("mine")

trust_claims := {"executables": executables, "hardware": 2, "configuration": 2}
"""
BAD_REGO = "package policy\n\ndefault allow :=\n"
INIT_DATA = """version = "0.1.0"
algorithm = "sha512"
[data]
"aa.toml" = "[token_configs.kbs]\\nurl = \\"http://127.0.0.1:8080\\"\\n"
"""
RIM = "cca.realm.cca-realm-initial-measurement"
work = pathlib.Path()


class Server:
    """A trusteed with fresh state that trusts the realm's platform."""

    def __init__(self, name, *options, admins=None):
        self.state = work / name
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(mode=0o700)
        shutil.copytree(work / "anchors", self.state / "anchors")
        for admin, pem in (admins or {}).items():
            (self.state / "admins").mkdir(mode=0o700, exist_ok=True)
            (self.state / "admins" / f"{admin}.pem").write_bytes(pem)
        self.log = open(work / f"{name}.log", "w+", encoding="utf-8")
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([TRUSTEED, "--state", self.state, "--listen", "127.0.0.1:0", *options],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("trusteed: listening on http://"):
            raise RuntimeError(f"trusteed does not start: {line}")
        self.port = int(line.rpartition(":")[2])
        self.token = (self.state / "admin-token").read_text().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()
        self.log.close()

    def admin(self, **how):
        return Admin(self.port, how.pop("token", self.token), **how)

    def prepare(self):
        """A resource, and a realm that is endorsed."""
        admin = self.admin()
        admin.set_resource("r/t/one", SECRET)
        admin.set_sample_reference_value(RIM, rim())
        admin.close()


def evidence(challenge):
    """A CCA token of the stand-in for a realm."""
    return subprocess.run([REALM, "token", "--raw", "-", "--challenge", challenge.hex()], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True).stdout


def rim():
    """The RIM of that realm, as a reference value."""
    text = subprocess.run([REALM, "token", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout
    digits = re.search(r'"(?:rim|initial-measurement)":\s*"([0-9a-f]+)"', text.decode())
    return base64.b64encode(bytes.fromhex(digits[1])).decode()


class Realm:
    """A realm with this personalization value, and the platform of the others."""

    def __init__(self, value):
        self.folder = work / "realm-personal"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(work / "realm", self.folder)
        (self.folder / "rpv").write_bytes(value)

    def __enter__(self):
        os.environ["REALM_HERE"] = str(self.folder)

    def __exit__(self, *_):
        os.environ["REALM_HERE"] = str(work / "realm")


def token_claims(token):
    return json.loads(unb64url(token.split(".")[1]))


def key(kind="P-256"):
    """A new key; the number makes its file's name its own."""
    key.count += 1
    return TeeKey(str(work / f"client-{key.count}.pem"), kind)


key.count = 0


def failure(function, *arguments):
    """What the client reports; "" if it succeeds."""
    try:
        function(*arguments)
        return ""
    except Failed as error:
        return str(error)


def kbs_client_get_resource(server):
    """kbs-client get-resource, with the keys that it can make."""
    for kind in "P-256", "P-521", "RSA-OAEP-256":
        client = Rcar(server.port, key(kind), evidence)
        tap.same(f"kbs-client get-resource, {kind}", SECRET, client.get_resource("r/t/one"))
        tap.same(f"with four requests, {kind}", COLD + ["GET resource 200"], client.requests())
        tap.same(f"and one more for a further resource, {kind}", SECRET, client.get_resource("r/t/one"))
        tap.same(f"in the same session, {kind}", ["GET resource 200"], client.requests())
        client.close()


def kbs_client_missing(server):
    """What is missing ends a client at once; Trustee's 401 would have it attest three times."""
    client = Rcar(server.port, key(), evidence)
    said = failure(client.get_resource, "r/t/none")
    tap.check("kbs-client get-resource, missing", said.startswith("KBS resource Not Found (Error 404): ResourceNotFound"), said)
    tap.same("after four requests", COLD + ["GET resource 404"], client.requests())
    said = failure(client.get_resource, "r/t")
    tap.check("kbs-client get-resource, malformed path", "InvalidRequestPath" in said, said)
    tap.same("after one request", ["GET resource 404"], client.requests())
    client.close()


def kbs_client_query(server):
    """A query is not part of the path."""
    client = Rcar(server.port, key(), evidence)
    tap.same("kbs-client get-resource with a query", SECRET, client.get_resource("r/t/one?version=1"))
    client.close()


def kbs_client_denied(server):
    """A denial has it attest three times."""
    admin = server.admin()
    admin.set_resource_policy(DENY_ALL)
    client = Rcar(server.port, key(), evidence)
    said = failure(client.get_resource, "r/t/one")
    tap.same("kbs-client get-resource, denied", "request unauthorized", said)
    again = ["GET resource 401", "POST auth 200", "POST attest 200"]
    tap.same("after nine requests", COLD + again + again, client.requests())
    admin.set_resource_policy(ALLOW_ALL)
    tap.same("and allowed again", SECRET, client.get_resource("r/t/one"))
    client.close()
    admin.close()


def kbs_client_attest(server):
    """kbs-client attest, and get-resource with the token and the key."""
    for kind in "P-256", "P-521", "RSA-OAEP-256":
        own = key(kind)
        client = Rcar(server.port, own, evidence)
        token = client.get_token()
        tap.same(f"kbs-client attest, {kind}", ["POST auth 200", "POST attest 200"], client.requests())
        tap.same(f"a token of three parts, {kind}", 2, token.count("."))
        client.close()
        bearer = Bearer(server.port, lambda: (TEST_TOKEN, key()), token, own)
        tap.same(f"kbs-client get-resource --attestation-token, {kind}", SECRET, bearer.get_resource("r/t/one"))
        tap.same(f"with one request, {kind}", ["GET resource 200"], bearer.requests())
        bearer.close()
    bearer = Bearer(server.port, lambda: (TEST_TOKEN, key()), TEST_TOKEN, key())
    tap.same("kbs-client get-resource with a bad token", "request unauthorized", failure(bearer.get_resource, "r/t/one"))
    tap.same("after three requests", ["GET resource 401"] * 3, bearer.requests())
    bearer.close()


def kbs_client_config(server):
    """kbs-client config: resources."""
    admin = server.admin()
    tap.same("kbs-client set-resource", "", admin.set_resource("r/t/two", b"two"))
    tap.same("kbs-client set-resource, empty", "", admin.set_resource("r/t/two", b""))
    said = failure(admin.set_resource, "r/t", b"two")
    tap.check("kbs-client set-resource, malformed path", "InvalidRequestPath" in said, said)
    tap.same("kbs-client delete-resource", "", admin.delete_resource("r/t/two"))
    said = failure(admin.delete_resource, "r/t/two")
    tap.check("kbs-client delete-resource, missing", "ResourceNotFound" in said, said)
    said = failure(admin.delete_resource, "r/t")
    tap.check("kbs-client delete-resource, malformed path", "InvalidRequestPath" in said, said)
    admin.close()
    for name, token in ("anonymous", None), ("bad token", "nonsense"):
        other = server.admin(token=token)
        for what, function in (("set-resource", lambda: other.set_resource("r/t/one", b"x")),
                               ("delete-resource", lambda: other.delete_resource("r/t/one")),
                               ("set-resource-policy", lambda: other.set_resource_policy(ALLOW_ALL)),
                               ("set-attestation-policy", lambda: other.set_attestation_policy(DENY_ALL)),
                               ("set-sample-reference-value", lambda: other.set_sample_reference_value("a", "b")),
                               ("get-reference-value", lambda: other.get_reference_value("a"))):
            said = failure(function)
            tap.check(f"kbs-client {what}, {name}", "AdminAuthAccess" in said, said)
        other.close()


def kbs_client_reference_values(server):
    """kbs-client config: reference values, with each option."""
    admin = server.admin()
    for what, name, value, single, stored in (("", "svn", "1", False, ["1"]),
                                              (" --as-single-value", "digest", "abcde", True, "abcde"),
                                              (" --as-integer", "minor", -7, False, [-7]),
                                              (" --as-integer --as-single-value", "major", 1, True, 1),
                                              (" --as-bool", "flag", True, False, [True]),
                                              (" --as-bool --as-single-value", "other", False, True, False)):
        tap.same(f"kbs-client set-sample-reference-value{what}", "", admin.set_sample_reference_value(name, value, single))
        tap.same(f"kbs-client get-reference-value{what}", stored, json.loads(admin.get_reference_value(name)))
    said = failure(admin.get_reference_value, "none")
    tap.check("kbs-client get-reference-value, missing", "No reference value found for the given id: none" in said, said)
    admin.close()


def kbs_client_policies(server):
    """kbs-client config: policies of any text."""
    admin = server.admin()
    client = Rcar(server.port, key(), evidence)
    tap.same("kbs-client set-resource-policy, any text", "", admin.set_resource_policy(RESOURCE_REGO))
    tap.same("the policy allows", SECRET, client.get_resource("r/t/one?version=1"))
    client.requests()
    tap.same("the policy denies another query", "request unauthorized", failure(client.get_resource, "r/t/one?version=2"))
    tap.same("after nine requests", ["GET resource 401", "POST auth 200", "POST attest 200"] * 3, client.requests())
    said = failure(admin.set_resource_policy, BAD_REGO)
    tap.check("kbs-client set-resource-policy, malformed", "ParsePolicyError" in said and "line 4, column 1" in said, said)
    tap.same("the policy is what it was", SECRET, client.get_resource("r/t/one?version=1"))
    for policy_id in None, "default_cpu", "default", "default_gpu", "mine":
        tap.same(f"kbs-client set-attestation-policy --id {policy_id}", "",
                 admin.set_attestation_policy(TRUST_REGO, policy_id=policy_id))
    said = failure(admin.set_attestation_policy, BAD_REGO)
    tap.check("kbs-client set-attestation-policy, malformed", "ParsePolicyError" in said and "line 4, column 1" in said, said)
    client.close()
    client = Rcar(server.port, key(), evidence)
    tap.same("without its reference value", "request unauthorized", failure(client.get_resource, "r/t/one?version=1"))
    admin.set_sample_reference_value("mine", rim())
    tap.same("with its reference value", SECRET, client.get_resource("r/t/one?version=1"))
    client.close()
    admin.close()


def init_data(server):
    """kbs-client attest with init-data: it must be what the realm was started with."""
    with Realm(hashlib.sha512(INIT_DATA.encode()).digest()):
        client = Rcar(server.port, key(), evidence, init_data=INIT_DATA)
        claims = token_claims(client.get_token())["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["init_data_claims"]
        tap.same("kbs-client attest with init-data", "http://127.0.0.1:8080", claims["aa.toml"]["token_configs"]["kbs"]["url"])
        client.close()
    # The policy of a Kata agent is as long, and its text is in the EAR.
    long = INIT_DATA + '"policy.rego" = """\n' + "# the agent may do this\n" * 2000 + '"""\n'
    with Realm(hashlib.sha512(long.encode()).digest()):
        tee = key()
        client = Rcar(server.port, tee, evidence, init_data=long)
        token = client.get_token()
        client.close()
        tap.check(f"an EAR with long init-data has {len(token)} bytes", len(token) > 50000)
        hub = Bearer(server.port, lambda: (token, tee))
        tap.same("Confidential Data Hub, with such an EAR", SECRET, hub.get_resource("r/t/one"))
        hub.close()
    client = Rcar(server.port, key(), evidence, init_data=INIT_DATA)
    said = failure(client.handshake)
    tap.check("kbs-client attest with the init-data of another realm", "nit" in said, said)
    client.close()


def sample_clients(_):
    """kbs-client outside of a realm, which sends sample evidence, and with a sample device."""
    with Server("clients-sample", "--dev-sample") as server:
        server.prepare()
        server.admin().set_resource_policy(ALLOW_ALL)
        client = Rcar(server.port, key(), None)
        tap.same("kbs-client get-resource, sample evidence", SECRET, client.get_resource("r/t/one"))
        client.close()
        client = Rcar(server.port, key(), evidence, device=True)
        tap.same("kbs-client get-resource, with a sample device", SECRET, client.get_resource("r/t/one"))
        tap.same("which has its submod", ["cpu0", "gpu0"], sorted(token_claims(client.token)["submods"]))
        client.close()
        client = Rcar(server.port, key(), None, "0.2.0")
        tap.same("client of 0.2.0, sample evidence", SECRET, client.get_resource("r/t/one"))
        client.close()


def sample_refused(server):
    """Without --dev-sample, neither counts."""
    client = Rcar(server.port, key(), None)
    said = failure(client.handshake)
    tap.check("sample evidence is refused", "tee 'sample'" in said, said)
    client.close()
    client = Rcar(server.port, key(), evidence, device=True)
    said = failure(client.handshake)
    tap.check("evidence of a sample device is refused", "additional_evidence" in said or "sampledevice" in said, said)
    client.close()


def kbs_client_december(_):
    """The kbs-client of December 2025: it signs its tokens with Ed25519."""
    private = str(work / "december.pem")
    openssl("genpkey", "-algorithm", "ED25519", "-out", private)
    with Server("clients-december", admins={"december": openssl("pkey", "-in", private, "-pubout")}) as server:
        server.prepare()
        admin = server.admin(token=admin_token_ed25519(private, int(time.time())), december=True)
        tap.same("kbs-client of December 2025 set-resource", "", admin.set_resource("r/t/december", SECRET))
        tap.same("kbs-client of December 2025 set-sample-reference-value", "", admin.set_sample_reference_value("d", "1"))
        values = json.loads(admin.get_reference_values())
        tap.same("kbs-client of December 2025 get-reference-values, which names none", {"d": ["1"], RIM: [rim()]}, values)
        admin.close()
        client = Rcar(server.port, key(), evidence)
        tap.same("kbs-client of December 2025 get-resource", SECRET, client.get_resource("r/t/december"))
        client.close()


def trustee_attester(server):
    """trustee-attester attests before it asks. Of a path that is no URI it makes /r/t/one, which no KBS serves."""
    client = Rcar(server.port, key(), evidence)
    client.get_token()
    said = failure(client.get_resource, "/r/t/one")
    tap.check("trustee-attester get-resource, a path that is no URI", "InvalidRequestPath" in said, said)
    tap.same("which ends it", ["POST auth 200", "POST attest 200", "GET resource 404"], client.requests())
    client.close()
    client = Rcar(server.port, key(), evidence)
    client.get_token()
    tap.same("trustee-attester get-resource", SECRET, client.get_resource("r/t/one"))
    tap.same("with three requests", ["POST auth 200", "POST attest 200", "GET resource 200"], client.requests())
    client.close()


def data_hub(server):
    """The Confidential Data Hub asks the Attestation Agent for a token and its key, both with clients of their own."""
    def agent(port):
        own = key()
        client = Rcar(port, own, evidence)
        token = client.get_token()
        client.close()
        return token, own

    hub = Bearer(server.port, lambda: agent(server.port))
    for number in 1, 2:
        tap.same(f"Confidential Data Hub, resource {number}", SECRET, hub.get_resource("r/t/one"))
        tap.same(f"with one request of its own, {number}", ["GET resource 200"], hub.requests())
    hub.close()
    with Server("clients-age", "--max-token-age", "1") as strict:
        strict.prepare()
        hub = Bearer(strict.port, lambda: agent(strict.port))
        hub.get_resource("r/t/one")
        hub.requests()
        time.sleep(2.5)
        tap.same("Confidential Data Hub, with a token that is too old", SECRET, hub.get_resource("r/t/one"))
        tap.same("which has it attest again", ["GET resource 401", "GET resource 200"], hub.requests())
        hub.close()


def refusals(server):
    """What a client that cannot attest reports; the body of every error can be read."""
    client = Rcar(server.port, key(), lambda challenge: evidence(bytes(64)))
    said = failure(client.get_token)
    tap.check("evidence for another challenge", said.startswith("KBS attest unauthorized: AttestationError: "), said)
    tap.same("after five handshakes", ["POST auth 200", "POST attest 401"] * 5, client.requests())
    client.close()
    for method, path, status, variant in (("PUT", "resource/r/t/one", 405, "MethodNotAllowed"),
                                          ("GET", "test", 404, "PluginNotFound"), ("GET", "auth", 405, "MethodNotAllowed")):
        client = Rcar(server.port, key(), evidence)
        answer = client.ask(method, path)
        tap.same(f"{method} {path}", (status, variant), (answer.status, answer.error()[0]))
        client.close()


def old_clients(server):
    """Clients of guest-components 0.12 and 0.13, and, if they are admitted, of 0.10 and 0.11."""
    for kind in "P-256", "RSA-OAEP-256":
        client = Rcar(server.port, key(kind), evidence, "0.2.0")
        tap.same(f"client of 0.2.0, {kind}", SECRET, client.get_resource("r/t/one"))
        tap.same(f"with four requests, 0.2.0, {kind}", COLD + ["GET resource 200"], client.requests())
        client.close()
    client = Rcar(server.port, key("RSA1_5"), evidence, "0.1.1")
    said = failure(client.get_resource, "r/t/one")
    tap.check("client of 0.1.1 is refused", "KBS Client Protocol Version Mismatch: expect =0.4.0 or =0.2.0" in said, said)
    client.close()
    with Server("clients-old", "--min-version", "0.1.1") as old:
        old.prepare()
        own = key("RSA1_5")
        client = Rcar(old.port, own, evidence, "0.1.1")
        tap.same("client of 0.1.1", SECRET, client.get_resource("r/t/one"))
        tap.same("with four requests, 0.1.1", COLD + ["GET resource 200"], client.requests())
        hub = Bearer(old.port, lambda: (client.token, own), old=True)
        tap.same("Confidential Data Hub of 0.1.1", SECRET, hub.get_resource("r/t/one"))
        hub.close()
        client.close()
    with Server("clients-new", "--min-version", "0.4.0") as new:
        client = Rcar(new.port, key(), evidence, "0.2.0")
        said = failure(client.handshake)
        tap.check("client of 0.2.0 with --min-version 0.4.0", "expect =0.4.0 while the request is 0.2.0" in said, said)
        client.close()


REGO_PARTS = (init_data, kbs_client_policies)    # the last one changes the policies


def main():
    global work
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(USAGE)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    work = pathlib.Path(sys.argv[1])
    os.environ["REALM_HERE"] = str(work / "realm")
    parts = (kbs_client_get_resource, kbs_client_missing, kbs_client_query, kbs_client_attest, kbs_client_config,
             kbs_client_reference_values, kbs_client_december, trustee_attester, data_hub, refusals, old_clients,
             sample_refused, sample_clients, kbs_client_denied)
    os.environ.setdefault("REALMKEY_POLICY", ENGINE)
    with Server("clients") as server:
        server.prepare()
        if os.access(os.environ["REALMKEY_POLICY"], os.X_OK):
            parts += REGO_PARTS
        else:
            print(f"# SKIP: {os.environ['REALMKEY_POLICY']} is absent: NO POLICY IN REGO AND NO INIT-DATA WAS TESTED", flush=True)
        for part in parts:
            try:
                part(server)
            except Exception:    # pylint: disable=broad-exception-caught
                tap.check(part.__name__, False, traceback.format_exc())
    return 0 if tap.done() else 1


if __name__ == "__main__":
    sys.exit(main())
