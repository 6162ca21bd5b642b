# SPDX-License-Identifier: Apache-2.0
"""One realm's machine: what is put into its folder, its two processes, and its end."""

import os
import signal
import sys

from .places import HERE, IN_ROOT, OUT, REALMCTL, shown
from .process import Failure, background, foreground, required, say
from .qemu import DTB_IPA, EVENT_LOG_IPA, INITRD_IPA, KERNEL_IPA, qemu_arguments


def _built(what):
    """Builds what is missing or older than its inputs. The build's output goes to standard error."""
    required([f"{HERE}/initramfs/build", what], stdout=2)


def _last_lines(path, count):
    with open(path, "rb") as file:
        lines = file.read().replace(b"\r", b"").removesuffix(b"\n").split(b"\n")
    return [line.decode(errors="backslashreplace") for line in lines[-count:]]


class Machine:
    """A machine with the environment's settings in a realm's folder."""

    def __init__(self, settings, folder):
        self.settings = settings
        self.folder = folder
        self.qemu = None
        self.signer = None

    # --- what it boots -----------------------------------------------------------------------

    def prepare(self):
        """Makes all that the RMM, QEMU and the signer need, in the folder."""
        self.settings.check()
        _built("host")
        if self.settings["ROOTFS"] == "debian":
            _built("debian")
        self.folder.make()
        os.makedirs(f"{OUT}/keys", exist_ok=True)
        self.folder.remove("console.log", "root", "event-log")
        self.folder.sockets_remove()
        initrd = self._initrd()
        self._require(initrd, f"{self.settings['RMM']}/rmm.elf", f"{self.settings['RMM']}/hes")
        self._kernel()
        self._keep(initrd, "initrd")
        self._device_tree(self._root_argument())
        self._layout()

    def _initrd(self):
        """The initramfs; for a kernel of the user's own, one with that kernel's modules."""
        if not self.settings["MODULES"] or self.settings.given("INITRD"):
            return self.settings["INITRD"]
        folder = self.folder.file("initramfs")
        required([IN_ROOT, f"{HERE}/initramfs/pack", OUT, folder, self.settings["MODULES"]], stdout=2)
        return f"{folder}/initramfs.cpio.lz4"

    def _require(self, *paths):
        for path in paths:
            if not os.path.exists(path):
                raise Failure(f"{shown(path)} does not exist: run make realm-initramfs rmm")

    def _keep(self, path, name):
        """Keeps a file by a link, so that QEMU loads what was measured even if a build replaces the file meanwhile."""
        self.folder.remove(name)
        try:
            os.link(os.path.realpath(path), self.folder.file(name))
        except OSError:  # another file system, or a file of another user
            required(["cp", "--", path, self.folder.file(name)])

    def _kernel(self):
        if self.settings["KERNEL"]:
            required([f"{HERE}/image", self.settings["KERNEL"], self.folder.file("Image"),
                      self.settings.typed("KERNEL")])
        else:
            self._keep(f"{OUT}/Image", "Image")

    def _root_argument(self):
        """Keeps the root disk, if there is one, and returns the kernel arguments with its hash."""
        if not self.settings["ROOTFS"]:
            return []
        if self.settings["ROOTFS"] == "debian":
            disk, verity = f"{OUT}/debian.img", f"{OUT}/debian.verity"
        else:
            disk, verity = self.settings["ROOTFS"], self.settings.verity_file()
        self._keep(disk, "root")
        with open(verity, encoding="ascii", errors="replace") as file:
            return ["realm.root=" + file.read().rstrip("\n")]

    def _device_tree(self, arguments):
        if self.settings["APPEND"]:
            arguments.append(self.settings["APPEND"])
        event_log = []
        if self.settings["EVENT_LOG"]:
            self._keep(self.settings["EVENT_LOG"], "event-log")
            pages = -(-os.path.getsize(self.folder.file("event-log")) // 4096)
            event_log = ["--event-log", f"{EVENT_LOG_IPA:x}:{pages * 4096:x}"]
        required([f"{HERE}/device-tree", *event_log, "--cpus", self.settings["SMP"], "--initrd", self.folder.file("initrd"),
                  "--ram", str(self.settings.ram()), "--append", " ".join(arguments), self.folder.file("realm.dtb")])

    def _layout(self):
        """Writes the page from which the RMM learns what is loaded where."""
        settings = self.settings
        loaded = (KERNEL_IPA, "Image"), (INITRD_IPA, "initrd"), (DTB_IPA, "realm.dtb")
        required([f"{OUT}/layout-page", "--hash", settings["HASH"], "--vcpus", settings["SMP"],
                  "--rpv", settings["RPV"], "--ram", settings["RAM"], "--flavour", settings["FLAVOUR"],
                  "--quirk", settings["QUIRKS"], "--extend", settings["EXTEND"], "--entry", hex(KERNEL_IPA), "--dtb", hex(DTB_IPA),
                  self.folder.file("layout"), *(f"{ipa:#x}:{self.folder.file(name)}" for ipa, name in loaded)])

    # --- its processes -----------------------------------------------------------------------

    def start(self, console, **qemu_streams):
        """Starts signer and QEMU, which end with this process even if that is killed."""
        self.signer = background(
            [f"{HERE}/signer", self.folder.path, f"{self.settings['RMM']}/hes", "--keys", f"{OUT}/keys",
             "--token", self.settings["TOKEN"]],
            stdout=self.folder.file("hes.log"), stderr=1)
        self.qemu = background(["qemu-system-aarch64", *qemu_arguments(self.settings, self.folder, console)],
                               stderr=self.folder.file("qemu.log"), **qemu_streams)

    def control(self, *words, timeout=None):
        """The command line of realmctl that does something in the realm."""
        return [REALMCTL, "--socket", self.folder.file("agent.sock"),
                "--timeout", str(timeout or self.settings.timeout()), *words]

    def power_off(self):
        """Asks the agent, and waits; true if the machine is off. A Debian needs some time to stop its services."""
        for verb, timeout in ("wait", 10), ("poweroff", 30):
            if foreground(self.control(verb, timeout=timeout), stderr=os.devnull) != 0:
                return False
        return True

    def save_disk(self):
        """Powers a machine with a disk off: if it is killed, what it has not written to the disk yet is lost."""
        if not self.settings["DISK"] or not self.qemu or self.qemu.ended():
            return
        if self.power_off():
            self.qemu.status()
        else:
            say("the machine does not power off: what it has not written to its disk is lost")

    def stop(self):
        """Kills what still runs."""
        for process in self.qemu, self.signer:
            if process:
                process.kill(signal.SIGKILL)
                process.status()
        self.qemu = self.signer = None

    # --- what went wrong ---------------------------------------------------------------------

    def say_ended(self, process):
        """Says which of the two processes has ended, and why."""
        if process is self.signer:
            say(f"the signer ended: {_last_lines(self.folder.file('hes.log'), 1)[0]}")
        else:
            say(f"the machine ended (QEMU's status: {process.status()})")

    def complain(self):
        """Prints the last lines of its logs."""
        for name in "qemu.log", "hes.log", "console.log":
            if self.folder.has(name):
                print(f"--- {name}, the last lines:", *_last_lines(self.folder.file(name), 20), sep="\n",
                      file=sys.stderr)
