# SPDX-License-Identifier: Apache-2.0
"""The arguments of QEMU for one realm's machine."""

# Where the loader puts what the realm boots. The device tree has the initramfs's start too.
KERNEL_IPA, INITRD_IPA, EVENT_LOG_IPA, DTB_IPA = 0x40200000, 0x48000000, 0x4fd00000, 0x4fe00000
_PA_OFFSET, _LAYOUT_PA = 0x140000000, 0x130000000  # tests/rmm/layout.h


def _loader(file, address):
    return ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]


def _quoted(path):
    """A path as a part of one of QEMU's options."""
    return path.replace(",", ",,")


def _plugged(slot, device):
    """The slots are those of dts/realm-bench.dts."""
    return ["-device", f"{device},bus=virtio-mmio-bus.{slot},iommu_platform=on"]


def _disk(slot, name, form, path, options=""):
    return ["-drive", f"if=none,id={name},format={form},file={_quoted(path)}{options}",
            *_plugged(slot, f"virtio-blk-device,drive={name},serial={name}")]


def _disk_format(settings):
    """By the name of the file, or by that of a link to it."""
    names = settings["DISK"], settings.typed("DISK")
    return "qcow2" if any(name.endswith(".qcow2") for name in names) else "raw"


def _share(value):
    """
    What a realm writes belongs to the user, with the realm's owners and modes kept as attributes: a realm can
    leave neither setuid programs nor device nodes nor links here.
    """
    path = value.removesuffix(":rw")
    access = "security_model=none,readonly=on" if path == value else "security_model=mapped-xattr"
    return ["-fsdev", f"local,id=share,multidevs=remap,{access},path={_quoted(path)}",
            *_plugged(5, "virtio-9p-device,fsdev=share,mount_tag=share")]


def _vsock(value):
    if value.startswith("unix:"):
        return ["-chardev", f"socket,id=vsock,path={_quoted(value.removeprefix('unix:'))}",
                *_plugged(6, "vhost-user-vsock-device,chardev=vsock")]
    return _plugged(6, f"vhost-vsock-device,guest-cid={value}")


def _memory_backend(settings):
    """A vhost-user device is another process, which reads and writes the same memory."""
    return "memory-backend-memfd,share=on" if settings["VSOCK"].startswith("unix:") else "memory-backend-ram"


def _thread(settings):
    """QEMU counts instructions (QEMU_ARGS="-icount ...") only if one thread executes those of all CPUs."""
    return "single" if "-icount" in settings["QEMU_ARGS"].split() else "multi"


def _base(settings):
    """Memory, CPUs, and the RMM as the firmware."""
    return ["-machine", "virt,virtualization=on,gic-version=3,its=off,memory-backend=ram",
            "-object", f"{_memory_backend(settings)},id=ram,size=6G,reserve=off", "-m", "6G",
            "-accel", f"tcg,thread={_thread(settings)}", "-cpu", settings["CPU"], "-smp", settings["SMP"],
            "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", f"{settings['RMM']}/rmm.elf"]


def _loaded(folder):
    log = _loader(folder.file("event-log"), EVENT_LOG_IPA + _PA_OFFSET) if folder.has("event-log") else []
    return [*log, *_loader(folder.file("Image"), KERNEL_IPA + _PA_OFFSET),
            *_loader(folder.file("initrd"), INITRD_IPA + _PA_OFFSET),
            *_loader(folder.file("realm.dtb"), DTB_IPA + _PA_OFFSET),
            *_loader(folder.file("layout"), _LAYOUT_PA)]


def _devices(folder, console):
    """Those that each machine has: console, signer, network, the agent's port, random numbers."""
    return ["-chardev", f"{console},id=console,logfile={folder.file('console.log')}",
            "-serial", "chardev:console",
            "-chardev", f"socket,id=hes,path={folder.file('hes.sock')},reconnect-ms=200",
            "-serial", "chardev:hes",
            "-global", "virtio-mmio.force-legacy=false",
            "-netdev", "user,id=net", *_plugged(0, "virtio-net-device,netdev=net"),
            *_plugged(1, "virtio-serial-device"),
            "-chardev", f"socket,id=agent,path={folder.file('agent.sock')},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=realm.agent",
            *_plugged(2, "virtio-rng-device")]


def _optional(settings, folder):
    arguments = []
    if folder.has("root"):
        arguments += _disk(3, "realm-root", "raw", folder.file("root"), ",readonly=on")
    if settings["DISK"]:
        arguments += _disk(4, "disk", _disk_format(settings), settings["DISK"])
    if settings["SHARE"]:
        arguments += _share(settings["SHARE"])
    if settings["VSOCK"]:
        arguments += _vsock(settings["VSOCK"])
    if settings["GDB"]:
        arguments += ["-gdb", f"tcp:127.0.0.1:{settings['GDB']}"]
    return arguments


def qemu_arguments(settings, folder, console):
    """The realm's console is the chardev `console`; QEMU's monitor is on it too, unless it is null."""
    arguments = _base(settings) + _loaded(folder) + _devices(folder, console) + _optional(settings, folder)
    if console != "null":
        arguments += ["-mon", "chardev=console"]
    return arguments + settings["QEMU_ARGS"].split()
