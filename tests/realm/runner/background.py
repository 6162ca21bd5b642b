# SPDX-License-Identifier: Apache-2.0
"""Realms in the background: each has a name, and a process that holds its folder's lock."""

import os
import signal
import sys

from .folder import Folder
from .machine import Machine
from .process import (Child, Failure, Process, Signalled, background, outcome, replace, say, signals_ignore,
                      signals_watch, wait_any)
from .settings import Settings


def _owner(settings):
    """The process with which the realm ends, in a list that is empty if there is none."""
    if not settings["OWNER"]:
        return []
    try:
        return [Process(int(settings["OWNER"]))]
    except ProcessLookupError:
        raise Failure(f"OWNER={settings['OWNER']}: there is no such process") from None


def _hold(machine, owner):
    """Runs the machine until it or its owner ends, or a signal comes."""
    signals_watch()
    try:
        machine.start("null")
        machine.folder.write("pid", f"{os.getpid()}\n")
        ended = wait_any(machine.qemu, machine.signer, *owner)
        if ended is machine.signer:
            machine.say_ended(ended)
        elif ended is not machine.qemu:
            machine.save_disk()
    finally:
        signals_ignore()
        machine.stop()
        machine.folder.remove("pid", "hes.pid", "hes.away", "Image", "initrd", "root")
        machine.folder.sockets_remove()
        machine.folder.destroy("initramfs")


def _fork_holder(machine, owner):
    """Starts the process that runs the machine. It inherits the lock on the folder."""
    pid = os.fork()
    if pid:
        return Child(pid)
    try:
        os.setsid()
        log = os.open(machine.folder.file("supervisor.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        for fd, source in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
            os.dup2(source, fd)
        os._exit(outcome(_hold, machine, owner))
    except BaseException:  # a bug; this process must not clean up what is its parent's
        sys.excepthook(*sys.exc_info())
        os._exit(Failure.status)


def start(name):
    """Boots a realm in the background. Returns when it is ready."""
    settings, folder = Settings(os.environ), Folder(name)
    signals_watch()
    folder.make()
    folder.lock()
    folder.remove("pid")
    machine = Machine(settings, folder)
    machine.prepare()
    holder = _fork_holder(machine, _owner(settings))
    control = background(machine.control("wait"))
    try:
        if wait_any(control, holder) is control and control.status() == 0:
            return 0
    except Signalled:
        _give_up(control, holder)
        raise
    _give_up(control, holder)
    machine.complain()
    sys.stderr.write(folder.read("supervisor.log"))
    raise Failure(f"{name} did not start")


def _give_up(control, holder):
    for process in control, holder:
        process.kill(signal.SIGTERM)
        process.status()


def stop(name):
    """Powers a realm off, or kills it if it does not power off."""
    folder = Folder(name)
    machine = Machine(Settings(os.environ), folder)
    if not folder.running():
        say(f"{name} is not running")
        return 0
    pid = folder.pid()
    try:
        holder = Process(pid)
    except ProcessLookupError:
        return 0
    if not machine.power_off() and folder.running():
        say(f"{name} does not power off: it is killed, and what it has not written to a disk is lost")
        holder.kill(signal.SIGTERM)
    if not holder.ended(seconds=5):
        raise Failure(f"process {pid}, which runs the realm, does not end")
    return 0


def control(verb, name, *words):
    """Runs realmctl for a realm that is running, in place of this process."""
    settings, folder = Settings(os.environ), Folder(name)
    if not folder.running():
        raise Failure(f"{name} is not running")
    options = ["--stdin"] if settings["STDIN"] else []
    replace(Machine(settings, folder).control(*options, verb, *words))
