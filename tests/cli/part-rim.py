#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of realmkey rim --vmm: it has the RIMs of rim_rules.py, and refuses wrong input. TAP."""
import base64
import json
import os
import struct
import subprocess
import sys
import traceback

sys.dont_write_bytecode = True
from rim_rules import HASHES, RULES, Load, Realm, Ripas, rim, steps  # noqa: E402
from tap import tap  # noqa: E402

USAGE = "usage: tests/cli/part-rim.py FOLDER    in the toolchain root, at the top of the tree"
REALMKEY = "build/native/userspace/cli/realmkey"    # with sanitizers

MIB = 1 << 20
GIB = 1 << 30
work = ""


# --- commands ---------------------------------------------------------------------------------


def path(name):
    return os.path.join(work, name)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)


def run(*words, stdin=b""):
    return subprocess.run(words, input=stdin, capture_output=True, timeout=120, check=False)


def output(*words, stdin=b""):
    """Standard output of a tool that must not fail."""
    result = run(*words, stdin=stdin)
    if result.returncode:
        raise RuntimeError(f"{' '.join(words)}: {result}")
    return result.stdout


def realmkey(*words, stdin=b""):
    return run(REALMKEY, "rim", *words, stdin=stdin)


def predicted(words, hash_name=None):
    """The RIM that the tool prints, or what it printed instead of one."""
    result = realmkey(*(["--hash", hash_name] if hash_name else []), *words)
    if result.returncode or result.stderr:
        return result
    return base64.b64decode(result.stdout)


def predicted_json(words):
    return json.loads(output(REALMKEY, "rim", "--json", *words))


# --- files that a realm could boot ------------------------------------------------------------


def image(size, memory=None, text_offset=0):
    """An arm64 Image, as far as its header goes."""
    header = struct.pack("<8xQQ32x4s4x", text_offset, size if memory is None else memory, b"ARMd")
    return header + os.urandom(size - len(header))


def tree(name, base, size, cpus, chosen='bootargs = "quiet";'):
    """A device tree of a realm with RAM at @base."""
    nodes = "".join(f'cpu@{n} {{ device_type = "cpu"; reg = <{n}>; }};' for n in range(cpus))
    source = f"""/dts-v1/; / {{ #address-cells = <2>; #size-cells = <2>;
        memory@0 {{ device_type = "memory"; reg = <0 {base:#x} 0 {size:#x}>; }};
        cpus {{ #address-cells = <1>; #size-cells = <0>; {nodes} }};
        chosen {{ {chosen} }}; }};"""
    write(name, output("dtc", "-q", "-I", "dts", "-O", "dtb", "-", stdin=source.encode()))


def fdtget(*words):
    return " ".join(output("fdtget", *words).decode().split())


def realm_of(kernel, initrd, dtb, ripas, *, flags=0, s2sz=33, num_bps=1, num_wps=1):
    """A realm of Image, initrd and out.dtb, loaded at these IPAs once all RAM has its RIPAS."""
    calls = [Ripas(*part) for part in ripas]
    calls += [Load(kernel, read("Image")), Load(initrd, read("initrd")), Load(dtb, read("out.dtb"))]
    return Realm(flags, s2sz, num_bps, num_wps, calls, pc=kernel, x0=dtb)


def compared(text, words, make_realm):
    """The tool and rim_rules.py have the same RIM for each hash and each version of the rules.

    @make_realm is called after the tool has written out.dtb.
    """
    for hash_name in HASHES:
        for rules in RULES:
            got = predicted([*words, "--rmm", rules], hash_name)
            want = rim(make_realm(), hash_name, rules)
            tap.same(f"{text}, {hash_name}, rules of {rules}: both have the same RIM", want, got)


# --- the checks -------------------------------------------------------------------------------


def words_of(vmm, dtb, *more, initrd=True):
    words = ["--vmm", vmm, "--kernel", path("Image"), "--dtb", path(dtb)]
    return words + (["--initrd", path("initrd")] if initrd else []) + list(more)


def bench():
    tree("bench.dtb", 0x40000000, GIB, 8)
    out = path("out.dtb")
    compared("a bench realm",
             words_of("bench", "bench.dtb", "--ram", "256M", "--cpus", "3", "--cmdline", "a b",
                      "--output-dtb", out),
             lambda: realm_of(0x40200000, 0x48000000, 0x4fe00000,
                              [(0x40000000, 0x50000000, 2 * MIB)]))
    tap.same("its tree has the CPUs of --cpus", "cpu@0 cpu@1 cpu@2",
             fdtget("-l", out, "/cpus"))
    tap.same("the RAM of --ram", f"0 {0x40000000} 0 {256 * MIB}",
             fdtget("-t", "u", out, "/memory@0", "reg"))
    tap.same("the arguments of --cmdline after its own", "quiet a b",
             fdtget(out, "/chosen", "bootargs"))
    tap.same("and the place of the initramfs", f"0 {0x48000000} 0 {0x48000000 + 5001}",
             fdtget("-t", "u", out, "/chosen", "linux,initrd-start", "/chosen", "linux,initrd-end"))
    realmkey(*words_of("bench", "out.dtb", "--output-dtb", path("again.dtb")))
    tap.check("a complete tree stays as it is", read("out.dtb") == read("again.dtb"))


def kvmtool():
    tree("kvmtool.dtb", 0x80000000, 64 * MIB, 2)
    out = path("out.dtb")
    words = words_of("kvmtool", "kvmtool.dtb", "--realm-params", "num_bps=5,num_wps=3",
                     "--cmdline", "console=hvc0", "--output-dtb", out)
    tap.same("kvmtool's own hash is SHA-256", "sha-256", predicted_json(words)["hash-algorithm"])
    compared("a kvmtool realm", words,
             lambda: realm_of(0x80000000, 0x83e00000 - 5004, 0x83e00000,
                              [(0x80000000, 0x84000000, 2 * MIB)], num_bps=5, num_wps=3))
    tap.same("its tree is loaded with 64 KiB", 65536, len(read("out.dtb")))
    tap.same("and has the arguments of --cmdline only", "console=hvc0",
             fdtget(out, "/chosen", "bootargs"))
    large = predicted_json([*words, "--ram", "4G"])
    tap.same("with 4 GiB IPAs are wider, and the tree stays below 256 MiB", (34, "0x8fe00000"),
             (large["ipa-bits"], large["loaded"][2]["ipa"]))


def qemu():
    tree("qemu.dtb", 0x40000000, GIB, 2)
    words = words_of("qemu", "qemu.dtb", "--realm-params", "num_bps=1,num_wps=1,sve_vl=0",
                     "--ram", "1026M", "--output-dtb", path("out.dtb"))
    tap.same("QEMU's own hash is SHA-512", "sha-512", predicted_json(words)["hash-algorithm"])
    compared("a QEMU realm, RAM in large blocks", words,
             lambda: realm_of(0x40000000, 0x48000000, 0x48200000,
                              [(0x40000000, 0x80000000, GIB), (0x80000000, 0x80200000, 2 * MIB)],
                              flags=2, s2sz=41))


def tree_of_ours(vmm, hash_name, make_realm):
    """The tree in dts/ unchanged, everything else by the VMM's defaults."""
    source = output("cpp", "-P", "-nostdinc", "-undef", "-x", "assembler-with-cpp",
                    f"dts/realm-{vmm}.dts")
    write(f"realm-{vmm}.dtb", output("dtc", "-q", "-I", "dts", "-O", "dtb", "-", stdin=source))
    got = predicted(words_of(vmm, f"realm-{vmm}.dtb", "--realm-params", "num_bps=1,num_wps=1",
                             "--output-dtb", path("out.dtb")))
    tap.same(f"the realm of dts/realm-{vmm}.dts, {hash_name}: both have the same RIM",
             rim(make_realm(), hash_name, "1.0"), got)


def trees_of_ours():
    tree_of_ours("kvmtool", "sha256",
                 lambda: realm_of(0x80000000, 0x8fe00000 - 5004, 0x8fe00000,
                                  [(0x80000000, 0xc0000000, 2 * MIB)]))
    tree_of_ours("qemu", "sha512",
                 lambda: realm_of(0x40000000, 0x48000000, 0x48200000,
                                  [(0x40000000, 0x80000000, GIB)], s2sz=41))


def branches():
    """What branches of kvmtool do in another way; the kernel's memory ends at 0x80204000."""
    image_name, size = path("memory"), 10000
    write("memory", image(size, memory=0x203001))
    words = ["--kernel", image_name, "--initrd", path("initrd"), "--dtb", path("kvmtool.dtb"),
             "--realm-params", "num_bps=5,num_wps=3", "--output-dtb", path("out.dtb")]
    kernel, initrd, dtb = 0x80000000, 0x83e00000 - 5004, 0x83e00000
    pages = 0x83dfe000

    def calls(name):
        ram = Ripas(kernel, 0x84000000, 2 * MIB)
        files = [Load(kernel, read("memory")), Load(initrd, read("initrd")),
                 Load(dtb, read("out.dtb"))]
        if name == "kvmtool-64k":
            return [ram] + [Load(file.ipa, file.data, 65536) for file in files]
        if name == "kvmtool-eac5":
            return [files[0], Ripas(0x80003000, 0x80200000, 4096),
                    Ripas(0x80200000, 0x80204000, 4096), *files[1:]]
        if name == "kvmtool-2023":
            return [Ripas(kernel, 0x80200000, 2 * MIB), Ripas(0x80200000, 0x80204000, 4096),
                    files[0], Ripas(pages, dtb, 4096), files[1],
                    Ripas(dtb, dtb + 65536, 4096), files[2]]
        return [ram, *files]

    rims = set()
    for name in ("kvmtool", "kvmtool-64k", "kvmtool-eac5", "kvmtool-2023"):
        compared(f"a realm of {name}", ["--vmm", name, *words],
                 lambda name=name: Realm(0, 33, 5, 3, calls(name), pc=kernel, x0=dtb))
        rims.add(predicted(["--vmm", name, *words]))
    tap.same("all of these branches have different RIMs", 4, len(rims))
    orders = {"ram-first": "kvmtool", "per-file": "kvmtool-2023", "bss-only": "kvmtool-eac5"}
    for order, name in orders.items():
        tap.same(f"--ripas-order {order} is what {name} does", predicted(["--vmm", name, *words]),
                 predicted(["--vmm", "kvmtool", "--ripas-order", order, *words]))
        tap.same("whatever the branch", predicted(["--vmm", name, *words]),
                 predicted(["--vmm", "kvmtool-eac5", "--ripas-order", order, *words]))
    compared("QEMU, if it set the RIPAS by file",
             words_of("qemu", "qemu.dtb", "--realm-params", "num_bps=1,num_wps=1",
                      "--ripas-order", "per-file", "--output-dtb", path("out.dtb")),
             lambda: Realm(0, 41, 1, 1,
                           [Ripas(0x40000000, 0x40003000, 4096), Load(0x40000000, read("Image")),
                            Ripas(0x48000000, 0x48002000, 4096), Load(0x48000000, read("initrd")),
                            Ripas(0x48200000, 0x48200000 + (len(read("out.dtb")) + 4095) // 4096
                                  * 4096, 4096), Load(0x48200000, read("out.dtb"))],
                           pc=0x40000000, x0=0x48200000))


def explained(words):
    """The lines of --explain, without the last one, which is the RIM."""
    return output(REALMKEY, "rim", "--explain", *words).decode().splitlines()


def explain():
    words = words_of("kvmtool", "kvmtool.dtb", "--realm-params", "num_bps=5,num_wps=3",
                     "--output-dtb", path("out.dtb"))
    for hash_name in HASHES:
        for rules in RULES:
            *lines, last = explained([*words, "--hash", hash_name, "--rmm", rules])
            want = steps(realm_of(0x80000000, 0x83e00000 - 5004, 0x83e00000,
                                  [(0x80000000, 0x84000000, 2 * MIB)], num_bps=5, num_wps=3),
                         hash_name, rules)
            tap.same(f"--explain has the steps of {hash_name}, rules of {rules}", want, lines)
            tap.same("and the RIM after them", want[-1].rpartition("=")[2],
                     base64.b64decode(last).hex())
    found = predicted_json([*words, "--explain"])["steps"]
    want = [dict([("what", line.split()[1])] + [word.split("=") for word in line.split()[2:]])
            for line in explained(words)[:-1]]
    tap.same("with --json they are objects", want, found)
    tap.same("which are not there without --explain", None, predicted_json(words).get("steps"))


def compared_lists(*words):
    """Status, lines of standard output, and standard error of --diff."""
    result = realmkey("--diff", *words)
    return result.returncode, result.stdout.decode().splitlines(), result.stderr.decode()


def diff():
    words = words_of("kvmtool", "kvmtool.dtb", "--realm-params", "num_bps=5,num_wps=3")
    lines = explained(words)
    write("a.steps", "\n".join(lines).encode())
    other = [line.replace("num_wps=0x3", "num_wps=0x4") for line in lines]
    write("params.steps", "\n".join(other).encode())
    write("console", "\r\n".join(["[    0.0] booting", *lines[:-1], "rmm: RIM"]).encode())
    write("short.steps", "\n".join(lines[:-2]).encode())
    count = len(lines) - 1
    same = (0, [f"the same {count} steps"], "")
    tap.same("a list is the same as itself", same, compared_lists(path("a.steps"), path("a.steps")))
    tap.same("and as its prediction", same, compared_lists(path("a.steps"), *words))
    tap.same("a list in a console log", same, compared_lists(path("console"), path("a.steps")))
    status, out, err = compared_lists(path("a.steps"), path("params.steps"))
    tap.same("another parameter is found",
             (7, ["step 1 differs: num_wps", f"A: {lines[0]}", f"B: {other[0]}"]), (status, out))
    tap.same("and named in the error",
             "realmkey: rim: the measurements differ from step 1 on: num_wps\n", err)
    status, out, err = compared_lists(path("short.steps"), path("a.steps"))
    tap.same("a list that ends early is found",
             (7, [f"step {count} differs: end", "A: (no more steps)", f"B: {lines[-2]}"]),
             (status, out))
    data = bytearray(read("Image"))
    data[5000] ^= 1
    write("flipped", data)
    flipped = [path("flipped") if word == path("Image") else word for word in words]
    status, out, err = compared_lists(path("a.steps"), *flipped)
    tap.same("a flipped bit is found in its page",
             (7, "differs: content", "data ipa=0x80001000"),
             (status, out[0].partition(" ")[2].partition(" ")[2], out[1][8:][:19]))
    status, out, err = compared_lists(path("a.steps"), *words, "--ripas-order", "bss-only")
    tap.same("another order is found", (7, "step 2 differs: what"), (status, out[0]))
    status, out, err = compared_lists(path("a.steps"), *words, "--ram", "66M")
    tap.same("so is other RAM", (7, "step 34 differs: what"), (status, out[0]))
    result = realmkey("--json", "--diff", path("a.steps"), path("params.steps"))
    found = json.loads(result.stdout)
    tap.same("as JSON", (7, False, 0, "num_wps", "0x3", "0x4"),
             (result.returncode, found["same"], found["same-steps"], found["differs"],
              found["a"]["num_wps"], found["b"]["num_wps"]))
    found = json.loads(output(REALMKEY, "rim", "--json", "--diff", path("a.steps"),
                              path("a.steps")))
    tap.same("or that they are the same", {"same": True, "same-steps": count}, found)
    tfrmm_steps()


# How the records of TF-RMM's measurements call what a list of steps has.
TFRMM = {"REALM_CREATE": "params", "RTT_INIT_RIPAS entry": "ripas", "DATA_CREATE": "data",
         "REC_CREATE": "rec"}


def tfrmm_steps():
    """Records of TF-RMM as a list; only what both have is compared."""
    with open("tests/vectors/tfrmm-fakehost/measurements.json", encoding="ascii") as file:
        run_of_tfrmm = json.load(file)["v0.8.0"][0]
    lines = []
    for what, fields, value in run_of_tfrmm["steps"]:
        fields = {"flags" if name == "flags0" else name: number for name, number in fields.items()
                  if name not in ("content", "gprs")}
        words = " ".join(f"{name}={number}" for name, number in fields.items())
        lines.append(f"step {TFRMM[what]} {words} rim={value}")
    write("tfrmm.steps", "\n".join(lines).encode())
    write("other.steps", "\n".join(lines).replace("top=0x4000", "top=0x5000").encode())
    status, out, _ = compared_lists(path("tfrmm.steps"), path("other.steps"))
    tap.same("a step of TF-RMM that differs is found", (7, ["step 4 differs: top",
                                                            f"A: {lines[3]}"]), (status, out[:2]))


def from_tree():
    """--from-dtb measures the tree of a realm as it is."""
    write("page", bytes(4096))
    tree("far.dtb", 0x40000000, 128 * MIB, 2,
         "linux,initrd-start = <0x50000000>; linux,initrd-end = <0x50001000>;")
    tree("near.dtb", 0x80000000, 128 * MIB, 2,
         "linux,initrd-start = <0x80004000>; linux,initrd-end = <0x80005000>;")
    words = ["--initrd", path("initrd"), "--realm-params", "num_bps=5,num_wps=3"]
    first = predicted_json(["--vmm", "kvmtool", "--kernel", path("Image"), "--dtb",
                            path("kvmtool.dtb"), "--cmdline", "a b", "--ram", "128M",
                            "--output-dtb", path("out.dtb"), *words])
    again = predicted_json(["--vmm", "kvmtool", "--kernel", path("Image"), "--from-dtb",
                            path("out.dtb"), *words])
    tap.same("the tree that a realm got has everything", first, again)
    moved = 0x87000002
    tree("moved.dtb", 0x80000000, 128 * MIB, 2,
         f"linux,initrd-start = <{moved:#x}>; linux,initrd-end = <{moved + 5001:#x}>;")
    write("moved.dtb", read("moved.dtb").ljust(65536, b"\0"))
    got = predicted(["--vmm", "kvmtool", "--kernel", path("Image"), "--from-dtb",
                     path("moved.dtb"), *words])
    write("out.dtb", read("moved.dtb"))
    tap.same("an initramfs is where the tree says",
             rim(realm_of(0x80000000, moved, 0x87e00000, [(0x80000000, 0x88000000, 2 * MIB)],
                          num_bps=5, num_wps=3), "sha256", "1.0"), got)
    genuine()


def genuine():
    """The tree of a realm of TF-RMM v0.8.0, KVM and kvmtool: our layout is that of kvmtool.

    The kernel and the initramfs of that realm are not in the tree, so others stand for them here. The
    RIM of its token is the one that was predicted when it ran, with its own files.
    """
    name = "tests/vectors/tfrmm-realm/genuine-v0.8.0-realm.dtb"
    with open(name, "rb") as file:
        write("genuine.dtb", file.read())
    size = 0x8fdffffc - 0x8e319fcc
    write("genuine.initrd", bytes(size))
    words = ["--vmm", "kvmtool", "--kernel", path("Image"), "--initrd", path("genuine.initrd"),
             "--realm-params", "num_bps=5,num_wps=3"]
    found = predicted_json([*words, "--from-dtb", name])
    tap.same("the tree of a genuine realm has its RAM, CPUs and addresses",
             (512 * MIB, 2, 33, ["0x80000000", "0x8e319fcc", "0x8fe00000"], 65536),
             (found["ram"], found["cpus"], found["ipa-bits"],
              [file["ipa"] for file in found["loaded"]], found["loaded"][2]["size"]))
    same = predicted_json([*words, "--dtb", name, "--output-dtb", path("out.dtb")])
    tap.same("where this tool puts the initramfs as well", found, same)
    tap.check("which does not change that tree", read("genuine.dtb") == read("out.dtb"))
    token = "tests/vectors/tfrmm-realm/genuine-v0.8.0-sha256-token.cbor"
    shown = json.loads(output(REALMKEY, "token", "show", "--json", token))["realm"]
    tap.same("the token of that realm has the hash of this prediction and the RIM that was predicted",
             (found["hash-algorithm"],
              "45a71eeeb783b7649364824a82d8e84412c92acdefc2adf843cf3b24bdd45cf3"),
             (shown["hash-algo-id"], shown["initial-measurement"]))


def params():
    everything = "num_bps=5,num_wps=3,flags=0x6,s2sz=36,sve_vl=4,pmu_num_ctrs=31"
    words = words_of("kvmtool", "kvmtool.dtb", "--realm-params", initrd=False)
    found = predicted_json([*words, everything])["realm-params"]
    tap.same("JSON has all realm parameters",
             {"flags": "0x6", "s2sz": 36, "sve_vl": 4, "num_bps": 5, "num_wps": 3,
              "pmu_num_ctrs": 31}, found)
    found = predicted_json([*words, "num_bps=1,num_wps=1,sve_vl=0"])["realm-params"]
    tap.same("and those that follow from others", ("0x2", 33), (found["flags"], found["s2sz"]))
    result = realmkey("--json", *words, "s2sz=36", "--rmm", "2.0")
    tap.check("2.0 requires no parameter that it does not measure",
              result.returncode == 0 and not result.stderr and b'"ipa-bits": 36' in result.stdout,
              result)
    found = predicted_json([*words, everything, "--rmm", "2.0"])
    tap.same("but no parameters where they are not measured", (5, None),
             (len(found["cmdline"]), found.get("realm-params")))


def bits():
    """Any changed bit results in another RIM."""
    tree("out.dtb", 0x40000000, GIB, 2)
    words = words_of("bench", "out.dtb")
    first = predicted(words, "sha256")
    places = [("Image", 64), ("Image", 9999), ("initrd", 0), ("initrd", 4096), ("initrd", 5000),
              ("out.dtb", read("out.dtb").index(b"quiet"))]
    others = set()
    for name, offset in places:
        data = bytearray(read(name))
        data[offset] ^= 1
        write("flipped", data)
        other = predicted([path("flipped") if word == path(name) else word for word in words],
                          "sha256")
        if isinstance(other, bytes) and len(other) == 32 and other != first:
            others.add(other)
    tap.same("a changed bit of kernel, initramfs or tree results in another RIM",
             len(places), len(others))

    piped = ["-" if word == path("out.dtb") else word for word in words]
    result = realmkey("--json", *piped, stdin=read("out.dtb"))
    tap.check("a tree from standard input", result.returncode == 0, result)
    tap.same("results in the same RIM", first.hex(), json.loads(result.stdout)["rim"])
    found = predicted_json(words)
    tap.same("JSON has what was measured", (first.hex(), GIB, 2, "bench", "0x48000000"),
             (found["rim"], found["ram"], found["cpus"], found["vmm"], found["loaded"][1]["ipa"]))


# Abbreviations in REFUSED; any other @NAME is a file in the work folder.
SHORT = {
    "@bench": "--vmm bench --kernel @Image --dtb @bench.dtb",
    "@bench-of": "--vmm bench --kernel @Image --dtb",
    "@bench-from": "--vmm bench --kernel @Image --from-dtb",
    "@kvmtool": "--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params",
    "@qemu": "--vmm qemu --kernel @Image --dtb @qemu.dtb --realm-params",
}

# status | part of the line on standard error | words
REFUSED = """
2|--kernel needs --vmm|--kernel /nonexistent
2|--cpus needs --vmm|--cpus 2
2|no 'xen'; there are bench, kvmtool, kvmtool-64k, kvmtool-eac5, kvmtool-2023, qemu|--vmm xen
2|--from-dtb needs --vmm|--from-dtb @out.dtb
2|--explain needs --vmm|--explain
2|--ripas-order needs --vmm|--ripas-order per-file
2|--ripas-order: no 'up'; there are ram-first, per-file, bss-only|@bench --ripas-order up
2|--from-dtb and --dtb exclude each other|@bench --from-dtb @bench.dtb
2|--from-dtb and --ram exclude each other|@bench-from @bench.dtb --ram 1G
2|--from-dtb and --cpus exclude each other|@bench-from @bench.dtb --cpus 1
2|--from-dtb and --cmdline exclude each other|@bench-from @bench.dtb --cmdline a
12|initrd: 5001 bytes, and by the tree of --from-dtb the realm got 0|@bench-from @bench.dtb --initrd @initrd
12|initrd: 4096 bytes at 0x50000000 do not end before 0x48000000|@bench-from @far.dtb --initrd @page
12|names an initramfs; which?|@bench-from @initrd.dtb
12|initrd: kvmtool-64k puts it at 0x80004000, where|--vmm kvmtool-64k --kernel @Image --initrd @page --from-dtb @near.dtb --realm-params num_bps=1,num_wps=1
2|'A' is one argument too many|A
2|--diff needs two lists of steps, or one list and --vmm|--diff A
2|--diff needs two lists of steps, or one list and --vmm|--diff
2|--diff needs two lists of steps, or one list and --vmm|@bench --diff A B
2|--diff and --explain exclude each other|@bench --diff A --explain
12|No such file|--diff /nonexistent @zeros
12|no line begins with "step "|--diff @zeros @zeros
12|malformed step: step data ipa=|--diff @bad.steps @bad.steps
2|--kernel and --dtb are required|--vmm bench --kernel @Image
2|exclude each other|--vmm bench --source device
2|--rmm: no '3.0'|@bench --rmm 3.0
2|--hash: no 'md5'|@bench --hash md5
2|--ram: 'lots' is not a size|@bench --ram lots
2|--ram: '1T': a size ends in|@bench --ram 1T
2|is too much|@bench --ram 99999999999G
2|--cpus: '0' is not a number|@bench --cpus 0
2|--realm-params: the host decides|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb
2|num_bps and num_wps are required|@kvmtool num_bps=1
2|--realm-params: s2sz=13: RAM ends at 0x84000000, and what is protected at 0x1000|@kvmtool num_bps=1,num_wps=1,s2sz=13
2|--realm-params: s2sz=32: RAM ends|@kvmtool num_bps=1,num_wps=1,s2sz=32
2|'' is not NAME=N|@kvmtool num_bps=1,num_wps=1,
2|'' is not NAME=N|--vmm kvmtool --kernel @Image --dtb @kvmtool.dtb --realm-params= --rmm 2.0
2|num_bps is given twice|@kvmtool num_bps=1,num_bps=2,num_wps=1
2|s2sz is 1 to 52|@kvmtool num_bps=1,num_wps=1,s2sz=0
2|num_wps is 0 to 63|@kvmtool num_bps=1,num_wps=64
2|'color=1' is not NAME=N|@kvmtool color=1
2|--realm-params: those of bench are known|@bench --realm-params num_bps=1,num_wps=1
12|kernel: |--vmm bench --kernel /nonexistent --dtb @bench.dtb
12|kernel: -: No such file|--vmm bench --kernel - --dtb @bench.dtb
12|not a regular file|--vmm bench --kernel /dev/zero --dtb @bench.dtb
12|not an arm64 Image|--vmm bench --kernel @zeros --dtb @bench.dtb
12|not an arm64 Image|--vmm bench --kernel @bench.dtb --dtb @bench.dtb
12|text_offset is 0x80000|--vmm qemu --kernel @offset --dtb @qemu.dtb --realm-params num_bps=1,num_wps=1
12|initrd: bench puts it at 0x48000000, where|--vmm bench --kernel @huge --initrd @initrd --dtb @bench.dtb
12|dtb: bench puts it at 0x4fe00000, where|--vmm bench --kernel @huge --dtb @bench.dtb
12|kernel: larger than the realm's RAM|--vmm bench --kernel @huge --dtb @bench.dtb --ram 16M
12|do not end before 0x44000000, where RAM does|@bench --ram 64M
12|RAM of 2147483648 bytes: bench has up to 1024 MiB|@bench --ram 2G
12|bytes: kvmtool has up to 1048576 MiB|@kvmtool num_bps=1,num_wps=1 --ram 17000000000G
12|in steps of 2|@bench --ram 513M
12|not a device tree|@bench-of @Image
12|not a device tree|@bench-of @cut.dtb
12|memory begins at 0x80000000|@bench-of @kvmtool.dtb
12|kaslr-seed differs from boot to boot|@bench-of @seed.dtb
12|names an initramfs; which?|@bench-of @initrd.dtb
12|bootargs are not UTF-8|--json @bench-of @bytes.dtb
12|the tree has 2 CPUs, not 3 (there can be fewer)|@bench-of @out.dtb --initrd @initrd --cpus 3
12|9 CPUs: bench has up to 8|@bench-of @twice.dtb
12|the tree has 2 CPUs, not 1|@qemu num_bps=1,num_wps=1 --cpus 1
"""


def refused(status, pattern, words):
    """That status, nothing on standard output, and one line on standard error with the pattern."""
    result = realmkey(*(path(word[1:]) if word.startswith("@") else word for word in words))
    tap.check(f"refused: {' '.join(words)}",
              result.returncode == status and not result.stdout and
              result.stderr.count(b"\n") == 1 and pattern.encode() in result.stderr,
              f"wanted status {status} and {pattern!r}\n{result}")


def wrong():
    write("zeros", bytes(100))
    write("huge", image(10000, memory=0x10000000))
    write("offset", image(10000, text_offset=0x80000))
    tree("seed.dtb", 0x40000000, GIB, 2, "kaslr-seed = <1 2>;")
    tree("initrd.dtb", 0x40000000, GIB, 2,
         "linux,initrd-start = <0x48000000>; linux,initrd-end = <0x48001000>;")
    tree("twice.dtb", 0x40000000, GIB, 9)
    tree("bytes.dtb", 0x40000000, GIB, 2, "bootargs = [61 ff 00];")
    write("cut.dtb", read("bench.dtb")[:200])
    write("bad.steps", b"step data ipa=\n")
    result = realmkey(*words_of("bench", "bytes.dtb", initrd=False))
    tap.check("bootargs of any bytes are measured",
              result.returncode == 0 and not result.stderr and b"=" in result.stdout, result)
    for row in REFUSED.strip().splitlines():
        status, pattern, words = row.split("|")
        words = " ".join(SHORT.get(word, word) for word in words.split())
        refused(int(status), pattern, words.split())


def main():
    global work
    if len(sys.argv) != 2:
        print(USAGE, file=sys.stderr)
        return 2
    if sys.argv[1] in ("-h", "--help"):
        print(USAGE)
        return 0
    work = sys.argv[1]
    write("Image", image(10000))
    write("initrd", os.urandom(5001))
    for part in (bench, kvmtool, qemu, trees_of_ours, branches, explain, diff, from_tree, params, bits,
                 wrong):
        try:
            part()
        except Exception:  # the other parts can still be checked
            tap.check(f"{part.__name__} ran to its end", False, traceback.format_exc())
    return 0 if tap.done() else 1


sys.exit(main())
