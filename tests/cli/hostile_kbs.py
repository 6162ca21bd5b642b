# SPDX-License-Identifier: Apache-2.0
"""A KBS that follows the protocol, except where a case says otherwise."""
import json
import os
import socket
import ssl
import struct
import threading
import time

import hostile_jose as jose

EAR_SECONDS = 1800


def reply(status=200, body=b"", headers=(), length=None, close=False):
    """The bytes of an answer. length replaces the true Content-Length; "" leaves it out."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Reason", *headers]
    if length != "":
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(*chunks):
    """The bytes of an answer in these chunks, each of which is sent as it is."""
    return reply(200, length="", headers=["Transfer-Encoding: chunked"]) + b"".join(chunks)


def chunk(data, size=None):
    return b"%x\r\n" % (len(data) if size is None else size) + data + b"\r\n"


class Request:
    """What a client sent, and what this KBS knows of its session."""

    def __init__(self, kbs, head, body):
        self.line = head.split(b"\r\n")[0].decode("latin-1")
        self.head, self.body, self.kbs = head, body, kbs
        path = self.line.split(" ")[1] if " " in self.line else ""
        stage = path.removeprefix("/kbs/v0/").split("/")[0]
        self.stage = stage if stage in ("auth", "attest") else \
            "resource" if self.line.startswith("GET /kbs/v0/resource/") else "admin"
        if self.stage == "attest":
            kbs.jwk = json.loads(body)["runtime-data"]["tee-pubkey"]

    @property
    def jwk(self):
        return self.kbs.jwk


def honest(request):
    now = int(time.time())
    if request.stage == "auth":
        return reply(200, {"nonce": jose.b64u(os.urandom(32)), "extra-params": ""},
                     ["Set-Cookie: kbs-session-id=0123456789abcdef0123456789abcdef"])
    if request.stage == "attest":
        return reply(200, {"token": jose.jwt({"iat": now, "exp": now + EAR_SECONDS})})
    if request.stage == "resource":
        return reply(200, jose.jwe(request.jwk))
    return reply(200, b"")


class Connection:
    """One client. Each answer is bytes, or yields bytes to send and numbers of seconds to wait."""

    def __init__(self, kbs, sock):
        self.kbs, self.sock, self.pending = kbs, sock, b""

    def read_request(self):
        while b"\r\n\r\n" not in self.pending:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.pending += data
        head, body = self.pending.split(b"\r\n\r\n", 1)
        sizes = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
                 if line.lower().startswith(b"content-length:")]
        size = sizes[0] if sizes else 0
        while len(body) < size:
            data = self.sock.recv(65536)
            if not data:
                return None
            body += data
        self.pending = body[size:]
        return Request(self.kbs, head, body[:size])

    def play(self, answer):
        for part in [answer] if isinstance(answer, bytes) else answer:
            if not isinstance(part, bytes):
                time.sleep(part)
            else:
                self.sock.sendall(part)

    def serve(self):
        if self.kbs.answers.get("connect"):
            return self.play(self.kbs.answers["connect"](self.sock))
        if self.kbs.tls:
            time.sleep(self.kbs.delay)
            self.sock = self.kbs.tls.wrap_socket(self.sock, server_side=True)
        while request := self.read_request():
            self.kbs.requests.append(request.line)
            answer = self.kbs.answers.get(request.stage)
            if answer is None:
                self.play(honest(request))
                continue
            self.play(answer(request) if callable(answer) else answer)
            return None  # which closes the connection
        return None


class Kbs:
    """Listens on loopback. answers maps a stage (auth, attest, resource, admin, or connect for the bytes before a
    request) to bytes or to a function; such a connection is closed afterwards. A TLS handshake
    begins after delay seconds."""

    def __init__(self, answers, tls=None, delay=0):
        self.answers, self.tls, self.delay = answers, tls, delay
        self.requests, self.open, self.jwk = [], [], None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(sock)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        connection = Connection(self, sock)
        try:
            connection.serve()
        except (OSError, ssl.SSLError, ValueError, KeyError):
            pass  # the client has left, or its request is of no use
        for each in {connection.sock, sock}:
            try:
                each.close()
            except OSError:
                pass

    def stop(self):
        self.listener.close()
        for sock in self.open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def reset(sock):
    """Closes a connection with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return b""
