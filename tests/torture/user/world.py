# SPDX-License-Identifier: Apache-2.0
"""What the scenarios need: keys, anchors, tokens, EARs, and a KBS on loopback."""
import base64
import http.client
import json
import os
import re
import shutil
import struct
import subprocess
import time

VECTORS = "tests/vectors/cca-generated"
EARS = "tests/vectors/generated-ear"
NATIVE, RELEASE = "build/native", "build/release"
HERE = f"{NATIVE}/tests/cli/realmkey_here"
REFERENCE = "cca.realm.cca-realm-initial-measurement"
HTTP_SECONDS = 30
FAULT_SECONDS = 5       # for a request with a fault, which may never be answered

ENV = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C.UTF-8",
    "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1:exitcode=99:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "REALMKEY_COURIER": f"{RELEASE}/userspace/courier/realmkey-courier",
}


def write(path, data):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def run(*argv, **options):
    return subprocess.run(argv, capture_output=True, check=True, **options).stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(pem):
    """The public half of a P-384 key."""
    point = run("openssl", "ec", "-in", pem, "-pubout", "-outform", "DER")[-96:]
    return {"kty": "EC", "crv": "P-384", "x": base64url(point[:48]), "y": base64url(point[48:])}


class Trustee:
    """A trusteed on loopback, without TLS unless a certificate is given."""

    def __init__(self, directory, build=RELEASE, env=None, options=()):
        self.log = open(f"{directory}.log", "wb")
        self.state = directory
        self.process = subprocess.Popen(
            [f"{build}/userspace/trusteed/trusteed", "--state", directory, "--listen", "127.0.0.1:0", "--dev", *options],
            env=dict(ENV, **(env or {})), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.port = self.wait()
        self.token = read(f"{directory}/admin-token").decode()

    def wait(self):
        for _ in range(600):
            found = re.search(rb"listening on https?://127.0.0.1:(\d+)", read(self.log.name))
            if found:
                return int(found[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"trusteed did not start: {read(self.log.name).decode()}")

    def request(self, method, path, body=None, headers=None, admin=False, fault=False):
        """(status, body, cookie); the status is None if there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=FAULT_SECONDS if fault else HTTP_SECONDS)
        headers = dict(headers or {}, Connection="close")
        if admin:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
            return answer.status, answer.read(), cookie
        except (http.client.HTTPException, OSError):
            return None, b"", ""
        finally:
            connection.close()

    def set_policy(self, text):
        body = json.dumps({"policy": base64url(text.encode())})
        return self.request("POST", "/kbs/v0/resource-policy", body, {"Content-Type": "application/json"}, True)[0]

    def put(self, path, data):
        return self.request("POST", f"/kbs/v0/resource/{path}", data, admin=True)[0]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        """The exit status and the log."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = None
        self.log.close()
        return status, read(f"{self.state}.log").decode(errors="replace")


class World:
    """One directory with everything that does not change during the sweep."""

    def __init__(self, directory):
        directory = os.path.abspath(directory)
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(f"{directory}/realm")
        self.directory = directory
        self.keys()
        self.anchors()
        self.kernel()

    def path(self, name):
        return f"{self.directory}/{name}"

    def keys(self):
        curves = {"realm/cpak": "P-384", "realm/rak": "P-384", "tee": "P-256"}
        for name, curve in curves.items():
            run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out",
                self.path(f"{name}.pem"))
        run("tests/realm/tls", self.path("tls"))
        self.env = dict(ENV, REALM_HERE=self.path("realm"))

    def anchors(self):
        """The anchors of the vectors in each form, and those of this realm."""
        store = json.loads(read(f"{VECTORS}/ta-p384.json"))
        key, ids = store[0]["pkey"], {name: store[0][name] for name in ("implementation-id", "instance-id")}
        other = json.loads(read(f"{VECTORS}/ta-wrong.json"))[0]["pkey"]
        files = {
            "key.jwk": key,
            "store.json": store,
            "by-name.json": [dict(ids, pkey=key, revoked=True), {"pkey": other}],
            "by-key.json": [dict(ids, pkey=other), {"pkey": key, "revoked": True}, dict(ids, pkey=key)],
            "wrong.json": [{"pkey": other}],
            "directory/a.jwk": other,
            "directory/b.json": store,
            "one-of-two/a.json": [dict(ids, pkey=key)],
            "one-of-two/b.json": [{"pkey": key, "revoked": True}],
            "here/anchors/cpak.jwk": jwk(self.path("realm/cpak.pem")),
        }
        for name, value in files.items():
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            write(self.path(name), json.dumps(value))

    def kernel(self):
        """An arm64 Image, as far as its header goes, and a device tree of a realm on the bench."""
        header = struct.pack("<8xQQ32x4s4x", 0, 10000, b"ARMd")
        write(self.path("Image"), header.ljust(10000, b"k"))
        source = """/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;
            memory@0 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };
            cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; reg = <0>; }; };
            chosen { bootargs = "quiet"; }; };"""
        write(self.path("bench.dtb"), run("dtc", "-q", "-I", "dts", "-O", "dtb", "-", input=source.encode()))

    def admin_token(self):
        return self.path(f"admin-token-{os.getpid()}")

    def trustee(self, name, policies=None, **options):
        """A trusteed with fresh state that trusts this realm, endorses it, and has the secret a/b/c. @policies: those in
        Rego, {"attestation/ID": text}."""
        state = self.path(name)
        shutil.rmtree(state, ignore_errors=True)
        os.makedirs(state, mode=0o700)
        shutil.copytree(self.path("here/anchors"), f"{state}/anchors")
        for id, text in (policies or {}).items():
            os.makedirs(os.path.dirname(f"{state}/policies/{id}"), mode=0o700, exist_ok=True)
            write(f"{state}/policies/{id}.rego", text)
        trustee = Trustee(state, **options)
        self.endorse(trustee)
        if trustee.put("a/b/c", b"sesame") != 200:
            raise RuntimeError("trusteed does not store a secret")
        return trustee

    def rim(self):
        return run(HERE, "rim", env=self.env).decode().strip()

    def endorse(self, trustee):
        write(self.admin_token(), trustee.token)
        run(f"{RELEASE}/userspace/cli/realmkey", "admin", "set-reference-value", REFERENCE, self.rim(), "--admin-token-file",
            self.admin_token(), "--url", f"http://127.0.0.1:{trustee.port}", "--insecure", env=self.env)
