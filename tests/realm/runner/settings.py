# SPDX-License-Identifier: Apache-2.0
"""The environment variables that say what is booted and on what: one table, their checks, and their help."""

import os
import re
import stat

from .places import OUT, TOP, inside
from .process import Failure


# --- checks: each returns what is wrong with a value, or None --------------------------------------

def _file(value, _):
    return None if os.access(value, os.R_OK) else "there is no such file"


def _folder(value, _):
    return None if os.path.isdir(value.removesuffix(":rw")) else "there is no such folder"


def _like(pattern, complaint):
    return lambda value, _: None if re.fullmatch(pattern, value) else complaint


def _modules(value, settings):
    return _folder(value, settings) or (None if settings["KERNEL"] else "requires KERNEL=")


def _root_file(value, settings):
    if value == "debian" or not (_file(value, settings) or _file(settings.verity_file(), settings)):
        return None
    return "neither debian, nor a disk FILE.img with a FILE.verity next to it"


def _vsock(value, _):
    if value.startswith("unix:"):
        path = value.removeprefix("unix:")
        is_socket = os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode)
        return None if is_socket else "there is no such socket"
    if not re.fullmatch("[3-9]|[0-9]{2,}", value):
        return "not a context identifier, 3 or more, nor unix:SOCKET"
    if not os.access("/dev/vhost-vsock", os.W_OK):
        return "plain QEMU has no vsock of its own, and this machine's kernel offers no /dev/vhost-vsock " \
            "(modprobe vhost_vsock)"
    return None


# --- the table -------------------------------------------------------------------------------------

class Variable:
    """An environment variable. An empty value is the same as none."""

    def __init__(self, form, text, default="", check=None, path=False):
        self.name = form.partition("=")[0]
        self.form = form  # for --help: NAME= and the kind of value, or the default
        self.text = text
        self.default = default
        self.check = check  # (value, settings)
        self.path = path  # the value is a path, which is another one in the toolchain root


MEASURED = (
    Variable("KERNEL=FILE", "another arm64 kernel, 6.13 or later", check=_file, path=True),
    Variable("MODULES=DIR", "the folder that has its lib/modules (INSTALL_MOD_PATH)", check=_modules, path=True),
    Variable("INITRD=FILE", "another initramfs", f"{OUT}/initramfs.cpio.lz4", check=_file, path=True),
    Variable("APPEND=", "kernel arguments"),
    Variable("ROOTFS=debian", "a Debian with systemd, on a read-only disk whose dm-verity hash is measured; or\n"
             "FILE.img of your own, an erofs with its hashes, and FILE.verity, which says BLOCKS:HASH",
             check=_root_file, path=True),
    Variable("SMP=2", "CPUs, 1 to 8", "2", _like("[1-8]", "a realm has 1 to 8 CPUs")),
    Variable("RAM=1G", "256M to 1G", "1G", _like("[0-9]{1,10}[KMG]?", "not a size like 512M")),
    Variable("HASH=sha256", "or sha384, sha512", "sha256"),
    Variable("RPV=HEX", "the personalisation value"),
    Variable("FLAVOUR=1.0", "the RMM's: 1.0, tfrmm-0.9 or 2.0", "1.0"),
    Variable("QUIRKS=NAME,...", "the RMM's (tests/rmm/README.md)"),
    Variable("EVENT_LOG=FILE", "an event log of firmware, up to 1 MiB: the device tree has its address", check=_file, path=True),
    Variable("EXTEND=N:HEX,...", "up to four extensions by firmware: register 1 to 4, digest"),
    Variable("TOKEN=399", "the token's layout, 399 or 907", "399",
             _like("399|907", "the layouts of tokens are 399 and 907")),
)

NOT_MEASURED = (
    Variable("CPU=max", "QEMU's CPU model", "max"),
    Variable("GDB=PORT", "a debugger stub on 127.0.0.1", check=_like("[0-9]{1,5}", "not a port")),
    Variable("DISK=FILE", "a disk, raw or .qcow2", check=_file, path=True),
    Variable("SHARE=DIR[:rw]", 'a folder, 9p tag "share"; read-only without :rw', check=_folder, path=True),
    Variable("VSOCK=CID", "through this machine's /dev/vhost-vsock; VSOCK=unix:SOCKET: a vhost-user device",
             check=_vsock),
    Variable("QEMU_ARGS=", "more arguments for QEMU"),
    Variable("RMM=DIR", "another rmm.elf and hes", f"{TOP}/build/rmm", check=_folder, path=True),
)

CONTROL = (
    Variable("TIMEOUT=60", "seconds (180 with ROOTFS=): for a command, which with run includes the boot; for a\n"
             "copy; and until start is ready"),
    Variable("STDIN=1", "exec, sh: passes standard input on"),
    Variable("OWNER=PID", "start: ends the realm when that process ends",
             check=_like("[0-9]{1,9}", "not a process's number")),
)

VARIABLES = {variable.name: variable for variable in (*MEASURED, *NOT_MEASURED, *CONTROL)}


def variables_help(variables):
    """A line for each variable, or more where its text has them."""
    for variable in variables:
        first, *others = variable.text.split("\n")
        yield f"  {variable.form:<16} {first}"
        for line in others:
            yield f"  {'':<16} {line}"


# --- their values ----------------------------------------------------------------------------------

class Settings:
    """The values in an environment, or the defaults."""

    def __init__(self, environment):
        self._environment = environment

    def __getitem__(self, name):
        return self._environment.get(name) or VARIABLES[name].default

    def given(self, name):
        """The value, or "" if there is none: never the default."""
        return self._environment.get(name, "")

    def typed(self, name):
        """NAME=VALUE as the user typed it. In the toolchain root, NAME itself has the path that is valid there."""
        return f"{name}={self._environment.get(f'{name}_TYPED', self.given(name))}"

    def check(self):
        """Checks all variables, before anything is built."""
        for name, variable in VARIABLES.items():
            complaint = variable.check and self.given(name) and variable.check(self.given(name), self)
            if complaint:
                raise Failure(f"{self.typed(name)}: {complaint}")

    def verity_file(self):
        """The file that says how many blocks ROOTFS= has and what their hash is."""
        return self.given("ROOTFS_VERITY") or self["ROOTFS"].removesuffix(".img") + ".verity"

    def timeout(self):
        return self["TIMEOUT"] or ("180" if self["ROOTFS"] else "60")

    def ram(self):
        """RAM= in bytes."""
        number, unit = re.fullmatch("([0-9]+)([KMG]?)", self["RAM"]).groups()
        return int(number) << 10 * " KMG".index(unit or " ")


def environment_inside(environment):
    """The environment for the toolchain root, where paths are other ones. NAME_TYPED is what the user typed."""
    result = dict(environment)
    for name, variable in VARIABLES.items():
        value = environment.get(name)
        if not value or not variable.path or (name, value) == ("ROOTFS", "debian"):
            continue
        path = value.removesuffix(":rw")
        result[f"{name}_TYPED"] = value
        result[name] = inside(path) + value[len(path):]
    verity = Settings(environment).verity_file()
    if "ROOTFS_TYPED" in result and os.path.exists(verity):  # next to a link, not where it leads
        result["ROOTFS_VERITY"] = inside(verity)
    if environment.get("VSOCK", "").startswith("unix:"):
        result["VSOCK_TYPED"] = environment["VSOCK"]
        result["VSOCK"] = "unix:" + inside(environment["VSOCK"].removeprefix("unix:"))
    return result
