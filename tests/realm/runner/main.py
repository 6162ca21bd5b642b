# SPDX-License-Identifier: Apache-2.0
"""The command line of tests/realm/realm: one table of its verbs."""

import os
import sys

from . import background, throwaway
from .folder import name_check
from .places import IN_ROOT, in_root
from .process import outcome, replace, say, signals_reset
from .settings import CONTROL, MEASURED, NOT_MEASURED, environment_inside, variables_help

_STATUSES = """\
Exit status:
  run, exec, sh   the command's, 128 + N if signal N ended it; 124 it timed out; 125 there is no realm, or it
  put, get        ended before the command did
  start           0 it is ready; 125 it is not, for any reason (time too), and is not running
  boot            0 the realm powered off or reset itself, or Ctrl-a x; 125 its signer ended; else QEMU's
  stop            0 it is off, or was not on; 125 it does not end
  all of them     2 wrong usage; 125 something in the environment is wrong; 128 + N signal N ended the runner"""


class Verb:
    """One of the runner's verbs. Those that boot something work in the toolchain root."""

    def __init__(self, action, form, text, root=False):
        words = form.split()[1:]
        self.action = action
        self.form = form
        self.text = text
        self.least = sum(not word.startswith("[") for word in words)
        self.most = None if form.endswith(("...", "...]")) else self.least
        self.named = words[:1] == ["NAME"]
        self.root = root

    def accepts(self, words):
        """True if that is an acceptable number of words."""
        return self.least <= len(words) and (self.most is None or len(words) <= self.most)


def _controls(verb):
    return lambda *words: background.control(verb, *words)


_VERBS = {verb.form.split()[0]: verb for verb in (
    Verb(throwaway.boot, "boot", "a shell on the realm's console; Ctrl-a x leaves", root=True),
    Verb(throwaway.run, "run LINE", "boot, run a line of shell as root, exit with its status", root=True),
    Verb(background.start, "start NAME", "boot a realm in the background; returns when it is ready", root=True),
    Verb(_controls("exec"), "exec NAME COMMAND...", "run a command in it"),
    Verb(_controls("sh"), "sh NAME LINE", "run a line of shell in it"),
    Verb(_controls("put"), "put NAME FILE TO", "copy a file into it"),
    Verb(_controls("get"), "get NAME FROM FILE", "copy a file out of it"),
    Verb(background.stop, "stop NAME", "power it off"),
    Verb(throwaway.rim, "rim [OPTION...]", "boot nothing: print the RIM that it would have (realmkey rim)",
         root=True),
)}


def _usage():
    lead = "usage:"
    for verb in _VERBS.values():
        yield f"{lead:<6} realm {verb.form:<22} {verb.text}"
        lead = ""
    yield "What is booted (all of it is measured):"
    yield from variables_help(MEASURED)
    yield "What it runs on (none of it is measured):"
    yield from variables_help(NOT_MEASURED)
    yield "How it is run:"
    yield from variables_help(CONTROL)
    yield _STATUSES


def _wrong_usage(name):
    if name == "run":
        say("run takes one argument, a line of shell: quote it")
    print(*_usage(), sep="\n", file=sys.stderr)
    return 2


def _perform(name, words):
    verb = _VERBS.get(name)
    if not verb or not verb.accepts(words):
        return _wrong_usage(name)
    if verb.named:
        name_check(words[0])
    if verb.root and not in_root():
        replace([IN_ROOT, "--host", "/src/tests/realm/realm", name, *words], environment_inside(os.environ))
    return verb.action(*words)


def main(arguments):
    """Returns the exit status."""
    signals_reset()
    if arguments[:1] in (["-h"], ["--help"]):
        print(*_usage(), sep="\n")
        return 0
    return outcome(_perform, arguments[0] if arguments else "", arguments[1:])
