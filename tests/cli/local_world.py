# SPDX-License-Identifier: Apache-2.0
"""What the tests of realmkey-local share: a keyring and a status as realmkeyd makes them, units as cgroups, the daemon, and
clients like systemd and like programs. They run as root."""
import base64
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

BIN = "build/native/userspace"    # with sanitizers
CREDENTIAL_MAX = 1 << 20          # bytes that a credential may have (systemd: CREDENTIALS_TOTAL_SIZE_MAX)
SERVED_USER = 61185               # sinks/served.h
INTERFACE = "io.realmkey.Secrets"


def within(seconds, condition):
    """Wait until condition() is true; False if it is not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# --- units ----------------------------------------------------------------------------------------


def cgroup_root():
    """Where the unified hierarchy is mounted."""
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            if line.split()[2] == "cgroup2":
                return line.split()[1]
    return None


class Units:
    """A slice with cgroups for the units of a test."""

    def __init__(self):
        root = cgroup_root()
        if not root:
            raise RuntimeError("no unified hierarchy of cgroups is mounted")
        self.top = os.path.join(root, f"realmkeylocal{os.getpid()}.slice")
        os.mkdir(self.top)

    def join(self, unit):
        """Move this process there."""
        path = os.path.join(self.top, unit)
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "cgroup.procs"), "w") as procs:
            procs.write("0")

    def remove(self):
        for folder, _, _ in os.walk(self.top, topdown=False):
            within(2, lambda: not open(os.path.join(folder, "cgroup.procs")).read())
            os.rmdir(folder)


# --- the keyring, and the daemon -------------------------------------------------------------------


class World:
    def __init__(self, folder, config):
        self.folder = os.path.abspath(folder)
        self.keyring = os.path.join(self.folder, "keyring")
        self.credentials = os.path.join(self.folder, "c.sock")
        self.api = os.path.join(self.folder, "a.sock")
        self.config = os.path.join(self.folder, "etc", "realmkeyd.conf")
        self.log = os.path.join(self.folder, "log")
        self.process = None
        os.makedirs(self.keyring)
        os.mkdir(os.path.dirname(self.config))
        os.chmod(self.folder, 0o755)
        os.chmod(self.keyring, 0o751)
        self.units = Units()
        self.configure(config)

    def configure(self, text, publish=True):
        with open(self.config, "w") as file:
            file.write("[kbs]\nurl = https://kbs.example\n" + text)
        os.chmod(self.config, 0o600)
        if publish:
            self.publish()

    def publish(self, errors=None, digest=None):
        """Write the status as realmkeyd does, with the present configuration; errors: of secrets that are not there."""
        if not digest:
            with open(self.config, "rb") as file:
                text = file.read()
            digest = hashlib.sha256(struct.pack("=Q", len(text)) + text).hexdigest()
        secrets = [{"name": name, "resource": "a/b/c", "required": True, "success": 0, "changed": 0, "next": 0,
                    "version": 0, "attempts": 1, "failures": 1, "failed": 1, "failed-at": 1, "error": error,
                    "state": "missing", "kind": "policy"} for name, error in (errors or {}).items()]
        status = {"version": 1, "now": 1, "started": 1, "ready": False, "url": "", "configuration": digest,
                  "ear-until": 0, "passes": 1, "failures": {}, "secrets": secrets}
        self.put(".status", json.dumps(status).encode(), 0o644, 0)

    def put(self, name, data, mode=0o400, owner=SERVED_USER):
        """Replace a file of the keyring, in one step."""
        new = os.path.join(self.keyring, ".new")
        with open(new, "wb") as file:
            file.write(data)
        os.chown(new, owner, owner)
        os.chmod(new, mode)
        os.rename(new, os.path.join(self.keyring, name))

    def serve(self, name, value):
        """Deliver a secret, and touch the status, as realmkeyd does."""
        self.put(".serve." + name, value)
        os.utime(os.path.join(self.keyring, ".status"))

    def remove(self, name):
        os.unlink(os.path.join(self.keyring, ".serve." + name))

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BIN + "/local/realmkey-local", "--credentials", self.credentials, "--api", self.api, "--keyring",
                 self.keyring, "--config", self.config], stderr=log, stdout=log,
                env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        return within(10, lambda: self.listens() or self.process.poll() is not None) and self.process.poll() is None

    def listens(self):
        """True once it answers."""
        try:
            return "reply" in Program(self).call("org.varlink.service.GetInfo")
        except OSError:
            return False

    def reader(self):
        """The PID of the reader."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            return int(children.read().split()[0])

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(15)

    def logged(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.units.remove()


# --- clients --------------------------------------------------------------------------------------


class Client:
    """A process in a unit, of a user, that runs a function and sends back what it returns."""

    def __init__(self, world, unit, run, uid=0, groups=()):
        self.pipe, child = os.pipe()
        self.ended = False
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self.pipe)
                if unit:
                    world.units.join(unit)
                os.setgroups(groups)
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                try:
                    result = run()
                except OSError as error:
                    result = type(error).__name__
                with os.fdopen(child, "w") as out:
                    json.dump(result, out)
                status = 0
            finally:
                os._exit(status)
        os.close(child)

    def waits(self):
        """True if there is no result yet."""
        self.ended = self.ended or os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return not self.ended

    def result(self):
        with os.fdopen(self.pipe) as pipe:
            text = pipe.read()
        if not self.ended:
            os.waitpid(self.pid, 0)
        return json.loads(text) if text else None


def credential_whole(path, name, timeout=30):
    """As systemd reads a credential or a key, to the end; as text of one character for each byte."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        if name is not None:
            client.bind(b"\0" + name.encode())
        client.connect(path)
        client.shutdown(socket.SHUT_WR)
        parts = []
        while data := client.recv(65536):
            parts.append(data)
        return b"".join(parts).decode("latin-1")


def credential_read(path, name, timeout=30):
    """The length, and the first bytes."""
    value = credential_whole(path, name, timeout)
    return [len(value), value[:200]]


def credential(world, unit, name, **options):
    """name: after the NUL; a leading "1/" becomes a random number, as systemd's."""
    if name and name.startswith("1/"):
        name = os.urandom(8).hex() + name[1:]
    return Client(world, unit, lambda: credential_read(world.credentials, name), **options)


class Program:
    """A connection to the API."""

    def __init__(self, world, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(world.api)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        """The next reply; None at the end of the connection."""
        while b"\0" not in self.buffer:
            data = self.socket.recv(1 << 20)
            if not data:
                return None
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        """{"reply": parameters}, {"error": name, "parameters": ...}, or {"end": true}."""
        self.send(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
        reply = self.reply()
        if reply is None:
            return {"end": True}
        return reply if "error" in reply else {"reply": reply["parameters"]}

    def get(self, name, **parameters):
        """The value of a secret as text, or the last word of the error and its reason."""
        reply = self.call(INTERFACE + ".Get", name=name, **parameters)
        if "reply" in reply:
            return base64.b64decode(reply["reply"]["value"], validate=True).decode("latin-1")
        return reply["error"].rsplit(".", 1)[1] + ": " + reply["parameters"].get("reason", "") if "error" in reply else "end"


def get(world, unit, name, uid=0, groups=(), **parameters):
    return Client(world, unit, lambda: Program(world).get(name, **parameters), uid=uid, groups=groups)
