# SPDX-License-Identifier: Apache-2.0
"""The command line of tests/realm/fault: runs faultctl for a realm by its name, and kills its signer."""

import os
import re
import sys
import time

from .folder import Folder, name_check
from .places import TOP, shown
from .process import Failure, Process, foreground, outcome, replace, signals_reset

_FAULTCTL = f"{TOP}/build/rmm/faultctl"

_USAGE = """\
usage: fault REALM FAULT [ARGUMENT] [--count N]   each token from now on fails, or the next N do
       fault REALM die [SECONDS]                  the signer is killed; it comes back after SECONDS, or at clear
       fault REALM clear [FAULT]                  removes that fault, or all; a token under way succeeds
       fault REALM show                           what is in force
       fault --list                               the faults
REALM is a name that `realm start` was given. Several faults may be in force at once.
Exit status: 0 done, 1 refused, 2 wrong usage, 125 there is no such realm."""


class Refused(Failure):
    """The realm is there, and the fault is not possible now."""
    status = 1


class WrongUsage(Failure):
    """The command line is wrong. Prints the usage."""
    status = 2

    def __init__(self):
        super().__init__()
        print(_USAGE, file=sys.stderr)


def _faults_list():
    if not os.access(_FAULTCTL, os.X_OK):
        raise Failure(f"{shown(_FAULTCTL)} does not exist: run make rmm")
    foreground([_FAULTCTL, "--list"])
    print(f"  {'die [SECONDS]':<22} the signer is killed, and comes back (at clear)")


def _signer_kill(folder, seconds):
    """Kills the signer. tests/realm/signer starts it again after the seconds, if there are any."""
    if not re.fullmatch("[0-9]{0,5}", seconds):
        raise Refused("die: not a number of seconds")
    try:
        signer = Process(int(folder.read("hes.pid")))
    except (FileNotFoundError, ProcessLookupError, ValueError):
        raise Refused("the signer is dead already") from None
    folder.write("hes.away", f"{int(seconds) if seconds else ''}\n")
    signer.kill()
    while not signer.ended(seconds=60):
        pass


def _signer_return(folder):
    """Waits until the signer is back, if it was killed. It has no fault in force then."""
    if not folder.exists("hes.away"):
        return
    folder.write("hes.away", "0\n")
    for _ in range(100):
        if foreground([_FAULTCTL, folder.file("fault.sock"), "show"], stdout=os.devnull, stderr=os.devnull) == 0:
            return
        time.sleep(0.1)
    raise Refused("the signer does not come back")


def _perform(arguments):
    if arguments[:1] == ["--list"]:
        return _faults_list()
    if arguments[:1] in (["-h"], ["--help"]):
        print(_USAGE, end="\n\n", flush=True)
        return _faults_list()
    if len(arguments) < 2:
        raise WrongUsage()
    name_check(arguments[0])
    folder, fault, words = Folder(arguments[0]), arguments[1], arguments[2:]
    if not folder.running():
        raise Failure(f"{folder.name} is not running")
    if fault == "die":
        if len(words) > 1:
            raise WrongUsage()
        return _signer_kill(folder, *words or [""])
    if fault == "clear":
        _signer_return(folder)
    elif folder.exists("hes.away"):
        raise Refused("the signer is dead; clear brings it back")
    # On a command line, "count N" is "--count N".
    return replace([_FAULTCTL, folder.file("fault.sock"), *(word.removeprefix("--") for word in arguments[1:])])


def main(arguments):
    """Returns the exit status."""
    signals_reset()
    return outcome(_perform, arguments)
