//! The library as a guest in somebody else's process: fork, raised privileges, other allocators, signals, silence.

#[path = "c/support.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{cc, cdylib, lib_folder, program, program_with, root, run, work, Fake};

fn forks(while_doing: &str) {
    let folder = work(&format!("fork_{while_doing}"));
    let fake = Fake::new(&folder);
    let slow = if while_doing == "initialising" { "1" } else { "0" };
    run(fake.command(program("fork", &folder)).arg(while_doing).env("FAKE_INIT_SLEEP", slow)).silent();
}

/// T15 (fork).
#[test]
fn child_gets_forked_and_opens_its_own() {
    forks("nothing");
}

/// T15 (fork); T16 (close in a child).
#[test]
fn fork_while_the_lock_is_held() {
    forks("holding");
}

/// T15 (fork).
#[test]
fn fork_while_threads_read_and_open() {
    forks("everything");
}

/// T15 (fork).
#[test]
fn fork_while_threads_write_to_the_log() {
    forks("logging");
}

/// T15 (fork).
#[test]
fn fork_while_the_library_is_initialised() {
    forks("initialising");
}

/// The stacks of this library's threads are as large as ever, beside large thread-local variables of the program.
#[test]
fn large_thread_local_variables() {
    let folder = work("thread_local");
    run(&mut Fake::new(&folder).command(program("thread_local", &folder))).silent();
}

/// As root, or through sudo where that asks nothing.
fn privileged() -> Command {
    let id = run(Command::new("id").arg("-u")).ok().stdout;
    if id.trim() == "0" {
        return Command::new("env");
    }
    let mut c = Command::new("sudo");
    c.args(["-n", "env"]);
    c
}

/// With file capabilities no variable chooses a library or a tree: the library that they name is not even loaded.
#[test]
fn secure_programs_do_not_heed_the_environment() {
    // Not below a home directory: the program runs as nobody. The loader takes no LD_LIBRARY_PATH there, but a path in it.
    let folder = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let machine = at("machine");
    let fake_at = |name: &str| {
        let inner = machine.join(name);
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o777)).unwrap();
        Fake::new(&inner)
    };
    let (secure, plain) = (fake_at("a"), fake_at("b"));
    for name in ["libzeus_amd.so", "libzeus_amd.so.0"] {
        fs::copy(cdylib(), at(name)).unwrap();
    }
    let to = program_with("secure", folder.path(), folder.path(), &[]);
    let with_caps = at("with_caps");
    fs::copy(&to, &with_caps).unwrap();
    let set = privileged().arg("setcap").arg("cap_sys_chroot+ep").arg(&with_caps).output();
    assert!(
        set.as_ref().is_ok_and(|s| s.status.success()),
        "this test needs root (or sudo) and setcap (Debian: libcap2-bin): {set:?}"
    );

    // Inside of the changed root all names begin anew.
    let variables = [
        "ZEUS_AMD_AMDSMI=/libamd_smi.so",
        "AMDSMI_LIB_DIR=/",
        "ROCM_PATH=/rocm",
        "ZEUS_AMD_ROOT=/",
        "LD_LIBRARY_PATH=/",
        "FAKE_LOG=/loaded",
    ];
    for fake in [&secure, &plain] {
        fs::create_dir_all(fake.folder.join("rocm/lib")).unwrap();
        fs::copy(&fake.library, fake.folder.join("rocm/lib/libamd_smi.so")).unwrap();
    }
    let mut control = privileged();
    control.args(variables).arg(&to).arg(&plain.folder).arg("plain");
    run(&mut control).silent();

    // Not as root: root has these capabilities anyway, and the kernel sets AT_SECURE for none of its programs.
    let mut c = privileged();
    c.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env"]).args(variables);
    run(c.arg(&with_caps).arg(&secure.folder).arg("secure")).silent();
}

/// Each variable alone leads there in a plain program: the test above would notice any of them.
#[test]
fn each_variable_counts_in_a_plain_program() {
    let folder = work("variables");
    let fake = Fake::new(&folder);
    fs::create_dir_all(folder.join("rocm/lib")).unwrap();
    fs::copy(&fake.library, folder.join("rocm/lib/libamd_smi.so")).unwrap();
    let to = program("silent", &folder);
    let lib = folder.to_str().unwrap();
    for (name, value) in
        [("ZEUS_AMD_AMDSMI", lib), ("AMDSMI_LIB_DIR", lib), ("ROCM_PATH", &format!("{lib}/rocm")), ("FAKE_UNUSED", "")]
    {
        let mut c = fake.command(&to);
        let ran = run(c.env_remove("ZEUS_AMD_AMDSMI").env(name, value));
        assert_eq!(ran.code == Some(0), name != "FAKE_UNUSED", "{name}: {ran:?}");
    }
}

/// Compiles an allocator that ends the program when memory crosses a border.
fn checking_malloc(folder: &Path) -> PathBuf {
    let to = folder.join("checking_malloc.so");
    let mut c = cc("gcc", "gnu99");
    c.args(["-O2", "-shared", "-fPIC", "-fno-builtin", "-o"]).arg(&to);
    run(c.arg(root().join("tests/c/checking_malloc.c")).arg("-lpthread")).silent();
    to
}

fn under_allocator(name: &str, allocator: &Path) {
    let folder = work(name);
    let fake = Fake::new(&folder);
    for test in ["silent", "two_texts", "null", "struct_size", "init_once"] {
        run(fake.command(program(test, &folder)).env("LD_PRELOAD", allocator)).silent();
    }
}

/// T20 (preloading, other allocators).
#[test]
fn with_a_checking_allocator() {
    let folder = work("checking_malloc");
    let allocator = checking_malloc(&folder);
    // It does end a program that frees what is not its own.
    let wrong = folder.join("wrong");
    fs::write(folder.join("wrong.c"), "void free(void *p);\nint main(void) { static long x[9]; free(x + 4); }\n")
        .unwrap();
    let mut c = Command::new("gcc");
    run(c.args(["-w", "-fno-builtin", "-o"]).arg(&wrong).arg(folder.join("wrong.c"))).silent();
    assert_eq!(run(Command::new(&wrong).env("LD_PRELOAD", &allocator)).code, Some(99));
    under_allocator("checking_malloc_runs", &allocator);
}

/// T20 (preloading, other allocators).
#[test]
fn with_jemalloc() {
    let known = run(Command::new("/sbin/ldconfig").arg("-p")).ok().stdout;
    let line = known.lines().find(|l| l.trim().starts_with("libjemalloc.so.2"));
    let line = line.expect("this test needs jemalloc (Debian: libjemalloc2)");
    under_allocator("jemalloc", Path::new(line.split("=> ").nth(1).unwrap().trim()));
}

/// T20 (preloading, other allocators).
#[test]
fn preloaded_into_programs_that_do_not_use_it() {
    for (program, args) in [("/bin/true", vec![]), ("python3", vec!["-c", "import ctypes, json, threading"])] {
        run(Command::new(program).args(args).env("LD_PRELOAD", cdylib())).silent();
    }
    let plain = run(&mut Command::new("/bin/false"));
    let preloaded = run(Command::new("/bin/false").env("LD_PRELOAD", cdylib()));
    assert_eq!((preloaded.code, preloaded.stdout, preloaded.stderr), (plain.code, plain.stdout, plain.stderr));
    // The preloaded one serves a program that does use it.
    let folder = work("preloaded");
    let fake = Fake::new(&folder);
    run(fake.command(program("silent", &folder)).env("LD_PRELOAD", lib_folder().join("libzeus_amd.so.0"))).silent();
}

/// T37 (getenv against setenv).
/// Calls of getenv outside of open are counted while another thread changes the environment all the time.
#[test]
fn environment_is_read_in_open_only() {
    let folder = work("environment");
    let fake = Fake::new(&folder);
    run(&mut fake.command(program_with("environment", &folder, lib_folder(), &["-rdynamic"]))).silent();
}

/// T38 (changes at load).
/// Signal handlers, masks and the like before and after; the exit status is the program's own.
#[test]
fn process_is_left_as_it_was() {
    let folder = work("signals");
    let fake = Fake::new(&folder);
    let to = folder.join("signals");
    let mut c = cc("gcc", "gnu99");
    c.arg("-D_GNU_SOURCE").arg(root().join("tests/c/signals.c")).arg("-o").arg(&to);
    run(c.args(["-lpthread", "-ldl"])).silent();
    let ran = run(fake.command(&to).arg(cdylib()));
    assert!(ran.code == Some(42) && ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran:?}");
}

/// A session that is never closed does not keep a program from ending with its own status.
#[test]
fn exit_without_close() {
    let folder = work("exit");
    let fake = Fake::new(&folder);
    for how in ["return", "exit", "thread"] {
        let ran = run(fake.command(program("exit", &folder)).arg(how));
        assert!(ran.code == Some(7) && ran.stdout.is_empty() && ran.stderr.is_empty(), "{how}: {ran:?}");
    }
}

/// Every call and every kind of failure, with nothing on stdout or stderr; and with both of them closed.
#[test]
fn silence() {
    let folder = work("silent");
    let fake = Fake::new(&folder);
    let to = program("silent", &folder);
    run(&mut fake.command(&to)).silent();
    run(fake.command(&to).env("RUST_BACKTRACE", "1").env("RUST_LOG", "trace")).silent();
    let mut c = fake.command("sh");
    c.args(["-c", "exec \"$0\" <&- >&- 2>&-"]).arg(&to);
    run(&mut c).silent();
}
