# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the clients of Trustee: each sends, byte for byte, what the real one sends (compared with kbs-client 0.21,
with trustee-attester of 0.11 and 0.12, with the clients of the Confidential Data Hub and the Attestation Agent, and with the
sources of the others), does what that does with the answers, and opens resources with code that is not ours.

The real ones are: kbs-client of Trustee 0.21 and of December 2025, trustee-attester, the Attestation Agent with the
Confidential Data Hub, and the clients of guest-components 0.12 and 0.11, which speak versions 0.2.0 and 0.1.1."""
import base64
import hashlib
import json
import socket

RCAR_AGENT = "attestation-agent-kbs-client/0.1.0"
ADMIN_AGENT = "kbs-client/0.1.0"
ERRORS = "https://github.com/confidential-containers/kbs/errors/"
GET_ATTEMPTS = 3
# What kbs-client falls back to if its token is refused: a token that no server signed.
TEST_TOKEN = ("eyJhbGciOiJFUzI1NiIsImtpZCI6InNpbXBsZSIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE2OTA3ODk2MTgsImV4cCI6MjAwNjE0OTYxOH0."
              + "A" * 86)
HASHES = {
    "0.4.0": '["sha256","sha384","sha512","sm3"]',
    "0.2.0": '["sha256","sha384","sha512"]',
    "0.1.1": '["sha256","sha384","sha512"]',
}


class Failed(Exception):
    """What the real client reports before it ends with status 1."""


def compact(value):
    """JSON as serde_json writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def canonical(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


def sample(digest, svn):
    """The evidence of a sample TEE or device, which anyone can make."""
    return {"report_data": base64.b64encode(digest).decode(), "svn": svn}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def error(self):
        """The error of a KBS, which a client parses whatever the Content-Type. A ValueError if it is something else."""
        value = json.loads(self.body)
        if set(value) != {"type", "detail"} or not value["type"].startswith(ERRORS):
            raise ValueError(f"not the error of a KBS: {self.body!r}")
        return value["type"][len(ERRORS):], value["detail"]


class Wire:
    """One connection, and what was sent on it."""

    def __init__(self, port, agent):
        self.host, self.agent = f"127.0.0.1:{port}", agent
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.reader = self.socket.makefile("rb")
        self.cookie = None
        self.log = []

    def close(self):
        self.reader.close()
        self.socket.close()

    def ask(self, method, path, body=None, content_type=None, bearer=None):
        """Send a request as reqwest does: the headers in its order and case, Host near the end, the length last."""
        head = f"{method} /kbs/v0/{path} HTTP/1.1\r\n"
        if content_type:
            head += f"content-type: {content_type}\r\n"
        if bearer is not None:
            head += f"authorization: Bearer {bearer}\r\n"
        head += f"accept: */*\r\nuser-agent: {self.agent}\r\n"
        if self.cookie:
            head += f"cookie: kbs-session-id={self.cookie}\r\n"
        head += f"host: {self.host}\r\n"
        if body is not None:
            head += f"content-length: {len(body)}\r\n"
        self.socket.sendall(head.encode() + b"\r\n" + (body or b""))
        answer = self._answer()
        self.log.append((method, path, answer.status))
        return answer

    def _answer(self):
        status = int(self.reader.readline().split()[1])
        headers = {}
        for line in iter(self.reader.readline, b"\r\n"):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = self.reader.read(int(headers.get("content-length", "0")))
        cookie = headers.get("set-cookie", "")
        if cookie.startswith("kbs-session-id="):
            self.cookie = cookie.partition("=")[2].partition(";")[0]
        return Answer(status, headers, body)

    def requests(self):
        """The requests since the last call, such as "GET resource 401"."""
        log, self.log = self.log, []
        return [f"{method} {path.partition('/')[0]} {status}" for method, path, status in log]


class Rcar(Wire):
    """The client that attests: of kbs-client, trustee-attester and the Attestation Agent, and of old releases by version.
    evidence(challenge) returns a CCA token over 64 bytes; it is None for a client outside of a realm, which sends sample
    evidence. With device, the client has a sample device too."""

    def __init__(self, port, key, evidence, version="0.4.0", init_data=None, device=False):
        super().__init__(port, RCAR_AGENT)
        self.key, self.evidence, self.version = key, evidence, version
        self.init_data, self.device, self.token = init_data, device, None
        self.tee = "cca" if evidence else "sample"

    def _primary(self, digest):
        return {"token": list(self.evidence(digest + bytes(16)))} if self.evidence else sample(digest, "1")

    def _refused(self, answer, what):
        if answer.status == 401:
            raise Failed(f"{what} unauthorized: {': '.join(answer.error())}")
        raise Failed(f"KBS Server Internal Failed: {answer.body!r}")

    def _attest_body(self, nonce):
        data = {"nonce": nonce, "tee-pubkey": self.key.jwk}
        device = canonical(data)
        additional = ""
        if self.version == "0.4.0":
            if self.device:
                additional = compact({"sampledevice": sample(hashlib.sha384(device).digest(), "2")})
            data["additional-evidence"] = additional
        primary = self._primary(hashlib.sha384(canonical(data)).digest())
        if self.version != "0.4.0":
            return {"tee-pubkey": self.key.jwk, "tee-evidence": primary}
        init_data = {"format": "toml", "body": self.init_data} if self.init_data else None
        return {"init-data": init_data, "runtime-data": {"nonce": nonce, "tee-pubkey": self.key.jwk},
                "tee-evidence": {"primary_evidence": primary, "additional_evidence": additional}}

    def handshake(self):
        body = f'{{"version":"{self.version}","tee":"{self.tee}","extra-params":{{"supported-hash-algorithms":{HASHES[self.version]}}}}}'
        answer = self.ask("POST", "auth", body.encode(), "application/json")
        if answer.status != 200:
            self._refused(answer, "KBS request")
        challenge = json.loads(answer.body)
        if set(challenge) != {"nonce", "extra-params"} or len(base64.b64decode(challenge["nonce"], validate=True)) != 32:
            raise Failed(f"challenge: {challenge}")
        attest = compact(self._attest_body(challenge["nonce"])).encode()
        answer = self.ask("POST", "attest", attest, "application/json")
        if answer.status != 200:
            self._refused(answer, "KBS attest")
        self.token = json.loads(answer.body)["token"]

    def get_token(self, attempts=5):
        """Up to 5 handshakes, whatever the error is. The real client waits for a second between two."""
        for attempt in range(attempts):
            try:
                self.handshake()
                return self.token
            except Failed:
                if attempt + 1 == attempts:
                    raise
        return None

    def _opened(self, answer):
        return self.key.open_old(answer.body) if self.version == "0.1.1" else self.key.open(answer.body)

    def get_resource(self, path):
        """GET first; each 401 leads to one handshake."""
        for _ in range(GET_ATTEMPTS):
            answer = self.ask("GET", f"resource/{path}")
            if answer.status == 200:
                return self._opened(answer)
            if answer.status == 404:
                raise Failed(f"KBS resource Not Found (Error 404): {': '.join(answer.error())}")
            if answer.status != 401:
                raise Failed(f"KBS Server Internal Failed: {': '.join(answer.error())}")
            answer.error()
            self.handshake()
        raise Failed("request unauthorized")


class Bearer(Wire):
    """The client with a token: kbs-client --attestation-token, and the Confidential Data Hub. provider() returns the next token
    and its key, when the one before was refused."""

    def __init__(self, port, provider, token=None, key=None, old=False):
        super().__init__(port, RCAR_AGENT)
        self.provider, self.token, self.key, self.old = provider, token, key, old

    def get_resource(self, path):
        for _ in range(GET_ATTEMPTS):
            if self.token is None:
                self.token, self.key = self.provider()
            answer = self.ask("GET", f"resource/{path}", bearer=self.token)
            if answer.status == 200:
                return self.key.open_old(answer.body) if self.old else self.key.open(answer.body)
            if answer.status == 404:
                raise Failed(f"KBS resource Not Found (Error 404): {': '.join(answer.error())}")
            if answer.status != 401:
                raise Failed(f"KBS Server Internal Failed: {': '.join(answer.error())}")
            answer.error()
            self.token, self.key = self.provider()
        raise Failed("request unauthorized")


class Admin(Wire):
    """kbs-client config, of Trustee 0.21 and, with december, of December 2025. token may be None: then it is anonymous."""

    def __init__(self, port, token, december=False):
        super().__init__(port, ADMIN_AGENT)
        self.token, self.december = token, december

    def _done(self, answer):
        if answer.status != 200:
            raise Failed(f"Request Failed, Response: {answer.body.decode()}")
        return answer.body.decode()

    def _json(self, path, value):
        return self._done(self.ask("POST", path, compact(value).encode(), "application/json", self.token))

    def set_resource(self, path, data):
        return self._done(self.ask("POST", f"resource/{path}", data, "application/octet-stream", self.token))

    def delete_resource(self, path):
        return self._done(self.ask("DELETE", f"resource/{path}", bearer=self.token))

    def set_resource_policy(self, text):
        return self._json("resource-policy", {"policy": base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()})

    def set_attestation_policy(self, text, kind="rego", policy_id=None):
        return self._json("attestation-policy", {
            "type": kind, "policy_id": policy_id or ("default" if self.december else "default_cpu"),
            "policy": base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()})

    def set_sample_reference_value(self, name, value, single=False):
        """value is a string, an int (--as-integer) or a bool (--as-bool)."""
        payload = compact({name: value if single else [value]})
        return self._json("reference-value", {"payload": base64.b64encode(payload.encode()).decode(), "type": "sample",
                                              "version": "0.1.0"})

    def get_reference_value(self, name):
        return self._done(self.ask("GET", f"reference-value/{name}", content_type="application/json", bearer=self.token))

    def get_reference_values(self):
        """Of December 2025: it names no value."""
        return self._done(self.ask("GET", "reference-value", content_type="application/json", bearer=self.token))
