# SPDX-License-Identifier: Apache-2.0
"""The processes for keys and for local programs, which are killed while they change a key or answer a client."""
import os
import socket
import subprocess
import time

from common import ENDED, KILL_AT, KILLED, SECONDS, Finding, named
from sinks import CONFIRM, DONE, HEADER, HELLO, REMOVE, SET, Keyctl, Peer, Service, StandIn, digest
from world import NATIVE, RELEASE, read, write


class Keys:
    """realmkey-keys: a key that is made, replaced and removed is the old one or the new one for a service, at any time."""

    values = (b"the first", b"the second one" * 100)

    def __init__(self, name):
        self.name = name

    def begin(self, world):
        self.folder = world.path(f"keys-{os.getpid()}")
        os.makedirs(self.folder, exist_ok=True)
        self.description = f"kill-{os.getpid()}"
        user = 20000 + os.getpid() % 20000
        self.text = (f"[kbs]\nurl = http://127.0.0.1:1\ninsecure = yes\n[secret a]\nresource = a/b/a\nowner = {user}\n"
                     f"key = user:{self.description}\n")
        write(f"{self.folder}/conf", self.text)
        self.env = dict(world.env, LISTEN_FDS="1", ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0:exitcode=99")
        self.service = Service(user, b"user", self.description.encode())
        self.keyctl = Keyctl()

    def run(self, at, messages, answered):
        """Send messages to the program, which is killed at its call @at; 0: it is not. Returns what kill_at ends with."""
        near, far = socket.socketpair()
        with near, far:
            program = subprocess.Popen(
                [KILL_AT, str(at or 1 << 30), f"{NATIVE}/userspace/keys/realmkey-keys", "--config", f"{self.folder}/conf"],
                env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=(3,),
                preexec_fn=lambda: os.dup2(far.fileno(), 3))
            far.close()
            near.settimeout(SECONDS)
            for kind, number, body in [(HELLO, 0, digest(self.text)), *messages]:
                answer = None
                try:
                    near.sendall(HEADER.pack(kind, number, len(body)) + body)
                    answer = Peer.receive(near)
                except OSError:
                    pass
                if kind != HELLO:
                    answered(kind, body, answer)
                if answer is None:
                    break
        said = program.communicate(timeout=SECONDS)[1].decode(errors="replace")
        return program.returncode, said

    def point(self, at):
        first, second = self.values
        key = [self.service.key()]

        def answered(kind, body, answer):
            want, now = body if kind == SET else None, self.service.key()
            allowed = [key[0]] if kind == CONFIRM else [want] if answer else [want, key[0]]
            if answer and answer[0] != DONE:
                raise Finding(f"message {kind} is answered by {answer}")
            if now not in allowed:
                raise Finding(f"after message {kind} the key has {now}, and had {key[0]}")
            key[0] = now

        status, said = self.run(at, [(SET, 0, first), (SET, 0, second), (CONFIRM, 0, b""), (REMOVE, 0, b""), (SET, 0, second),
                                     (SET, 0, first)], answered)
        if status not in (KILLED, ENDED):
            raise RuntimeError(f"kill_at ended with {status}: {said}")
        # The next keeper has the program make the key again.
        again, said = self.run(0, [(SET, 0, second)], answered)
        if again != ENDED or key[0] != second:
            raise Finding(f"the next start ends with {again}, and the key has {key[0]}: {said}")
        self.only(second)
        return status == KILLED

    def only(self, value):
        """No other key is left, as soon as the kernel has collected those of the process that was killed."""
        for _ in range(100):
            now = [self.keyctl.read(serial) for serial in self.keyctl.live("user", self.description)]
            if now == [value]:
                return
            time.sleep(0.02)
        raise Finding(f"keys with {now} are left")

    def rounds(self):
        return 1

    def recover(self):
        """Each point begins with the key that it finds."""

    def end(self):
        self.service.end()


class Everywhere:
    """realmkeyd --once, with a secret in a file, in a template, for local programs, as a key and with a hook. Each place has
    the old value or the new one, and realmkey-hooks learns of each change, although it may come before a kill."""

    values = (b"the first " * 100, b"the second " * 900)

    def __init__(self, name):
        self.name = name

    def begin(self, world):
        self.folder, self.number = world.path(f"everywhere-{os.getpid()}"), 0
        os.makedirs(f"{self.folder}/keyring", exist_ok=True)
        self.mount = f"{self.folder}/keyring/mount"
        self.trustee = world.trustee(f"kbs-{os.getpid()}")
        self.keys, self.hooks = (StandIn(f"{self.folder}/{name}.sock") for name in ("keys", "hooks"))
        write(f"{self.folder}/template", "password={{ s }}\n")
        write(f"{self.folder}/conf", f"[kbs]\nurl = http://127.0.0.1:{self.trustee.port}\ninsecure = yes\n"
              "[secret s]\nresource = a/b/s\nfile = d/s\nowner = 0\nkey = user:s\nallow = uid:0\nreload = x.service\n"
              f"[file t]\ntemplate = {self.folder}/template\nowner = 0\n")
        self.env = dict(world.env, ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0:exitcode=99")
        self.publish()
        self.deliver()

    def publish(self):
        self.number ^= 1
        self.value = self.values[self.number]
        self.trustee.put("a/b/s", self.value)

    def run(self, *before):
        done = subprocess.run(
            [*before, f"{NATIVE}/tests/cli/realmkeyd_here", "--courier", f"{RELEASE}/userspace/courier/realmkey-courier",
             "--keyring", self.mount, "--config", f"{self.folder}/conf", "--keys", f"{self.folder}/keys.sock", "--hooks",
             f"{self.folder}/hooks.sock", "--once"], env=self.env, capture_output=True, timeout=SECONDS, check=False)
        return done.returncode, (done.stderr + done.stdout).decode(errors="replace")

    def places(self):
        """The value in each place, without what the template adds."""
        found = {name: read(f"{self.mount}/{name}") for name in ("d/s", "t", ".serve.s")}
        found["t"] = found["t"] and found["t"].removeprefix(b"password=").removesuffix(b"\n")
        return dict(found, key=self.keys.values.get(0))

    def deliver(self):
        status, said = self.run()
        wrong = {place: value for place, value in self.places().items() if value != self.value}
        if status or wrong:
            raise Finding(f"the next start ends with {status} and has {named(wrong)}; {said[-300:]}")

    def point(self, at):
        old, changed = self.values[self.number], self.hooks.changed
        self.publish()
        status, said = self.run(KILL_AT, str(at))
        if status not in (KILLED, ENDED):
            raise RuntimeError(f"kill_at ended with {status}: {said}")
        for place, value in self.places().items():
            if value not in ([old, self.value] if status == KILLED else [self.value]):
                raise Finding(f"after the kill {place} has {value!r:.60}; {said.strip()[-200:]}")
        self.deliver()
        if self.hooks.changed == changed:
            raise Finding("realmkey-hooks has not learnt of the change")
        return status == KILLED

    def rounds(self):
        return 1

    def recover(self):
        subprocess.run(["umount", self.mount], check=False, capture_output=True)
        self.deliver()

    def end(self):
        self.trustee.stop()
        self.keys.close()
        self.hooks.close()
        subprocess.run(["umount", self.mount], check=False, capture_output=True)
