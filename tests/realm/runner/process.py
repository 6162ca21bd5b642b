# SPDX-License-Identifier: Apache-2.0
"""
Processes and signals. A signal that ends the runner is noted when it comes and raised where the runner waits, so
that it interrupts nothing else.
"""

import os
import select
import signal
import sys

_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)  # by the interpreter


class Failure(Exception):
    """The runner cannot do what it was asked to do. Without a text, the cause has been printed already."""
    status = 125


class Signalled(Exception):
    """A signal asks the runner to end."""

    def __init__(self, number):
        super().__init__()
        self.status = 128 + number


def say(text):
    """Prints a line on standard error. It is not an error if standard error is closed."""
    try:
        print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr)
    except OSError:
        pass


def outcome(action, *arguments):
    """Performs a command. Returns its exit status (None is 0), and prints why it failed."""
    try:
        return action(*arguments) or 0
    except Signalled as e:
        return e.status
    except Failure as e:
        status, text = e.status, str(e)
    except OSError as e:
        status, text = Failure.status, f"{e.filename}: {e.strerror}" if e.filename else e.strerror
    if text:
        say(text)
    return status


# --- signals -------------------------------------------------------------------------------------

class _Signals:
    """A pipe, into which the interpreter writes the number of each signal that comes, and what to do about it."""

    def __init__(self):
        self.actions = {}
        self.ignored = False
        self.fd, self.wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self.wake)

    def watch(self, number, action):
        """A signal that was ignored when the runner was started (nohup, a job in the background) stays ignored."""
        if signal.getsignal(number) != signal.SIG_IGN:
            self.actions[number] = action
            signal.signal(number, lambda *_: None)

    def take(self):
        """Handles the signals that have come."""
        try:
            numbers = os.read(self.fd, 64)
        except BlockingIOError:
            return
        for number in numbers:
            if number in self.actions and not self.ignored:
                self.actions[number](number)


_signals = None


def signals_reset():
    """Gives signals their default actions, which the interpreter has changed, until signals_watch() is called."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_DFL)


def _raise(number):
    raise Signalled(number)


def signals_watch():
    """
    From now on the signals that end the runner raise Signalled, in wait_any() and foreground() only. A closed pipe
    does not end it.
    """
    global _signals
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    _signals = _Signals()
    for number in _ENDING:
        _signals.watch(number, _raise)


def signal_watch(number, action):
    """Calls action(number) from wait_any() or foreground() when the signal has come."""
    _signals.watch(number, action)


def signals_ignore():
    """From now on the runner cleans up, and another signal does not interrupt that."""
    _signals.ignored = True


# --- processes -----------------------------------------------------------------------------------

class Process:
    """A process, not necessarily a child, with a descriptor that can be waited for."""

    def __init__(self, pid):
        """Raises ProcessLookupError if there is none."""
        self.pid = pid
        self.fd = os.pidfd_open(pid)

    def kill(self, number=signal.SIGKILL):
        """Sends a signal to this process, and never to a later one of the same number."""
        try:
            signal.pidfd_send_signal(self.fd, number)
        except (ProcessLookupError, PermissionError):
            pass

    def ended(self, seconds=0):
        """Waits at most that long until the process has ended. Returns false if it has not."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


class Child(Process):
    """A child process."""

    def __init__(self, pid):
        super().__init__(pid)
        self._status = None

    def status(self):
        """Waits for the end. Returns the status as a shell does, 128 + N if signal N ended the process."""
        if self._status is None:
            code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self._status = code if code >= 0 else 128 - code
        return self._status


def _redirection(fd, source):
    """The file action that makes descriptor fd a copy of another descriptor, or opens a file by its name."""
    if isinstance(source, int):
        return os.POSIX_SPAWN_DUP2, source, fd
    flags = os.O_RDONLY if fd == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.POSIX_SPAWN_OPEN, fd, source, flags, 0o666


def _spawn(arguments, stdin=None, stdout=None, stderr=None, **attributes):
    streams = enumerate((stdin, stdout, stderr))
    return Child(os.posix_spawnp(
        arguments[0], arguments, os.environ,
        file_actions=[_redirection(fd, source) for fd, source in streams if source is not None],
        setsigdef=_IGNORED,
        **attributes))


def background(arguments, stdin=os.devnull, own_group=True, **redirections):
    """
    Starts a program that is killed when the runner ends, even if the runner is killed. In a process group of its own
    it does not get the signals of the terminal's keys, which the runner handles.
    """
    if own_group:
        redirections["setpgroup"] = 0
    return _spawn(["setpriv", "--pdeathsig", "KILL", "--", *arguments], stdin, **redirections)


def foreground(arguments, **redirections):
    """
    Runs a program to its end and returns its status. A signal that comes meanwhile is raised only then, so that a
    build is not left half done.
    """
    status = _spawn(arguments, **redirections).status()
    if _signals:
        _signals.take()
    return status


def required(arguments, **redirections):
    """Runs a program that prints why if it fails."""
    if foreground(arguments, **redirections) != 0:
        raise Failure()


def replace(arguments, environment=None):
    """Replaces this process by a program. Must not be called after signals_watch()."""
    os.execve(arguments[0], arguments, os.environ if environment is None else environment)


def wait_any(*processes):
    """Returns one of the processes that has ended, the first in the order of the arguments."""
    poll = select.poll()
    poll.register(_signals.fd, select.POLLIN)
    for process in processes:
        poll.register(process.fd, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poll.poll()}
        _signals.take()
        for process in processes:
            if process.fd in ready:
                return process
