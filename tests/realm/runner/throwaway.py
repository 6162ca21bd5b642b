# SPDX-License-Identifier: Apache-2.0
"""Realms of one command or of one shell, whose folder is removed when they end; and the RIM without a realm."""

import contextlib
import os
import signal
import sys
import termios

from .folder import Folder
from .machine import Machine
from .places import OUT, RUN, TOP, shown
from .process import Failure, background, foreground, signal_watch, signals_ignore, signals_watch, wait_any
from .settings import Settings

_CONSOLE = f"{OUT}/console.log"  # of the last one of these realms


def _sweep():
    """Removes the folders of runners that were killed."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(RUN):
            if name.startswith(".") and not os.path.exists(f"/proc/{name.rpartition('-')[2]}"):
                Folder(name).destroy()


def console_link(folder, console=_CONSOLE):
    """Has @console be that of this realm. In one step, because another realm may start at the same time."""
    os.symlink(f"run/{folder.name}/console.log", folder.file("link"))
    os.replace(folder.file("link"), console)


@contextlib.contextmanager
def _throwaway(verb):
    """A machine that is ready to start. However the block ends, it is stopped and its folder is removed."""
    _sweep()
    folder = Folder(f".{verb}-{os.getpid()}")
    machine = Machine(Settings(os.environ), folder)
    signals_watch()
    try:
        machine.prepare()
        yield machine
    finally:
        signals_ignore()
        machine.save_disk()
        machine.stop()
        if folder.exists("console.log"):
            os.replace(folder.file("console.log"), _CONSOLE)
        folder.destroy()


def rim(*options):
    """Prints what the RMM would measure, computed from the same files by realmkey on this machine."""
    tool = f"{TOP}/build/release/userspace/cli/realmkey"
    if not os.access(tool, os.X_OK):
        raise Failure(f"{shown(tool)} does not exist: run make native")
    with _throwaway("rim") as machine:
        file, settings = machine.folder.file, machine.settings
        return foreground([tool, "rim", "--vmm", "bench", "--kernel", file("Image"), "--initrd", file("initrd"),
                           "--dtb", file("realm.dtb"), "--hash", settings["HASH"], "--rmm", settings["FLAVOUR"],
                           *options])


def run(line):
    """Runs a line of shell in a realm. Returns its status, or 124 or 125."""
    with _throwaway("run") as machine:
        console_link(machine.folder)
        machine.start("null")
        control = background(machine.control("sh", line))
        try:
            ended = wait_any(control, machine.qemu, machine.signer)
        finally:  # otherwise the agent would not serve the realmctl that powers the realm off
            control.kill()
        status = control.status()
        if ended is not control:
            machine.say_ended(ended)
            status = 125
        if status in (124, 125):
            machine.complain()
        return status


class _Terminal:
    """The terminal on standard input, if it is one. QEMU restores it, unless QEMU is killed."""

    def __init__(self):
        self.saved = termios.tcgetattr(0) if os.isatty(0) else None
        self.sender = None

    def restore(self):
        if self.saved:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self.saved)

    def size_send(self, machine):
        """Sets the size of the realm's console to that of this terminal."""
        if not self.saved:
            return
        self.size_forget()
        columns, rows = os.get_terminal_size(0)
        line = f"stty -F /dev/console rows {rows} cols {columns}"
        self.sender = background(machine.control("sh", line, timeout=60), stdout=os.devnull, stderr=os.devnull)

    def size_forget(self):
        """Kills the realmctl that sets the size, if it still waits for the agent."""
        if self.sender:
            self.sender.kill()
            self.sender.status()
            self.sender = None


@contextlib.contextmanager
def _terminal():
    terminal = _Terminal()
    try:
        yield terminal
    finally:
        terminal.size_forget()
        terminal.restore()


def boot():
    """A shell on the realm's console. Returns QEMU's status, or 125 if the signer ended."""
    with _terminal() as terminal, _throwaway("boot") as machine:
        console_link(machine.folder)
        print("A realm on the test RMM: it protects nothing. Ctrl-a x leaves.", file=sys.stderr)
        machine.start("stdio,mux=on,signal=off", stdin=None, own_group=False)
        terminal.size_send(machine)
        signal_watch(signal.SIGWINCH, lambda _: terminal.size_send(machine))
        ended = wait_any(machine.qemu, machine.signer)
        terminal.restore()
        if ended is machine.signer:
            machine.say_ended(ended)
            status = 125
        else:
            status = ended.status()
        print(file=sys.stderr)
        if status != 0:
            machine.complain()
        return status
