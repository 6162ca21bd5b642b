# SPDX-License-Identifier: Apache-2.0
"""The requests to trusteed: one server, which serves each request with one fault and must go on afterwards."""
import base64
import hashlib
import json
import os
import time

import judge
from fault import MEMORY, SYSTEM, calls
from world import HERE, NATIVE, REFERENCE, RELEASE, base64url, jwk, read, run, write

JSON = {"Content-Type": "application/json"}
# Without sanitizers, because its memory is limited; fault.so is not loaded into it.
ENGINE = f"{RELEASE}/userspace/policy/realmkey-policy"
ATTESTATION = """package policy
import rego.v1
default executables := 33
executables := 3 if input.cca.realm["cca-realm-initial-measurement"] in
    query_reference_value("cca.realm.cca-realm-initial-measurement")
trust_claims := {"executables": executables, "hardware": 2}
"""
RESOURCE = """package policy
import rego.v1
default allow := false
allow if {
    input.submods.cpu0["ear.status"] == "affirming"
    data["resource-path"] == ["a", "b", "c"]
}
"""


class Request:
    """One request. Its answer is the usual one, or says that the server failed, or is missing."""

    passes = ((MEMORY, False), (MEMORY, True), (SYSTEM, False), (SYSTEM, True))
    policy = "--allow-all"
    policies = None
    engines = 0     # descriptors of processes that evaluate policies, which may be there or not
    armed = False

    def __init__(self, name, status):
        self.name, self.status = name, status

    def begin(self, world, control, library):
        self.world, self.control, self.library, self.calls = world, control, library, calls(library)
        self.start()
        self.before()
        status, body = self.ask()
        if status != self.status:
            raise RuntimeError(f"without a fault: {status} {body!r}")
        self.after(status)

    def start(self):
        control = self.control
        control.disarm()
        env = dict(LD_PRELOAD=self.library, FAULT_CONTROL=control.path, REALMKEY_POLICY=os.path.abspath(ENGINE))
        self.trustee = self.world.trustee(f"requests-{os.getpid()}", self.policies, build=NATIVE, env=env)
        self.files = None
        run(f"{NATIVE}/userspace/cli/realmkey", "admin", "set-resource-policy", self.policy, "--admin-token-file",
            self.world.admin_token(), "--url", f"http://127.0.0.1:{self.trustee.port}", "--insecure",
            env=dict(self.world.env, ASAN_OPTIONS="detect_leaks=0"))
        self.set_up()

    def set_up(self):
        """After the server was started."""

    def before(self):
        """Before each request."""

    def ask(self):
        """The request that is tried: (status, body)"""
        raise NotImplementedError

    def request(self, *words, **options):
        return self.trustee.request(*words, fault=self.armed, **options)

    def after(self, status):
        """After each request, without faults. Returns a finding or None."""

    def descriptors(self, most):
        most += self.engines
        for _ in range(100):
            number = self.trustee.descriptors()
            if number <= most:
                return None
            time.sleep(0.02)
        return f"{number - most} descriptors left"

    def point(self, classes, at, persistent, trace=False):
        self.before()
        if self.files is None:
            self.trustee.request("GET", "/healthz")
            time.sleep(0.1)
            self.files = self.trustee.descriptors()
        self.armed = True
        self.control.arm(classes, at, persistent, trace)
        status, body = self.ask()
        self.control.disarm()
        self.armed = False
        _, failed, call = self.control.result()
        return self.finding(status, body), failed > 0, call

    def finding(self, status, body):
        if self.trustee.process.poll() is not None:
            code, log = self.trustee.stop()
            self.start()
            return judge.sanitizer(log) or f"trusteed ended with status {code}: {log[-300:]}"
        finding = judge.answer(self.status, (status, body)) or self.after(status) or self.descriptors(self.files)
        if finding is None and self.trustee.request("GET", "/healthz")[0] != 200:
            finding = "trusteed no longer answers"
        if finding:
            self.trustee.process.kill()
            self.trustee.stop()
            self.start()
        return finding

    def end(self):
        """Leaks are found when the server ends."""
        status, log = self.trustee.stop()
        report = judge.sanitizer(log)
        if report or status != 0:
            return report or f"trusteed ended with status {status}"
        return None


class Health(Request):
    def ask(self):
        return self.request("GET", "/healthz")[:2]


class Auth(Request):
    def ask(self):
        body = json.dumps({"version": "0.4.0", "tee": "cca", "extra-params": ""})
        status, body, self.cookie = self.request("POST", "/kbs/v0/auth", body, JSON)
        if status == 200 and not (self.cookie and json.loads(body).get("nonce")):
            return status, b"neither nonce nor cookie: " + body
        return status, body

    def after(self, status):
        return "an answer without a session" if status == 200 and not self.cookie else None


class Attest(Auth):
    """The evidence of one session is used until it was attested."""

    def set_up(self):
        self.evidence = None

    def before(self):
        if self.evidence is None:
            status, body = super().ask()
            if status != 200:
                raise RuntimeError(f"auth: {status} {body!r}")
            self.evidence = self.make(json.loads(body)["nonce"])

    def make(self, nonce):
        key = dict(jwk_p256(self.world.path("tee.pem")), alg="ECDH-ES+A256KW")
        runtime = {"additional-evidence": "", "nonce": nonce, "tee-pubkey": key}
        text = json.dumps(runtime, sort_keys=True, separators=(",", ":"))
        challenge = hashlib.sha384(text.encode()).hexdigest()
        token = self.world.path(f"evidence-{os.getpid()}")
        run(HERE, "token", "--challenge", challenge, "--raw", token,
            env=dict(self.world.env, ASAN_OPTIONS="detect_leaks=0"))
        evidence = {"primary_evidence": {"token": list(read(token))}, "additional_evidence": ""}
        return json.dumps({"init-data": None, "runtime-data": {"nonce": nonce, "tee-pubkey": key}, "tee-evidence": evidence})

    def ask(self):
        status, body, _ = self.request("POST", "/kbs/v0/attest", self.evidence, dict(JSON, Cookie=self.cookie))
        if status == 200:
            self.token = json.loads(body)["token"]
            self.evidence = None
        return status, body

    def after(self, status):
        return None


class AttestRefused(Attest):
    """Evidence that was signed by a revoked key is never accepted, nor called something else."""

    anchor, cause = None, b""

    def set_up(self):
        super().set_up()
        self.write_anchors()

    def write_anchors(self):
        key = jwk(self.world.path("realm/cpak.pem"))
        write(f"{self.trustee.state}/anchors/cpak.jwk", json.dumps(key))
        write(f"{self.trustee.state}/anchors/revoked.json", json.dumps([{"pkey": key, "revoked": True}]))

    def before(self):
        super().before()
        self.write_anchors()    # so that trusteed reads them again

    def ask(self):
        status, body = super().ask()
        if status == self.status and b"E_TRUST_ANCHOR_REVOKED" not in body:
            return 999, body
        return status, body


class AttestForged(AttestRefused):
    def write_anchors(self):
        """The same anchors as usual."""

    def make(self, nonce):
        body = json.loads(super().make(nonce))
        token = body["tee-evidence"]["primary_evidence"]["token"]
        token[-1] ^= 1
        return json.dumps(body)

    def ask(self):
        status, body = Attest.ask(self)
        return (999, body) if status == self.status and b"E_SIG" not in body else (status, body)


class Get(Attest):
    """A session that was attested gets the secret, sealed for its key."""

    path = "a/b/c"

    def set_up(self):
        super().set_up()
        Attest.before(self)
        status, body = Attest.ask(self)
        if status != 200:
            raise RuntimeError(f"attest: {status} {body!r}")
        self.began = time.monotonic()

    def before(self):
        if time.monotonic() - self.began > 120:     # a session lives 300 s
            self.set_up()

    def ask(self):
        status, body, _ = self.request("GET", f"/kbs/v0/resource/{self.path}", headers={"Cookie": self.cookie})
        if status == 200 and set(json.loads(body)) != {"protected", "encrypted_key", "iv", "ciphertext", "tag"}:
            return 999, body
        return status, body


class GetBearer(Get):
    """The same with the EAR as bearer token."""

    def ask(self):
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.request("GET", f"/kbs/v0/resource/{self.path}", headers=headers)[:2]


class GetMissing(Get):
    path = "a/b/none"


class GetDenied(Get):
    policy = "--deny-all"


class AttestRego(Attest):
    """A policy in Rego decides. Whatever fails, the EAR is that of the policy, or there is none."""

    policies = {"attestation/default_cpu": ATTESTATION}
    engines = 2

    def ask(self):
        status, body = super().ask()
        if status == 200:
            part = self.token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["submods"]["cpu0"]
            if claims["ear.trustworthiness-vector"] != {"executables": 3, "hardware": 2}:
                return 999, json.dumps(claims["ear.trustworthiness-vector"]).encode()
        return status, body


class GetRego(Get):
    engines = 2
    policies = {"resource/resource-policy": RESOURCE}


class GetRegoDenied(GetRego):
    policies = {"resource/a": RESOURCE}
    path = "a/b/d"


class Put(Request):
    """A resource is the old one or the new one, and the new one if the answer says so."""

    def before(self):
        self.was = self.stored()
        self.data = b"the first" if self.was != b"the first" else b"the second"

    def stored(self):
        for folder, _, files in os.walk(self.trustee.state):
            if "put" in files:
                return read(f"{folder}/put")
        return None

    def ask(self):
        return self.request("POST", "/kbs/v0/resource/a/b/put", self.data, admin=True)[:2]

    def after(self, status):
        allowed = [self.data] if status == 200 else [self.data, self.was]
        now = self.stored()
        if now not in allowed:
            return f"status {status}, and the resource is {now!r} after {self.was!r}"
        left = os.listdir(f"{self.trustee.state}/incomplete")
        return f"left behind: {left}" if left and "unlink" not in self.failed_call() else None

    def failed_call(self):
        call = self.control.result()[2]
        return self.calls[call][1] if call >= 0 else ""


class PutRefused(Put):
    """An admin token with a wrong signature."""

    def ask(self):
        token = self.trustee.token[:-8] + "AAAAAAAA"
        headers = {"Authorization": f"Bearer {token}"}
        return self.request("POST", "/kbs/v0/resource/a/b/put", self.data, headers)[:2]

    def after(self, status):
        return "stored without permission" if self.stored() != self.was else None


class Policy(Request):
    """The policy in the file is the old one or the new one."""

    texts = {"allow-all": "# realmkey-policy: allow-all\npackage policy\n\ndefault allow := true\n",
             "deny-all": "# realmkey-policy: deny-all\npackage policy\n\ndefault allow := false\n"}

    def before(self):
        self.was = read(f"{self.trustee.state}/policy").decode().strip()
        self.next = "deny-all" if self.was == "allow-all" else "allow-all"

    def ask(self):
        body = json.dumps({"policy": base64url(self.texts[self.next].encode())})
        return self.request("POST", "/kbs/v0/resource-policy", body, JSON, True)[:2]

    def after(self, status):
        now = read(f"{self.trustee.state}/policy").decode().strip()
        if now not in ((self.next,) if status == 200 else (self.next, self.was)):
            return f"status {status}, and the policy is {now} after {self.was}"
        return None


class PolicyRego(Request):
    """The policy in Rego in the file is the old one or the new one."""

    number = 0
    engines = 2
    file, verb = "resource/resource-policy", "resource-policy"

    def before(self):
        self.was = self.stored()
        self.number += 1
        self.text = RESOURCE + f"# {self.number}\n"

    def stored(self):
        path = f"{self.trustee.state}/policies/{self.file}.rego"
        return read(path).decode() if os.path.exists(path) else None

    def ask(self):
        body = json.dumps({"type": "rego", "policy_id": self.file.split("/")[1], "policy": base64url(self.text.encode())})
        return self.request("POST", f"/kbs/v0/{self.verb}", body, JSON, True)[:2]

    def after(self, status):
        now = self.stored()
        if now not in ((self.text,) if status == 200 else (self.text, self.was)):
            return f"status {status}, and the policy is {now!r} after {self.was!r}"
        return None


class PolicyRegoAttestation(PolicyRego):
    file, verb = "attestation/default_cpu", "attestation-policy"


class PolicyMalformed(PolicyRego):
    def before(self):
        super().before()
        self.text = "package policy\nallow if {\n"

    def ask(self):
        status, body = super().ask()
        return (999, body) if status == self.status and b"line" not in body else (status, body)

    def after(self, status):
        return None if self.stored() == self.was else "a malformed policy is set"


class Delete(Put):
    """A resource is there, or it is not, and it is not if the answer says so."""

    def before(self):
        if self.stored() is None and self.trustee.put("a/b/put", b"the first") != 200:
            raise RuntimeError("trusteed does not store a secret")
        self.was, self.data = b"the first", None

    def ask(self):
        return self.request("DELETE", "/kbs/v0/resource/a/b/put", admin=True)[:2]


class Rotate(Request):
    """The key of EARs is the old one or the new one, and all that verify are in the set. The set has a limit, so the state
    is that of a rotation in another time."""

    def before(self):
        self.was = self.set()
        if len(self.was) > 4:
            self.trustee.stop()
            self.start()
            self.was = self.set()

    def set(self):
        status, body, _ = self.trustee.request("GET", "/jwks")
        return [key["kid"] for key in json.loads(body)["keys"]] if status == 200 else None

    def ask(self):
        return self.request("POST", "/kbs/v0/ear-key", admin=True)[:2]

    def after(self, status):
        now = self.set()
        if now is None or not set(self.was) <= set(now):
            return f"keys {self.was} became {now}"
        if status == 200 and now[0] in self.was:
            return "the answer is a new key, but the old one signs"
        return None


class Keys(Request):
    def ask(self):
        return self.request("GET", "/jwks")[:2]


class PolicyGet(Request):
    def ask(self):
        return self.request("GET", "/kbs/v0/resource-policy", admin=True)[:2]


class Endorse(Request):
    """A reference value is the old one or the new one."""

    number = 0

    def before(self):
        self.was = self.value()
        self.number += 1

    def value(self):
        status, body, _ = self.trustee.request("GET", "/kbs/v0/reference-value/x", admin=True)
        return json.loads(body) if status == 200 else None

    def ask(self):
        payload = base64.b64encode(json.dumps({"x": [f"value-{self.number}"]}).encode()).decode()
        body = json.dumps({"version": "0.1.0", "type": "sample", "payload": payload})
        return self.request("POST", "/kbs/v0/reference-value", body, JSON, True)[:2]

    def after(self, status):
        now = self.value()
        new = f"value-{self.number}"
        if not (now == self.was and status != 200) and new not in json.dumps(now):
            return f"status {status}, and the reference value is {now} after {self.was}"
        return None


class EndorseGet(Request):
    def ask(self):
        return self.request("GET", f"/kbs/v0/reference-value/{REFERENCE}", admin=True)[:2]


def jwk_p256(pem):
    point = run("openssl", "ec", "-in", pem, "-pubout", "-outform", "DER")[-64:]
    return {"kty": "EC", "crv": "P-256", "x": base64url(point[:32]), "y": base64url(point[32:])}


def requests():
    return [
        Health("trusteed: healthz", 200),
        Auth("trusteed: auth", 200),
        Attest("trusteed: attest", 200),
        AttestRefused("trusteed: attest, revoked key", 401),
        AttestForged("trusteed: attest, forged evidence", 401),
        Get("trusteed: get a resource", 200),
        GetBearer("trusteed: get a resource with an EAR", 200),
        GetMissing("trusteed: get, not there", 404),
        GetDenied("trusteed: get, denied", 401),
        AttestRego("trusteed: attest, policy in Rego", 200),
        GetRego("trusteed: get a resource, policy in Rego", 200),
        GetRegoDenied("trusteed: get, denied by a policy in Rego", 401),
        Put("trusteed: put a resource", 200),
        Delete("trusteed: delete a resource", 200),
        PutRefused("trusteed: put, forged admin token", 401),
        Policy("trusteed: set the policy", 200),
        PolicyRego("trusteed: set a policy in Rego", 200),
        PolicyRegoAttestation("trusteed: set an attestation policy", 200),
        PolicyMalformed("trusteed: set a malformed policy", 401),
        PolicyGet("trusteed: get the policy", 200),
        Rotate("trusteed: make a new key for EARs", 200),
        Keys("trusteed: get the keys of EARs", 200),
        Endorse("trusteed: set a reference value", 200),
        EndorseGet("trusteed: get a reference value", 200),
    ]
