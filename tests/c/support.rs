//! What the tests of the boundary share: compile a C program against the library, make a machine with a fake
//! libamd_smi, run something.

#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use zeus_amd_sim::start::{contained, isolated};

#[path = "../common/built.rs"]
mod built;

pub const COMPILERS: [&str; 2] = ["gcc", "clang"];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the files of these tests are: the same for all, each in a process of its own or in one.
fn boundary() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("boundary")
}

/// An empty folder of this test; the last run's files are gone, this run's stay to be looked at.
#[track_caller]
pub fn work(name: &str) -> PathBuf {
    let file = Path::new(std::panic::Location::caller().file()).file_stem().unwrap();
    let folder = boundary().join(file).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The shared library that cargo built for this test: beside the test program, not in `target/debug`.
pub fn cdylib() -> PathBuf {
    let library = std::env::current_exe().unwrap().parent().unwrap().join("libzeus_amd.so");
    assert!(library.is_file(), "{} is missing", library.display());
    library
}

/// A folder that holds the library under the names that the linker and the loader look for.
pub fn lib_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| install(&cdylib(), &boundary().join("lib")))
}

/// Puts a shared library into a folder under both of its names.
pub fn install(library: &Path, folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    for name in ["libzeus_amd.so", "libzeus_amd.so.0"] {
        // Programs of other tests may be looking for it.
        let unfinished = folder.join(format!("{name}.{}", std::process::id()));
        let _ = fs::remove_file(&unfinished);
        std::os::unix::fs::symlink(library, &unfinished).unwrap();
        fs::rename(unfinished, folder.join(name)).unwrap();
    }
    folder.to_owned()
}

/// What became of a program.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// It succeeded and printed nothing at all.
    #[track_caller]
    pub fn silent(self) -> Outcome {
        assert!(self.code == Some(0) && self.stdout.is_empty() && self.stderr.is_empty(), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn ok(self) -> Outcome {
        assert!(self.code == Some(0), "{self:#?}");
        self
    }
}

/// Runs a command, which is killed with its group when it hangs.
#[track_caller]
pub fn run(command: &mut Command) -> Outcome {
    let ran = contained(command).stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { code: ran.status.code(), stdout: text(&ran.stdout), stderr: text(&ran.stderr) }
}

/// Output of a tool that has to succeed.
#[track_caller]
pub fn output(program: &str, args: &[&std::ffi::OsStr]) -> String {
    run(Command::new(program).args(args)).ok().stdout
}

/// Warnings that every program and the header have to be free of.
pub const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-Werror", "-pedantic-errors", "-Wconversion", "-Wundef"];

/// `cc` with the header's folder and all warnings; the caller adds sources and the output.
pub fn cc(compiler: &str, standard: &str) -> Command {
    let mut c = Command::new(compiler);
    c.arg(format!("-std={standard}")).args(WARNINGS).arg("-I").arg(root().join("include"));
    c
}

/// Compiles `tests/c/NAME.c`, linked with the library in `lib`, into `folder`.
pub fn program_with(name: &str, folder: &Path, lib: &Path, extra: &[&str]) -> PathBuf {
    let to = folder.join(name);
    run(with_lib(name, lib, extra).arg("-o").arg(&to)).silent();
    to
}

fn with_lib(name: &str, lib: &Path, extra: &[&str]) -> Command {
    let mut c = cc("gcc", "gnu99");
    c.args(["-g", "-D_GNU_SOURCE"]).arg(root().join(format!("tests/c/{name}.c"))).args(extra);
    c.arg("-L").arg(lib).arg(format!("-Wl,-rpath,{}", lib.display())).args(["-lzeus_amd", "-lpthread", "-ldl"]);
    c
}

/// Compiles `tests/c/NAME.c` against the library of this build.
pub fn program(name: &str, _: &Path) -> PathBuf {
    built::built(&mut with_lib(name, lib_folder(), &[]), name)
}

/// A machine with two GPUs and the fake library of `fake_amdsmi.c`.
pub struct Fake {
    pub folder: PathBuf,
    pub library: PathBuf,
}

impl Fake {
    pub fn new(folder: &Path) -> Fake {
        let library = folder.join("libamd_smi.so");
        let mut c = cc("gcc", "gnu99");
        c.args(["-g", "-shared", "-fPIC", "-Wl,-soname,libamd_smi.so.26", "-o"]).arg(&library);
        run(c.arg(root().join("tests/c/fake_amdsmi.c"))).silent();
        for inner in ["sys/class/drm/card0", "sys/class/drm/card1", "sys/module/amdgpu"] {
            fs::create_dir_all(folder.join(inner)).unwrap();
        }
        Fake { folder: folder.to_owned(), library }
    }

    /// A program with an environment that leads it to this machine and to nothing else.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let temporary = self.folder.join("tmp");
        fs::create_dir_all(&temporary).unwrap();
        let mut c = isolated(program, &temporary);
        c.env("ZEUS_AMD_ROOT", &self.folder).env("ZEUS_AMD_AMDSMI", &self.library);
        // This machine has little more than the library: the kernel's files are no way round it.
        c.env("FAKE_LOG", self.log_file()).env("ZEUS_AMD_BACKEND", "amdsmi");
        c
    }

    pub fn log_file(&self) -> PathBuf {
        self.folder.join("fake.log")
    }

    /// What the fake library noted.
    pub fn events(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log_file()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}
