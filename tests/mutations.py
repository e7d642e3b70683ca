#!/usr/bin/env python3
"""Breaks the library on purpose, one fault at a time, and shows which test finds it. Outside CI: about a minute each.

    tests/mutations.py [NAME...]

Works in a clone of what is committed, in target/mutations. Fails if a fault is not found, or if a line that it changes is no
longer there.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TREE = ROOT / "target" / "mutations" / "tree"

# Name, file, what is there, what replaces it, and the tests that run.
MUTATIONS = [
    ("wrong layout", "src/amdsmi/structs.rs", "pub struct PowerInfoV3 {\n    pub socket_power: u64,",
     "pub struct PowerInfoV3 {\n    pub socket_power: u32,", "readings::"),
    ("lost sample", "src/measure/sample_ring.rs", "        ring.push(sample);",
     "        if ring.taken % 50 != 49 {\n            ring.push(sample);\n        } else {\n            ring.taken += 1;\n        }", "sampler::"),
    ("unrestored cap", "src/control/power_limit.rs", "by.set_power_cap_uw(saved_uw)", "by.set_power_cap_uw(saved_uw).or(Ok(()))?;\n        by.set_power_cap_uw(saved_uw - 1_000_000)", "guard::"),
    ("unlocked vendor call", "src/amdsmi/call_lock.rs", "let taken = free % 2 == 0 &&", "let taken = free % 2 == 0 ||", "threads::"),
    ("rounded resolution", "src/energy/units.rs", "1e6 / 65536.0", "15.3", "windows::"),
    ("no wraparound", "src/energy/tracker.rs", "if self.bits != 32 {", "if self.bits != 31 {", "windows::"),
    ("masks in the wrong order", "src/topology/visibility.rs", "self::hip(&mask, &agents, gpus, rules)",
     "self::hip(&mask, &(0..gpus.len()).collect::<Vec<_>>(), gpus, rules)", "device_order::"),
    ("a secondary die that counts", "src/topology/package.rs", "roles[i] = Role::SecondaryDie { primary: primary_of(i, enumeration, dies) };",
     "roles[i] = Role::PrimaryDie;", "device_order:: windows::"),
    ("each partition counted", "src/topology/package.rs", "_ => Role::SecondaryPartition { first: first_of(gpu) },",
     "_ => Role::Single,", "device_order:: windows::"),
    ("old values not flagged", "src/device/staleness.rs", "Ok((age > STALE_AFTER_NS).then_some(age))", "Ok(None)", "errors:: backends::"),
    ("cap in the wrong unit", "src/amdsmi/releases.rs", "        cap_unit: CapUnit::Watt,", "        cap_unit: CapUnit::Microwatt,", "control:: readings::"),
    ("range not checked", "src/control/power_limit.rs", "if !(min..=max).contains(&wanted) {", "if min > max {", "control::"),
    ("not read back", "src/control/power_limit.rs", "if is_done(&now) {", "if now.is_ok() {", "control::"),
    ("a child that goes on", "src/platform/fork.rs", "Some(page) => page.load(Ordering::Relaxed) == token,", "Some(_) => true,", "process::"),
    ("struct size ignored", "src/capi/structs.rs", "let known = self.caller_size.min(own_size);", "let known = own_size;", "ffi_contract::"),
    ("environment of a setuid program", "src/session/options.rs", "let trusted = !fork::is_privileged_start();", "let trusted = true;", "process::"),
    ("temperature divided by 1000", "src/amdsmi/functions.rs", "            Ok(celsius)\n", "            Ok(celsius / 1000)\n", "readings::"),
    ("resolution error left out", "src/energy/interval.rs", "EnergyResolution::Reported => (reported_pj, reported_pj.abs_diff(firmware_pj)),",
     "EnergyResolution::Reported => (reported_pj, 0),", "windows:: interval::"),
    ("edges left out", "src/energy/interval.rs", "power_pj(max_power_mw, excess_ns.max(missing_ns))", "power_pj(max_power_mw, 0)", "windows::"),
    ("last error of all threads", "src/capi/last_error.rs", "        last.length = 0;\n        let _ = last.write_fmt(message);",
     "        let _ = last.write_fmt(message);", "errors:: ffi_contract::"),
    ("panics leave", "src/capi/panic.rs", "let done = catch_unwind(AssertUnwindSafe(body));",
     "let done: std::thread::Result<T> = Ok(body());", "ffi_contract::panic"),
    ("a counter that stands is trusted", "src/energy/tracker.rs", "    pub fn is_stuck(&self) -> bool {\n", "    pub fn is_stuck(&self) -> bool {\n        return false;\n        #[allow(unreachable_code)]\n", "counter_validation:: windows::"),
]


def run(*command, **more):
    return subprocess.run(command, cwd=TREE, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def found_by(tests):
    """The first test that fails, or how the build failed."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(TREE.parent / "build"), ZEUS_AMD_SEED="1")
    built = run("cargo", "test", "--locked", "--no-run", "--lib", "--test", "suite", env=environment)
    if built.returncode != 0:
        sys.exit(f"does not build:\n{built.stdout}")
    for target in ["--test=suite"], ["--lib"]:
        out = run("cargo", "test", "--locked", "--quiet", *target, "--", *tests.split(), env=environment).stdout
        failed = re.search(r"^(\S+) --- FAILED$|^test (\S+) \.\.\. FAILED$|^---- (\S+) stdout", out, re.M)
        if failed:
            return next(name for name in failed.groups() if name)
        if "test result: ok" not in out:
            return out.strip().splitlines()[-1]
    return None


def main():
    chosen = [m for m in MUTATIONS if not sys.argv[1:] or m[0] in sys.argv[1:]]
    TREE.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["rm", "-rf", TREE], check=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, TREE], check=True)
    missed = 0
    for name, file, old, new, tests in chosen:
        path = TREE / file
        text = path.read_text()
        if old not in text:
            print(f"{name:34} {file} has no such line", flush=True)
            missed += 1
            continue
        path.write_text(text.replace(old, new, 1))
        test = found_by(tests)
        path.write_text(text)
        print(f"{name:34} {test or 'NOT FOUND'}", flush=True)
        missed += test is None
    print(f"{len(chosen) - missed} found, {missed} not")
    return missed != 0


sys.exit(main())
