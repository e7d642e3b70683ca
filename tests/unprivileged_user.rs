//! The same programs as another user: settings are refused, everything readable is read.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

const GENERATIONS: [&str; 9] = ["6.0.0", "6.1.1", "6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"];
const NOBODY: u32 = 65534;

/// Programs and library in a folder that every user may enter.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    // A static is not dropped.
    extern "C" fn remove() {
        if let Some(folder) = FOLDER.get() {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::Builder::new().prefix("zeus-amd-rights").tempdir().unwrap();
            // SAFETY: a function without arguments.
            unsafe { libc::atexit(remove) };
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
            for name in ["control", "readings", "guard"] {
                std::fs::copy(common::c_program(name), folder.path().join(name)).unwrap();
            }
            std::fs::copy(common::deps().join("libzeus_amd.so"), folder.path().join("libzeus_amd.so.0")).unwrap();
            folder
        })
        .path()
}

/// The output of a program of `tests/c`, run as that user.
fn run(sim: &Sim, user: u32, program: &str, arguments: &str) -> String {
    let mut command: Command = sim.command(folder().join(program));
    command.env("LD_LIBRARY_PATH", folder()).args(arguments.split_whitespace());
    command.uid(user).gid(user).stdin(input(sim)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let out = command.output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    text
}

/// A newline, for the program that waits for one.
fn input(sim: &Sim) -> std::fs::File {
    let path: PathBuf = sim.dir().join("newline");
    std::fs::write(&path, "\n").unwrap();
    std::fs::File::open(path).unwrap()
}

#[test]
fn another_user_reads_everything_and_sets_nothing() {
    // SAFETY: only asks the kernel.
    assert_eq!(unsafe { libc::geteuid() }, 0, "this test needs root, to be another user: run the tests as root");
    for rocm in GENERATIONS {
        let sim = Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap();
        run(&sim, 0, "control", "gfx 2 600:900 limit 2 600000");
        let set = |sim: &Sim| sim.log().iter().filter(|l| l.contains(" FILE ")).count();
        // What stands for 250 ms is stale, and on a busy host one of the two programs may take longer than the other.
        sim.stop_clock();
        let both = || [0, NOBODY].map(|user| run(&sim, user, "readings", "x"));
        let [mut as_root, mut as_nobody] = both();
        let _ = as_root == as_nobody
            || happens(|| {
                [as_root, as_nobody] = both();
                as_root == as_nobody
            });
        sim.start_clock();
        assert_eq!(as_nobody, as_root, "{rocm}");
        assert!(as_root.lines().filter(|l| l.split(' ').nth(2) == Some("0")).count() > 8 * 15, "{rocm}: {as_root}");
        std::thread::sleep(Duration::from_millis(30));
        let before = set(&sim);
        let operations = [
            "limit 0 500000",
            "reset_limit 2 0",
            "gfx 0 600:900",
            "mem 0 1000:1100",
            "reset_gfx 2 0",
            "reset_mem 2 0",
            "reset_clocks 2 0",
        ];
        let text = run(&sim, NOBODY, "control", &format!("warn {}", operations.join(" ")));
        // Once, before the first setter.
        let (first, text) = text.split_once('\n').unwrap();
        assert!(first.starts_with("warning 1 ") && first.contains("lacks CAP_SYS_ADMIN"), "{rocm}: {first}");
        for line in text.lines() {
            assert!(line.split(' ').nth(1) == Some("-5"), "{rocm}: {line}");
            for word in ["user 65534", "effective user 0", "without CAP_SYS_ADMIN", "of the GPU"] {
                assert!(line.contains(word), "{rocm}: no {word:?} in {line}");
            }
        }
        assert_eq!(text.lines().count(), operations.len());
        // What is as wanted already needs no rights, and the ranges are for everybody.
        let text =
            run(&sim, NOBODY, "control", "limit 2 600000 gfx 2 600:900 reset_gfx 0 0 gfx_range 0 0 read_limit 2 0");
        let expected = "limit 0 \ngfx 0 \nreset_gfx 0 \ngfx_range 0 500:2100\nread_limit 0 600000\n";
        assert_eq!(text, expected, "{rocm}");
        // A guard of somebody who can change nothing has nothing to put back.
        assert_eq!(run(&sim, NOBODY, "guard", "watch end begin end"), "end 0 \nend 0 \n", "{rocm}");
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(set(&sim), before, "{rocm}: a file has changed");
    }
    std::fs::remove_dir_all(folder()).unwrap();
}
