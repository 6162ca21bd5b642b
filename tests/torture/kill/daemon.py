# SPDX-License-Identifier: Apache-2.0
"""A running realmkeyd, of which one process is killed while it refreshes or reloads."""
import os
import subprocess
import time

from common import KILL_AT, KILLED, SECONDS, Finding
from world import HERE, NATIVE, RELEASE, read, write

SECRETS = ("pair/cert", "pair/key", "other")


class Daemon:
    """The supervisor and its keeper, with a pair of secrets that change together, and another secret. A request to
    refresh finds new values of all. A reload finds a configuration with another mode, and every second time without the
    last secret."""

    def __init__(self, name, victim, action):
        self.name, self.victim, self.action = name, victim, action

    def begin(self, world):
        self.world, self.folder, self.process = world, world.path(f"daemon-{os.getpid()}"), None
        os.makedirs(f"{self.folder}/keyring", exist_ok=True)
        self.mount = f"{self.folder}/keyring/mount"
        self.trustee = world.trustee(f"kbs-{os.getpid()}")
        self.env = dict(world.env, ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0:exitcode=99")
        self.number = self.config = 0
        self.publish()
        self.configure()
        self.start()

    # --- the KBS and the configuration ---

    def value(self, number):
        return b"version %d " % number * 300

    def publish(self):
        """New values of all secrets."""
        self.number += 1
        for path in SECRETS:
            self.trustee.put(f"a/b/{path.replace('/', '-')}", self.value(self.number))

    def mode(self):
        return 0o440 if self.config % 2 else 0o400

    def names(self):
        return SECRETS[:2] if self.config % 2 else SECRETS

    def configure(self):
        self.config += 1
        text = f"[kbs]\nurl = http://127.0.0.1:{self.trustee.port}\ninsecure = yes\n"
        for path in self.names():
            text += f"[secret {path.replace('/', '-')}]\nresource = a/b/{path.replace('/', '-')}\nfile = {path}\n"
            text += f"mode = {self.mode():04o}\nowner = 0\n"
        write(f"{self.folder}/conf", text)

    # --- the daemon ---

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                [f"{NATIVE}/tests/cli/realmkeyd_here", "--courier", f"{RELEASE}/userspace/courier/realmkey-courier",
                 "--keyring", self.mount, "--config", f"{self.folder}/conf"],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.ask(0, "wait", "--timeout", f"{SECONDS}s")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def run(self, *arguments):
        done = subprocess.run([HERE, *arguments, "--keyring", self.mount], env=self.env, capture_output=True,
                              timeout=SECONDS, check=False)
        return done.returncode, (done.stderr + done.stdout).decode(errors="replace")

    def ask(self, want, *arguments):
        status, said = self.run(*arguments)
        if status != want:
            raise Finding(f"realmkey {' '.join(arguments)} ends with {status}: {said[-200:]}; "
                          f"{read(f'{self.folder}/log').decode()[-300:]}")

    def answers(self):
        """Wait until it listens: the keyring can still be locked by the keeper of the one that was killed."""
        for _ in range(SECONDS * 10):
            if self.run("refresh")[0] != 14:
                return
            time.sleep(0.1)
        raise Finding("the next start does not listen")

    def pid(self):
        """The process to trace."""
        if self.victim != "keeper":
            return self.process.pid
        for _ in range(SECONDS * 10):
            children = read(f"/proc/{self.process.pid}/task/{self.process.pid}/children").split()
            if children:
                return int(children[0])
            time.sleep(0.1)
        raise Finding("the supervisor has started no keeper")

    # --- what a reader sees ---

    def pair(self):
        """The two values and modes, through one open directory."""
        folder = os.open(f"{self.mount}/pair", os.O_RDONLY | os.O_DIRECTORY)
        try:
            found = []
            for name in ("cert", "key"):
                fd = os.open(name, os.O_RDONLY, dir_fd=folder)
                with open(fd, "rb") as file:
                    found.append((file.read(), os.fstat(fd).st_mode & 0o7777))
            return found
        except FileNotFoundError:       # two changes have come and gone
            return None
        finally:
            os.close(folder)

    def look(self, values, modes):
        pair = self.pair()
        if pair is None:
            return
        if pair[0] != pair[1] or pair[0][0] not in values or pair[0][1] not in modes:
            raise Finding(f"the pair is {[(value[:12], oct(mode)) for value, mode in pair]}")

    # --- a kill ---

    def change(self):
        """Begin what the victim is killed in. Returns the values and the modes that a reader may see."""
        values, modes = {self.value(self.number)}, {self.mode()}
        if self.action == "refresh":
            self.publish()
            values.add(self.value(self.number))
            arguments = ("refresh", "--now")
        else:
            self.configure()
            modes.add(self.mode())
            arguments = ("reload",)
        request = subprocess.Popen([HERE, *arguments, "--keyring", self.mount], env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return values, modes, request

    def point(self, at):
        option = "-c" if self.victim == "next keeper" else "-p"
        killer = subprocess.Popen([KILL_AT, str(at), option, str(self.pid())], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if killer.stdout.readline() != b"ready\n":
            raise RuntimeError(f"kill_at: {killer.stderr.read()}")
        values, modes, request = self.change()
        try:
            while request.poll() is None:
                self.look(values, modes)
            request.wait(SECONDS)
            killed = killer.wait(0.2) == KILLED
        except subprocess.TimeoutExpired:
            killed = False
            killer.terminate()
            killer.wait()
        finally:
            request.kill()
            request.wait()
            killer.stdout.close()
            killer.stderr.close()
        self.look(values, modes)
        self.settle(values, modes)
        return killed

    def settle(self, values, modes):
        """The next start is clean, and the next request succeeds."""
        if self.victim != "supervisor" and self.process.poll() is not None:
            raise Finding("realmkeyd ended together with its keeper")
        # The supervisor starts another keeper by itself, but waits longer after each death.
        self.stop()
        self.start()
        self.ask(0, "wait", "--timeout", f"{SECONDS}s")
        self.look(values, modes)
        self.answers()
        self.ask(0, "reload")
        self.ask(0, "refresh", "--now")
        self.look({self.value(self.number)}, {self.mode()})
        there = {name for name in os.listdir(self.mount) if not name.startswith(".gen.")}
        want = {name.split("/")[0] for name in self.names()} | {".status", ".control", ".digests"}
        if there != want:
            raise Finding(f"the keyring has {sorted(there)}")
        old = [name for name in os.listdir(self.mount) if name.startswith(".gen.")]
        if len(old) > 1:
            raise Finding(f"old generations stay: {old}")

    def rounds(self):
        return 1

    def recover(self):
        self.stop()
        subprocess.run(["umount", self.mount], check=False, capture_output=True)
        self.configure()
        self.start()

    def end(self):
        self.stop()
        self.trustee.stop()
        subprocess.run(["umount", self.mount], check=False, capture_output=True)
