# SPDX-License-Identifier: Apache-2.0
"""realmkey-keys and realmkey-hooks, with the sweep as the keeper that is connected to them, as systemd would."""
import ast
import ctypes
import hashlib
import os
import socket
import struct
import subprocess
import threading
import time

import judge
from fault import MEMORY, SYSTEM
from scenarios import DAEMON, Daemon, Scenario
from world import NATIVE, read, write

HELLO, SET, CONFIRM, REMOVE, CHANGED, DONE, FAILED = range(1, 8)
HEADER = struct.Struct("<III")      # type, number, bytes of the body
SECONDS = 30
# The kinds of errors that the answer FAILED may have: the system, or the delivery.
SYSTEM_KIND, DELIVERY_KIND = 1, 10


def digest(text):
    """settings.text_digest of a configuration that is one file."""
    return hashlib.sha256(struct.pack("<Q", len(text)) + text.encode()).digest()


class Peer:
    """A keeper. It accepts one connection, although a keeper would make it; that makes no difference after that."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen(4)
        self.listener.settimeout(SECONDS)

    def talk(self, messages, answered):
        """Send each message (type, number, body) after the answer to the one before. Calls answered() with the message and
        its answer (type, number, body), or None if the connection ended."""
        try:
            peer = self.listener.accept()[0]
        except OSError:
            return
        with peer:
            peer.settimeout(SECONDS)
            for kind, number, body in messages:
                answer = None
                try:
                    peer.sendall(HEADER.pack(kind, number, len(body)) + body)
                    answer = self.receive(peer)
                except OSError:
                    pass
                answered((kind, number, body), answer)
                if answer is None:
                    return

    @staticmethod
    def receive(peer):
        data, need = b"", HEADER.size
        while len(data) < need:
            more = peer.recv(need - len(data))
            if not more:
                return None
            data += more
            if len(data) == HEADER.size:
                need = HEADER.size + HEADER.unpack(data)[2]
        kind, number, _ = HEADER.unpack(data[:HEADER.size])
        return kind, number, data[HEADER.size:]

    def close(self):
        self.listener.close()


class Keyctl:
    """The keys of the kernel that a process of this user may see."""

    NUMBERS = {"x86_64": 250, "aarch64": 219}
    UNLINK, SEARCH, READ = 9, 10, 11
    OF_USER = ctypes.c_int(-4)

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.syscall.restype = ctypes.c_long
        self.number = self.NUMBERS[os.uname().machine]

    def search(self, kind, description):
        return self.libc.syscall(self.number, self.SEARCH, self.OF_USER, kind, description, 0)

    def read(self, serial):
        """The payload, or None if it cannot be read, as after it was revoked."""
        buffer = ctypes.create_string_buffer(1 << 16)
        size = self.libc.syscall(self.number, self.READ, ctypes.c_int(serial), buffer, ctypes.c_long(len(buffer)), 0)
        return buffer.raw[:size] if size >= 0 else None

    def find(self, kind, description):
        """The payload of the key that the user's keyring leads to, or None."""
        serial = self.search(kind, description)
        return self.read(serial) if serial > 0 else None

    def forget(self):
        """Unlink the keyring of Realmkey from that of the user."""
        serial = self.search(b"keyring", b"realmkey")
        if serial > 0:
            self.libc.syscall(self.number, self.UNLINK, ctypes.c_int(serial), self.OF_USER, 0, 0)

    @staticmethod
    def live(kind, description):
        """The keys that were not revoked, by their number."""
        found = []
        with open("/proc/keys", encoding="ascii", errors="replace") as file:
            for line in file:
                words = line.split(None, 8)
                name = words[8].rsplit(":", 1)[0].strip() if len(words) == 9 else ""
                if len(words) == 9 and words[7] == kind and name == description and not set("RDN") & set(words[1]):
                    found.append(int(words[0], 16))
        return found


class Service:
    """A process of the user to whom a key belongs."""

    def __init__(self, user, kind, description):
        asked, self.ask = os.pipe()
        self.answer, said = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(self.ask)
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            keyctl = Keyctl()
            while os.read(asked, 1):
                os.write(said, repr(keyctl.find(kind, description)).encode().ljust(4000))
            keyctl.forget()
            os._exit(0)
        os.close(asked)
        os.close(said)

    def key(self):
        """What the service finds in its keyring, or None."""
        os.write(self.ask, b"?")
        return ast.literal_eval(os.read(self.answer, 4000).decode().strip())

    def end(self):
        os.close(self.ask)
        os.close(self.answer)
        os.waitpid(self.child, 0)


class Connected(Scenario):
    """A program that a keeper is connected to."""

    warm = "crypto"
    program = None
    configuration = ""

    def __init__(self, name):
        super().__init__(name, 0, f"{NATIVE}/userspace/{self.program}/realmkey-{self.program}", "--config", "{d}/conf")

    def set_up(self):
        write(f"{self.directory}/conf", self.text())
        self.keeper = Peer(f"{self.directory}/socket")
        self.env = {"FAULT_CONNECT": f"{self.directory}/socket",
                    # It needs system calls that these programs have given up.
                    "ASAN_OPTIONS": self.world.env["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0")}

    def text(self):
        return "[kbs]\nurl = http://127.0.0.1:1\ninsecure = yes\n" + self.configuration

    def messages(self):
        """What the keeper sends after HELLO."""
        raise NotImplementedError

    def answered(self, message, answer):
        """After each answer, or None."""

    def once(self):
        """The output is what was answered."""
        self.answers, self.wrong = [], []
        hello = [(HELLO, 0, digest(self.text()))]
        keeper = threading.Thread(target=self.keeper.talk, args=(hello + self.messages(), self.hear))
        keeper.start()
        status, output, errors = self.server.run()
        keeper.join()
        return (status, output + repr(self.answers).encode()), errors

    def hear(self, message, answer):
        self.answers.append(answer and (answer[0], answer[1]))
        self.last = answer
        if answer and answer[0] == FAILED and answer[1] not in (SYSTEM_KIND, DELIVERY_KIND):
            self.wrong.append(f"message {message[0]} is answered by an error of kind {answer[1]}: {answer[2].decode()}")
        self.answered(message, answer)

    def point(self, classes, at, persistent, trace=False):
        self.before()
        self.control.arm(classes, at, persistent, trace)
        got, self.errors = self.once()
        self.control.disarm()
        _, failed, call = self.control.result()
        finding = judge.ended(classes, got[0], b"", self.errors) or self.after(got[0], call)
        if finding is None and self.wrong:
            finding = self.wrong[0]
        if finding is None and got != self.want:
            finding = self.differs(classes, got[0])
        return finding, failed > 0, call

    def differs(self, classes, status):
        """An error is said to the keeper, by the exit status, or both."""
        allowed = {0, 1} if classes == MEMORY else judge.SYSTEM_STATUS | {0}
        if status not in allowed:
            return f"status {status}: {self.errors.strip()[-200:]}"
        if status == 0 and None in self.answers:
            return "status 0, and a message without an answer"
        if not self.errors.strip() and not any(answer and answer[0] == FAILED for answer in self.answers) and status:
            return f"status {status} without a reason"
        return None

    def tear_down(self):
        self.keeper.close()


class Keys(Connected):
    """A key is made, replaced, confirmed and removed, and made again. Before that there is the key of the run before. The
    keys have a user of their own, because another test on this machine may make keys too."""

    program = "keys"
    values = (b"the first", b"the second one")

    def set_up(self):
        user = 20000 + os.getpid() % 20000
        self.description = f"sweep-{os.getpid()}"
        self.configuration = "".join(
            f"[secret {name}]\nresource = a/b/{name}\nowner = {user}\nkey = {key}:{self.description}\n"
            for name, key in (("a", "user"), ("b", "logon:sweep")))
        super().set_up()
        self.service = Service(user, b"user", self.description.encode())
        self.keyctl = Keyctl()
        self.key = None     # what the service finds

    def messages(self):
        first, second = self.values
        return [(SET, 0, first), (SET, 1, first), (SET, 0, second), (SET, 1, second), (CONFIRM, 0, b""), (REMOVE, 0, b""),
                (SET, 0, first)]

    def answered(self, message, answer):
        kind, number, body = message
        if number == 1 or kind not in (SET, REMOVE):
            return
        want, done, now = body if kind == SET else None, bool(answer) and answer[0] == DONE, self.service.key()
        if now not in ([want] if done else [want, self.key]):
            self.wrong.append(f"after message {kind}, answered by {answer}, the key has {now}, and had {self.key}")
        self.key = now

    def after(self, status, failed_call):
        """A key that was replaced is gone at the latest when the next process has started."""
        self.key = self.service.key()
        if self.key not in (None, *self.values):
            return f"the key has {self.key}"
        left = self.left()
        if left and failed_call >= 0:
            self.control.disarm()
            self.once()
            self.key, left = self.service.key(), self.left()
        return left

    def left(self):
        for _ in range(100):
            now = [self.keyctl.read(serial) for serial in self.keyctl.live("user", self.description)]
            if now == ([self.key] if self.key else []):
                return None
            time.sleep(0.02)
        return f"keys with {now} are left, and the service finds {self.key}"

    def tear_down(self):
        super().tear_down()
        self.service.end()


class Hooks(Connected):
    """A change, after which a unit is reloaded and another one is signalled, by what stands in for systemd. With faults that
    last, a run would last as long as the tries to reach systemd, which is half a minute."""

    program = "hooks"
    passes = ((MEMORY, False), (SYSTEM, False))
    configuration = "[secret a]\nresource = a/b/a\nfile = a\nreload = sweep.service\nsignal = other.service HUP\n"
    wanted = {b"ReloadUnit sweep.service replace", b"KillUnit other.service main 1"}

    def __init__(self, name):
        super().__init__(name)
        self.argv += ("--systemd", "{d}/systemd")

    def set_up(self):
        super().set_up()
        units, self.calls = f"{self.directory}/units", f"{self.directory}/calls"
        os.makedirs(units, exist_ok=True)
        for unit in ("sweep", "other"):
            write(f"{units}/{unit}.service", "active")
        self.systemd = subprocess.Popen([f"{NATIVE}/tests/cli/fake_systemd", f"{self.directory}/systemd", units, self.calls],
                                        env=self.env)

    def messages(self):
        return [(CHANGED, 0, b""), (CHANGED, 0, b"")]

    def before(self):
        write(self.calls, b"")

    def after(self, status, failed_call):
        """What the keeper was promised is done, at least once, or the log says that it is not."""
        called = set(read(self.calls).splitlines())
        promised = (DONE, 0) in self.answers[1:]
        if called - self.wanted:
            return f"systemd was asked for {called}"
        if promised and status == 0 and called != self.wanted and "cannot " not in self.errors:
            return f"systemd was asked for {called} only, and no error is in the log"
        return None

    def tear_down(self):
        super().tear_down()
        self.systemd.terminate()
        self.systemd.wait()


class StandIn(threading.Thread):
    """realmkey-keys or realmkey-hooks, as far as a keeper sees it: it does what each message says."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.values, self.changed = {}, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        self.start()

    def run(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            with peer:
                try:
                    while self.serve(peer):
                        pass
                except OSError:
                    pass

    def serve(self, peer):
        message = Peer.receive(peer)
        if not message:
            return False
        kind, number, body = message
        answer = bytes([bool(self.values.get(0))]) if kind == HELLO else b""
        if kind == SET:
            self.values[number] = body
        elif kind == REMOVE:
            self.values.pop(number, None)
        elif kind == CHANGED:
            self.changed += 1
        peer.sendall(HEADER.pack(DONE, number, len(answer)) + answer)
        return True

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Everywhere(Daemon):
    """A secret in a file, in a template, for local programs, as a key and with a hook. Each is the old one or the new one."""

    def __init__(self, name):
        super().__init__(name, 0, *DAEMON, "--keys", "{d}/keys.sock", "--hooks", "{d}/hooks.sock")

    def set_up(self):
        super().set_up()
        write(f"{self.directory}/template", "user=app\npassword={{ s }}\n")
        self.keys, self.hooks = StandIn(f"{self.directory}/keys.sock"), StandIn(f"{self.directory}/hooks.sock")

    def configure(self, number):
        super().configure(number)
        path = f"{self.directory}/conf"
        write(path, read(path).decode() + f"key = user:s\nallow = uid:0\nreload = x.service\n"
              f"[file t]\ntemplate = {self.directory}/template\nmode = 0440\nowner = 0\n")

    def places(self, value):
        return {"d/s": value, "t": b"user=app\npassword=" + value + b"\n", ".serve.s": value, "key": value}

    def snapshot(self):
        found = {name: read(f"{self.keyring}/mount/{name}") for name in ("d/s", "t", ".serve.s")}
        return dict(found, key=self.keys.values.get(0))

    def before(self):
        self.was, self.changed = self.snapshot(), self.hooks.changed
        self.configure(1 if self.was["d/s"] == self.secrets[0] else 0)

    def after(self, status, failed_call):
        faulted, now, want = failed_call >= 0, self.snapshot(), self.places(self.secrets[self.number])
        for place, value in now.items():
            if value != want[place] and not (faulted and value == self.was[place]):
                return f"{place} has {value} after {self.was[place]}"
        if not faulted and self.hooks.changed == self.changed:
            return "the change was not sent to realmkey-hooks"
        files, hidden = self.stored()
        hidden = [name for name in hidden if name not in (".serve.s", ".digests")]
        if set(files) - {"d/s", "t"} or hidden and not faulted:
            return f"left in the keyring: {files}, {hidden}"
        return None

    def tear_down(self):
        super().tear_down()
        self.keys.close()
        self.hooks.close()


def sinks():
    return [
        Keys("realmkey-keys, a key is made, replaced and removed"),
        Hooks("realmkey-hooks, a unit is reloaded and one signalled"),
        Everywhere("realmkeyd --once, a secret in all places"),
    ]
