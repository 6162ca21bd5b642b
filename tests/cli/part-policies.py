#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the policies in Rego of a trusteed: real processes of realmkey-policy, good policies and those that loop, allocate
without end, are malformed or are killed, and how long other clients wait meanwhile. The evidence is that of Trustee's sample
TEEs, on loopback without TLS. TAP."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
from client_crypto import TeeKey  # noqa: E402
from kbs_clients import Admin, Wire, canonical, compact  # noqa: E402
from tap import tap  # noqa: E402

USAGE = "usage: tests/cli/part-policies.py FOLDER    in the toolchain root, at the top of the tree"
TRUSTEED = "build/release/userspace/trusteed/trusteed"
ENGINE = "build/release/userspace/policy/realmkey-policy"
SECRET = b"a secret behind a policy"
REGO = "package policy\nimport rego.v1\n"
LOOP = "{ some x in numbers.range(1, 100000); some y in numbers.range(1, 100000); x * y == -1 }"
CPU = REGO + """
default executables := 33
executables := 3 if input.sample.launch_digest in query_reference_value("launch_digest")
trust_claims := {"executables": executables, "hardware": 2}
extensions := [{"name": "ear.trustee.identifiers", "key": -18, "value": {"svn": input.sample.svn}}]
"""
# What the policies of the repositories are, and what a client gets to know of one that fails.
RESOURCES = {
    "good": REGO + 'default allow := false\nallow if { data["resource-path"][2] == "one"; data.query.version == "2";'
                   ' input.submods.cpu0["ear.status"] == "affirming" }\n',
    "loops": REGO + f"allow if {LOOP}\n",
    "memory": REGO + "allow := count(numbers.range(1, 1000000000000))\n",
    "nested": REGO + "f(x) := f(x + 1)\nallow if f(1)\n",
    "malformed": REGO + "allow if {\n\tinput.x ==\n}\n",
    "text": REGO + 'allow := "true"\n',
    "default_cpu": REGO + f"allow if {LOOP}\n",
}
CAUSES = {
    "loops": "the policy took longer than 2.0 s and was ended",
    "memory": "the policy needed more memory than it may use",
    "nested": "the policy was nested too deeply",
    "malformed": "line 5, column 1",
}
INIT_DATA = """version = "0.1.0"
algorithm = "sha384"
[data]
note = "text"
"aa.toml" = '''url = "http://a"'''
"policy.rego" = '''package agent_policy
policy_data := {"a": [1]}'''
"""
work = pathlib.Path()


class Server:
    """A trusteed whose policies are files of its state."""

    def __init__(self, name, resources, attestations, engine=ENGINE):
        self.state = work / name
        shutil.rmtree(self.state, ignore_errors=True)
        for kind, policies in ("resource", resources), ("attestation", attestations):
            folder = self.state / "policies" / kind
            folder.mkdir(mode=0o700, parents=True)
            for policy, text in policies.items():
                (folder / f"{policy}.rego").write_text(text)
        self.state.chmod(0o700)
        self.log_name = work / f"{name}.log"
        self.log = open(self.log_name, "w", encoding="utf-8")
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([TRUSTEED, "--state", self.state, "--listen", "127.0.0.1:0", "--dev-sample"],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env=os.environ | {"REALMKEY_POLICY": engine})
        line = self.process.stdout.readline()
        if not line.startswith("trusteed: listening on http://"):
            raise RuntimeError(f"trusteed does not start: {line} {self.lines()}")
        self.port = int(line.rpartition(":")[2])
        self.admin = Admin(self.port, (self.state / "admin-token").read_text().strip())
        for repository in list(resources) + ["plain"]:
            self.admin.set_resource(f"{repository}/t/one", SECRET)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.admin.close()
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()
        self.log.close()

    def lines(self):
        return self.log_name.read_text()

    def engines(self):
        """The processes that evaluate policies."""
        return [int(pid) for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]


class Client(Wire):
    """A client with sample evidence, and with that of a sample device."""

    def __init__(self, server, device=False):
        super().__init__(server.port, "attestation-agent-kbs-client/0.1.0")
        Client.count += 1
        self.key = TeeKey(str(work / f"policies-{Client.count}.pem"), "P-256")
        self.device = device

    def attest(self, init_data=None):
        answer = self.ask("POST", "auth", b'{"version":"0.4.0","tee":"sample","extra-params":""}', "application/json")
        nonce = json.loads(answer.body)["nonce"]
        data = {"nonce": nonce, "tee-pubkey": self.key.jwk}
        additional = compact({"sampledevice": sample("7", data)}) if self.device else ""
        primary = sample("1", data | {"additional-evidence": additional})
        body = {"init-data": {"format": "toml", "body": init_data} if init_data else None, "runtime-data": data,
                "tee-evidence": {"primary_evidence": primary, "additional_evidence": additional}}
        return self.ask("POST", "attest", compact(body).encode(), "application/json")

    def get(self, path):
        return self.ask("GET", f"resource/{path}")


Client.count = 0


def sample(svn, data):
    report = base64.b64encode(hashlib.sha384(canonical(data)).digest()).decode()
    return {"svn": svn, "report_data": report}


def claims(answer):
    payload = json.loads(answer.body)["token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def timed(function, *arguments):
    begun = time.monotonic()
    result = function(*arguments)
    return result, time.monotonic() - begun


def detail(answer):
    return ": ".join(answer.error())


# --- what policies decide -------------------------------------------------------------------------


def good_policies(server):
    """A policy of attestation and one of resources, with a reference value, an extension and a query."""
    client = Client(server)
    cpu = claims(client.attest())["submods"]["cpu0"]
    tap.same("the attestation policy decides", {"executables": 33, "hardware": 2}, cpu["ear.trustworthiness-vector"])
    tap.same("and adds its extension", {"svn": "1"}, cpu["ear.trustee.identifiers"])
    tap.same("a resource policy denies", "PolicyDeny: Access denied by policy", detail(client.get("good/t/one?version=2")))
    server.admin.set_sample_reference_value("launch_digest", "abcde")
    client.close()
    client = Client(server)
    tap.same("with the reference value it affirms", "affirming", claims(client.attest())["submods"]["cpu0"]["ear.status"])
    tap.same("a resource policy allows", SECRET, client.key.open(client.get("good/t/one?version=1&version=2").body))
    for path in "good/t/one", "good/t/one?version=3", "good/t/two?version=2":
        tap.same(f"and denies {path}", 401, client.get(path).status)
    tap.same("a text is no decision", "PolicyDeny: Access denied by policy", detail(client.get("text/t/one")))
    client.close()


def init_data(server):
    """Claims of init-data are those that Trustee makes of it."""
    client = Client(server)
    evidence = claims(client.attest(INIT_DATA))["submods"]["cpu0"]["ear.veraison.annotated-evidence"]
    tap.same("init-data becomes claims", {"aa.toml": {"url": "http://a"}, "note": "text", "agent_policy_claims": {"a": [1]}},
             evidence["init_data_claims"])
    tap.same("with its hash", base64.b64encode(hashlib.sha384(INIT_DATA.encode()).digest()).decode(), evidence["init_data"])
    client.close()
    client = Client(server)
    said = detail(client.attest("version = \"0.1.0\"\nalgorithm = = 1\n"))
    tap.check("malformed init-data is refused with its place", "init-data: line 2, column" in said, said)
    client.close()


def cut_off(server, repository, kept):
    """One that fails, while another client is served in its usual time by a built-in policy and by one in Rego."""
    client, answer = Client(server), []
    client.attest()
    thread = threading.Thread(target=lambda: answer.append(timed(client.get, f"{repository}/t/one")))
    thread.start()
    longest, served = 0, 0
    while thread.is_alive() or served == 0:
        for path in "plain/t/one", "good/t/one?version=2":
            got, took = timed(kept.get, path)
            if got.status != 200:
                tap.check(f"others are served while {repository} is evaluated", False, detail(got))
            longest, served = max(longest, took), served + 1
    thread.join()
    got, took = answer[0]
    tap.same(f"{repository}: the client knows which policy failed",
             f"PolicyDeny: Access denied by policy: the resource policy {repository} failed", detail(got))
    tap.check(f"{repository}: and the log says why", CAUSES[repository] in server.lines(), server.lines()[-600:])
    tap.check(f"{repository}: within its time, {took:.2f} s", took < 4)
    tap.check(f"{repository}: {served} others were served meanwhile, each in {longest * 1000:.0f} ms at most", longest < 1)
    client.close()


def attestation_fails(server, kept):
    """A policy that fails refuses, and makes no session."""
    client = Client(server, device=True)
    answer = client.attest()
    tap.same("an attestation policy that loops refuses",
             "AttestationError: Attestation error: the attestation policy default_gpu failed", detail(answer))
    tap.same("and there is no session", "TokenNotFound", client.get("plain/t/one").error()[0])
    tap.same("others have theirs", 200, kept.get("plain/t/one").status)
    client.close()


def shared_name(server):
    """A repository has the name of an attestation policy: its policy takes no process from that."""
    client = Client(server)
    client.attest()
    thread = threading.Thread(target=client.get, args=("default_cpu/t/one",))
    thread.start()
    time.sleep(0.3)
    other = Client(server)
    got, took = timed(other.attest)
    tap.same("a resource policy with the name of an attestation policy holds up no attestation", 200, got.status)
    tap.check(f"not even for a moment: {took * 1000:.0f} ms", thread.is_alive() and took < 1)
    thread.join()
    other.close()
    client.close()


def killed(server, kept):
    """A process is killed while it answers."""
    client, answer = Client(server), []
    client.attest()
    thread = threading.Thread(target=lambda: answer.append(client.get("loops/t/one")))
    thread.start()
    time.sleep(0.5)
    busy = server.engines()
    for pid in busy:
        os.kill(pid, signal.SIGKILL)
    thread.join()
    tap.check("there were processes to kill", len(busy) > 0)
    tap.same("kill -9 of the engine denies", 500, answer[0].status)
    tap.check("with its cause in the log", "SIGKILL" in server.lines(), server.lines()[-600:])
    tap.same("another one is started for the next question", 200, kept.get("good/t/one?version=2").status)
    client.close()


def client_leaves(server, kept):
    """A client closes its connection: its process ends, and the policy does not go on."""
    for _ in range(4):
        client = Client(server)
        client.attest()
        client.socket.sendall(f"GET /kbs/v0/resource/loops/t/one HTTP/1.1\r\nhost: x\r\ncookie: kbs-session-id={client.cookie}"
                              "\r\n\r\n".encode())
        time.sleep(0.2)
        client.close()
    got, took = timed(kept.get, "good/t/one?version=2")
    tap.same("clients that leave do not hold up the others", 200, got.status)
    tap.check(f"after {took * 1000:.0f} ms", took < 1)


def without_engine():
    """Policies that were set deny; built-in ones decide as ever."""
    with Server("no-engine", {"good": REGO + "allow := true\n"}, {"default_gpu": CPU}, "/nonexistent") as server:
        server.admin.set_resource_policy("# realmkey-policy: allow-all\npackage policy\n\ndefault allow := true\n")
        client = Client(server)
        tap.same("without an engine, the built-in rules decide", "contraindicated",
                 claims(client.attest())["submods"]["cpu0"]["ear.status"])
        tap.same("and a built-in resource policy", SECRET, client.key.open(client.get("plain/t/one").body))
        tap.same("a resource policy in Rego denies",
                 "PolicyDeny: Access denied by policy: the resource policy good failed", detail(client.get("good/t/one")))
        client.close()
        client = Client(server, device=True)
        tap.same("an attestation policy in Rego refuses",
                 "AttestationError: Attestation error: the attestation policy default_gpu failed", detail(client.attest()))
        tap.check("the log names the program", "/nonexistent cannot be executed" in server.lines(), server.lines()[-600:])
        client.close()


def with_engine():
    policies = {"default_cpu": CPU, "default_gpu": REGO + f"trust_claims := {{}} if {LOOP}\n"}
    with Server("policies", RESOURCES, policies) as server:
        server.admin.set_resource_policy("# realmkey-policy: allow-all\npackage policy\n\ndefault allow := true\n")
        good_policies(server)
        init_data(server)
        kept = Client(server)
        kept.attest()
        for repository in CAUSES:
            cut_off(server, repository, kept)
        attestation_fails(server, kept)
        shared_name(server)
        killed(server, kept)
        client_leaves(server, kept)
        kept.close()
        tap.check("no more processes than 2", len(server.engines()) <= 2, server.engines())


def main():
    global work
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(USAGE)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    work = pathlib.Path(sys.argv[1])
    parts = (with_engine, without_engine) if os.access(ENGINE, os.X_OK) else (without_engine,)
    if len(parts) == 1:
        print(f"# there is no {ENGINE} (cargo, tools/crates): only what needs no engine is tested", flush=True)
    for part in parts:
        try:
            part()
        except Exception:    # pylint: disable=broad-exception-caught
            tap.check(part.__name__, False, traceback.format_exc())
    return 0 if tap.done() else 1


if __name__ == "__main__":
    sys.exit(main())
