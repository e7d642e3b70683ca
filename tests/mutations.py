#!/usr/bin/env python3
"""Breaks the library on purpose, one fault at a time, and shows which test finds it. Outside CI: about a minute each, eight where a
test waits for what does not happen.

    tests/mutations.py [NAME...]

The library is built from a clone of what is committed, in target/mutations; the tests are those of target, once built, with
that library beside them. Fails if a fault is not found, or if a line that it changes is no longer there.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
HERE = TARGET / "mutations"
TREE, BUILD, RUN = HERE / "tree", HERE / "build", HERE / "run"

# Name, file, what is there, what replaces it, and the tests that run.
MUTATIONS = [
    ("wrong layout", "src/amdsmi/structs.rs", "pub struct PowerInfoV3 {\n    pub socket_power: u64,",
     "pub struct PowerInfoV3 {\n    pub socket_power: u32,", "readings::"),
    ("lost sample", "src/measure/sample_ring.rs", "        ring.push(sample);",
     "        if ring.taken % 50 != 49 {\n            ring.push(sample);\n        } else {\n            ring.taken += 1;\n        }", "sampler::"),
    ("unrestored cap", "src/control/power_limit.rs", "by.set_power_cap_uw(saved_uw)", "by.set_power_cap_uw(saved_uw).or(Ok(()))?;\n        by.set_power_cap_uw(saved_uw - 1_000_000)", "guard::"),
    ("unlocked vendor call", "src/amdsmi/call_lock.rs", "let taken = free % 2 == 0 &&", "let taken = free % 2 == 0 ||", "threads::eight_threads_at_rocm_6_3_1 call_lock::"),
    ("rounded resolution", "src/energy/units.rs", "1e6 / 65536.0", "15.3", "windows::"),
    ("no wraparound", "src/energy/tracker.rs", "if self.bits != 32 {", "if self.bits != 31 {", "windows::"),
    ("masks in the wrong order", "src/topology/visibility.rs", "= hip(&mask, &agents, gpus, rules);",
     "= hip(&mask, &(0..gpus.len()).collect::<Vec<_>>(), gpus, rules);", "device_order::"),
    ("a secondary die that counts", "src/topology/package.rs", "roles[i] = Role::SecondaryDie { primary: primary_of(i, enumeration, dies) };",
     "roles[i] = Role::PrimaryDie;", "device_order:: windows::"),
    ("each partition counted", "src/topology/package.rs", "_ => Role::SecondaryPartition { first: first_of(gpu) },",
     "_ => Role::Single,", "device_order:: windows::"),
    ("old values not flagged", "src/device/staleness.rs", "Ok((age > STALE_AFTER_NS).then_some(age))", "Ok(None)", "errors:: backends::"),
    ("cap in the wrong unit", "src/amdsmi/releases.rs", "        cap_unit: CapUnit::Watt,\n        cap_drops_digit: true,\n        metrics_cached_forever: true,",
     "        cap_drops_digit: true,\n        metrics_cached_forever: true,", "control:: readings::rocm_6_0_0"),
    ("range not checked", "src/control/power_limit.rs", "if !(min..=max).contains(&wanted) {", "if min > max {", "control::"),
    ("not read back", "src/control/power_limit.rs", "if is_done(&now) {", "if now.is_ok() {", "control::"),
    ("a child that goes on", "src/platform/fork.rs", "Some(page) => page.load(Ordering::Relaxed) == token,", "Some(_) => true,", "process::"),
    ("struct size ignored", "src/capi/structs.rs", "let known = self.caller_size.min(own_size);", "let known = own_size;", "ffi_contract::every_struct_size structs::"),
    ("environment of a setuid program", "src/session/options.rs", "let trusted = !fork::is_privileged_start();", "let trusted = true;", "process::"),
    ("temperature of another sensor", "src/amdsmi/functions.rs", "            Ok(celsius)\n", "            Ok(celsius + 1)\n", "threads::eight_threads"),
    ("resolution error left out", "src/energy/interval.rs", "(reported_pj, reported_pj.abs_diff(firmware_pj))", "(reported_pj, 0)", "windows:: interval::"),
    ("edges left out", "src/energy/interval.rs", "power_pj(max_power_mw, excess_ns.max(missing_ns))", "power_pj(max_power_mw, 0)", "windows::"),
    ("last error of all threads", "src/capi/last_error.rs", "        last.length = 0;\n        let _ = last.write_fmt(message);",
     "        let _ = last.write_fmt(message);", "last_error::"),
    ("panics leave", "src/capi/panic.rs", "let done = broken::contain(body);", "let done = Some(body());", "panic::"),
    ("a counter that stands is trusted", "src/energy/tracker.rs", "    pub fn is_stuck(&self) -> bool {\n", "    pub fn is_stuck(&self) -> bool {\n        return false;\n        #[allow(unreachable_code)]\n", "counter_validation:: windows::"),
    ("the power of one end for both", "src/energy/tracker.rs", "powers_mw: [last.power_mw, sample.power_mw],",
     "powers_mw: [powers.0, powers.1],", "energy::plausibility::"),
    ("a handle that is not proved", "src/amdsmi/api.rs", "                    Ok(true) => return Ok(result),\n",
     "                    _ if true => return Ok(result),\n", "foreign::a_handle_that_changes"),
    ("settings by handles", "src/control/controller.rs", "if self.prefers_sysfs && self.files.are_writable(what) {",
     "if self.prefers_sysfs && what.is_empty() {", "control:: foreign::auto foreign::a_guest"),
    ("the upper bound always first", "src/control/writer.rs", "order.into_iter().rev().try_for_each(set)", "Err(status)", "control::"),
    ("the other clock comes back", "src/control/clocks.rs", "kept.filter(|_| !is_kept(&now))", "kept.filter(|_| false)", "control::"),
    ("equal bounds given up", "src/control/clocks.rs", "filter(|b| min_mhz == max_mhz && is_allowed(b))", "filter(|b| min_mhz > max_mhz && is_allowed(b))", "control::"),
    ("determinism by level manual", "src/control/restore_clocks.rs", "let _ = by.set_determinism_mhz(bounds.max_mhz);", "", "guard::a_determinism"),
    ("levels without the current one", "src/amdsmi/releases.rs", "skips_current_level: true", "skips_current_level: false", "source_selection::levels"),
    ("a change by a handle that moves", "src/amdsmi/api.rs", "matches!(self, SetPowerCap | SetClkLimit | SetClkRange | SetPerfLevel)",
     "matches!(self, SetPowerCap | SetClkLimit | SetClkRange | SetPerfLevel) && false", "foreign::a_handle_that_changes_before"),
    ("masked render nodes", "src/sysfs/drm.rs", "return Err(Error::RenderNode { path: path.display().to_string() });", "", "errors::a_masked"),
    ("powers of any age", "src/device/source/amdsmi.rs", "let is_sure = time_ns.is_some() && !self.context.generation.needs_lock;", "let is_sure = true;", "backends:: any_machine::"),
    ("nobody waits at exit", "src/capi/at_exit.rs", "        amdsmi::close_at_exit(limit);\n", "", "sampler::return_from_main"),
    ("exit handlers from before init", "src/amdsmi/loader.rs", "if !self.calls.has_initialised() {", "if self.calls.has_initialised() {", "sampler::return_from_main"),
    ("times far ahead", "src/device/staleness.rs", "self.accept(TimePair { driver_ns, boot_ns })?;", "let _ = self.accept(TimePair { driver_ns, boot_ns });", "staleness:: backends::"),
    ("gaps not flagged", "src/measure/recorder.rs", "let is_gap = u128::from(since_ns) > asked_ns.max(STALL_NS.into());", "let is_gap = u128::from(since_ns) > asked_ns.max(u128::MAX - 1);", "cases:: sampler::"),
    ("what is printed at open", "src/amdsmi/loader.rs", "stderr_capture::install_filter()", "stderr_capture::install_filter().filter(|_| false)", "its_lines the_cause"),
    ("failed readings as evidence", "src/session/validation.rs", "(false, true) => self.restart(),", "(false, true) => {}",
     "counter_validation::failed_readings"),
    ("a watchdog that keeps memory", "src/restore/watchdog_child.rs", "if to.saturating_sub(from) >= LARGE {",
     "if (from..to) == memory {", "guard::a_watcher_holds"),
    ("a call that may hang", "src/amdsmi/api.rs", "if is_helper() || limit >= NO_LIMIT {", "if is_helper() || limit < NO_LIMIT {", "a_setter_that_hangs"),
]


def cargo(*words):
    environment = dict(os.environ, CARGO_TARGET_DIR=str(BUILD))
    return subprocess.run(["cargo", *words], cwd=TREE, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def prepare():
    """The tests as they are, in RUN; what is committed, in TREE."""
    for folder in TREE, RUN:
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, TREE], check=True)
    words = ["cargo", "test", "--locked", "--no-run", "--test", "suite"]
    built = subprocess.run(words, cwd=ROOT, check=True, text=True, stderr=subprocess.PIPE).stderr
    suite = pathlib.Path(re.search(r"\((\S+/suite-\w+)\)", built)[1])
    RUN.mkdir(parents=True)
    for file in suite, *suite.parent.glob("libzeus_amd_sim-*.a"):
        shutil.copy2(file, RUN)
    (RUN / "libzeus_amd.so.0").symlink_to("libzeus_amd.so")
    if not BUILD.exists():
        # Dependencies need not be built once more.
        shutil.copytree(TARGET / "debug", BUILD / "debug", symlinks=True, ignore=shutil.ignore_patterns("incremental"))
    return RUN / suite.name


def first_failure(program, tests, ran):
    """The first test that fails; the others are ended then. Adds to `ran` how many there were."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(TARGET), CARGO_MANIFEST_DIR=str(ROOT), ZEUS_AMD_SEED="1")
    tested = subprocess.Popen([program, *tests.split()], cwd=ROOT, env=environment, text=True, start_new_session=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    last = ""
    for line in tested.stdout:
        failed = re.search(r"^test (\S+) \.\.\. FAILED$", line)
        if failed:
            os.killpg(tested.pid, signal.SIGTERM)
            tested.communicate()
            return failed[1]
        last = line.strip() or last
        ran.extend(int(n) for n in re.findall(r"^running (\d+) tests?$", line))
    return None if tested.wait() == 0 else f"({last})"


def found_by(suite, tests):
    """The first test that fails, or the build's own check."""
    built = cargo("rustc", "--locked", "--lib", "--crate-type", "cdylib")
    if built.returncode != 0:
        if "evaluation panicked" in built.stdout or "evaluation of constant value failed" in built.stdout:
            return "the build: " + re.search(r"--> (\S+?):", built.stdout)[1]
        sys.exit(f"does not build:\n{built.stdout}")
    shutil.copy2(BUILD / "debug" / "libzeus_amd.so", RUN)
    ran = []
    found = first_failure(suite, tests, ran)
    if found:
        return found
    built = cargo("test", "--locked", "--no-run", "--lib")
    unit = re.search(r"\((\S+/zeus_amd-\w+)\)", built.stdout)
    if not unit:
        sys.exit(f"does not build:\n{built.stdout}")
    found = first_failure(TREE / unit[1], tests, ran)
    if not sum(ran):
        sys.exit(f"no test is named {tests}")
    return found


def main():
    chosen = [m for m in MUTATIONS if not sys.argv[1:] or m[0] in sys.argv[1:]]
    suite = prepare()
    missed = 0
    for name, file, old, new, tests in chosen:
        path = TREE / file
        text = path.read_text()
        if text.count(old) != 1:
            print(f"{name:34} {file} has the line {text.count(old)} times", flush=True)
            missed += 1
            continue
        path.write_text(text.replace(old, new))
        test = found_by(suite, tests)
        path.write_text(text)
        print(f"{name:34} {test or 'NOT FOUND'}", flush=True)
        missed += test is None
    print(f"{len(chosen) - missed} found, {missed} not")
    return missed != 0


sys.exit(main())
