//! What a library under libamd_smi prints while a session is opened: libdrm_amdgpu says that it has no amdgpu.ids.

use super::client::{Client, OFF};
use super::common;
use super::source_selection::liar_over;
use std::path::PathBuf;
use std::process::Command;
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

const LINES: [&str; 6] = [
    "/opt/amdgpu/share/libdrm/amdgpu.ids: No such file or directory",
    "/usr/share/libdrm/amdgpu.ids: by write",
    "amdgpu.ids: by fputs",
    "amdgpu.ids: by dprintf",
    "amdgpu.ids: by perror: No such file or directory",
    "AMDSmiLibraryLoader: Fail to load the symbol simulated",
];

/// A libamd_smi that needs it.
fn library(sim: &Sim) -> PathBuf {
    let libdrm = sim.dir().join("libdrm_amdgpu.so.1");
    let mut cc = Command::new("cc");
    cc.args(["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-Wl,-soname,libdrm_amdgpu.so.1", "-o"]).arg(&libdrm);
    cc.arg(common::root().join("tests/c/libdrm_amdgpu.c"));
    assert!(cc.status().unwrap().success());
    let folder = format!("-Wl,-rpath,{}", sim.dir().display());
    liar_over(sim, &[libdrm, folder.into()])
}

/// It is in the log, once a line that is printed, and standard error is the host's alone.
#[test]
fn its_lines_do_not_reach_standard_error() {
    for rocm in ["6.3.3", "7.0.2", "7.13"] {
        let sim = Sim::start("mi300x-8", rocm, &["stderr_noise = true", "init.delay_ms = 200"]).unwrap();
        let library = library(&sim);
        let program = common::c_program("stderr_capture");
        let host_lines = |backend: &str| {
            let mut command = sim.command(&program);
            let out = command.env("ZEUS_AMD_BACKEND", backend).env("ZEUS_AMD_AMDSMI", &library).output().unwrap();
            let (stdout, stderr) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
            assert!(out.status.success(), "{rocm} {backend}: {stderr}");
            for line in LINES {
                assert!(stdout.contains(&format!("printed at open: {line}")), "{rocm} {backend} {line}: {stdout}");
            }
            common::host_lines(&stderr)
        };
        for backend in ["auto", "amdsmi"] {
            // On a busy machine the host may print few.
            assert!(happens(|| host_lines(backend) > 5), "{rocm} {backend}");
        }
    }
}

/// Where the session fails, it is in the error.
#[test]
fn its_lines_are_in_the_error() {
    let sim = Sim::start("mi300x-8", "7.13", &["init.status = 6"]).unwrap();
    let library = library(&sim);
    let start = |backend: &str| {
        let mut command = sim.command(Client::program());
        command.env("ZEUS_AMD_BACKEND", backend).env("ZEUS_AMD_AMDSMI", &library).arg(OFF);
        Client::start(command)
    };
    start("amdsmi").ask("open").fails(-10, LINES[0]);
    let mut auto = start("auto");
    auto.ask("open").ok();
    assert!(auto.ask("explain").text.contains(LINES[0]));
}
