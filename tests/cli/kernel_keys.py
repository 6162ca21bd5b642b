# SPDX-License-Identifier: Apache-2.0
"""Keys of the kernel, by its system calls, and the keeper's end of realmkey-keys."""
import ctypes
import hashlib
import os
import socket
import struct
import time

LIBC = ctypes.CDLL(None, use_errno=True)
ADD_KEY, KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
PROCESS, SESSION, USER = -2, -3, -4
JOIN, UPDATE, REVOKE, SETPERM, DESCRIBE, CLEAR, LINK, UNLINK, SEARCH, READ = 1, 2, 3, 5, 6, 7, 8, 9, 10, 11
SET_TIMEOUT, INVALIDATE = 15, 21
HELLO, SET, CONFIRM, REMOVE, CHANGED, DONE, FAILED = range(1, 8)


def call(number, *arguments):
    words = [value if isinstance(value, (bytes, ctypes.Array)) or value is None else ctypes.c_long(value)
             for value in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *words)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def keyctl(operation, *arguments):
    return call(KEYCTL, operation, *arguments, *[0] * (4 - len(arguments)))


def add(kind, name, value, keyring):
    return call(ADD_KEY, kind.encode(), name.encode(), value, len(value), keyring)


def search(keyring, kind, name):
    return keyctl(SEARCH, keyring, kind.encode(), name.encode(), 0)


def read(key):
    buffer = ctypes.create_string_buffer(1 << 16)
    length = keyctl(READ, key, buffer, len(buffer))
    return buffer.raw[:length]


def describe(key):
    buffer = ctypes.create_string_buffer(4096)
    keyctl(DESCRIBE, key, buffer, len(buffer))
    return buffer.value.decode()


def members(keyring):
    data = read(keyring)
    return struct.unpack(f"{len(data) // 4}i", data)


def session_of_user():
    """As systemd does for a unit with User= and KeyringMode=shared."""
    keyctl(JOIN, None)
    keyctl(LINK, USER, SESSION)


def as_user(uid, function):
    """What the function returns or raises in a process of the user, as text."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            session_of_user()
            said = repr(function())
        except OSError as error:
            said = error.strerror
        except BaseException as error:      # anything else is a fault of the test
            said = f"!{error!r}"
        os.write(into, said.encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


def digest(config):
    """settings.text_digest of a configuration of one file."""
    with open(config, "rb") as file:
        text = file.read()
    return hashlib.sha256(struct.pack("<Q", len(text)) + text).digest()


class Keeper:
    """A connection to realmkey-keys."""

    def __init__(self, path, config, seconds=20):
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + seconds
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        pid, _, _ = struct.unpack("3i", self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        self.listener = pid
        kind, _, body = self.call(HELLO, 0, digest(config))
        self.hello = list(body) if kind == DONE else body.decode()

    def receive(self, length):
        data = self.socket.recv(length, socket.MSG_WAITALL) if length else b""
        if len(data) != length:
            raise ConnectionError("realmkey-keys closed the connection")
        return data

    def call(self, kind, number, body=b""):
        self.socket.sendall(struct.pack("<III", kind, number, len(body)) + body)
        kind, number, length = struct.unpack("<III", self.receive(12))
        return kind, number, self.receive(length)

    def ask(self, kind, number, body=b""):
        """The text of the failure, or "" if it is done."""
        answer, _, text = self.call(kind, number, body)
        return "" if answer == DONE else text.decode()

    def close(self):
        """As a keeper that ends. Returns when the other process has ended, too."""
        self.socket.shutdown(socket.SHUT_WR)
        self.socket.recv(1)
        self.socket.close()
