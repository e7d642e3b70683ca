//! Links the simulated library once for each release: the same code behind exactly the symbols that the release has.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::io::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::install_paths;
use crate::release::Release;
use crate::smi::FUNCTIONS;

/// The names that a release exports.
pub fn symbols(release: &Release) -> Result<Vec<String>, String> {
    let path = symbol_list(release);
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text.lines().filter(|l| !l.is_empty()).map(str::to_string).collect())
}

fn symbol_list(release: &Release) -> PathBuf {
    install_paths::data().join("symbols").join(format!("{}.txt", release.name))
}

/// `libamd_smi.so.25`
pub fn file_name(release: &Release) -> String {
    format!("libamd_smi.so.{}", release.soname)
}

/// The repository's root.
fn workspace() -> &'static Path {
    Path::new(install_paths::SOURCE).ancestors().nth(1).unwrap_or(Path::new("/"))
}

fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        // Cargo reads a relative one from where it is started, which for us is the workspace.
        Some(d) => workspace().join(d),
        None => workspace().join("target"),
    }
}

/// Builds runner and archive with cargo, once a process, and returns the directory that holds them.
pub fn built() -> Result<&'static Path, String> {
    static DONE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    DONE.get_or_init(|| {
        let out = Command::new(Path::new(install_paths::SOURCE).join("run"))
            .arg("--build-only")
            .env("CARGO_TARGET_DIR", target_dir())
            .output()
            .map_err(|e| format!("simulator/run: {e}"))?;
        if !out.status.success() {
            return Err(format!("simulator/run --build-only: {}", String::from_utf8_lossy(&out.stderr)));
        }
        Ok(target_dir().join("simulator"))
    })
    .as_deref()
    .map_err(Clone::clone)
}

/// The simulated library of a release: the installed one, or that in `target/sim/<release>/`, linked if it is missing or older than its archive.
pub fn ensure(release: &Release, archive: &Path) -> Result<PathBuf, String> {
    let file = Path::new(release.name).join(file_name(release));
    if let Some(home) = install_paths::installed() {
        return Ok(home.join("rocm").join(file));
    }
    let list = symbol_list(release);
    made(target_dir().join("sim").join(file), &[archive, &list], |library| link(release, archive, library, &[]))
}

/// The library that is preloaded into a machine's programs: the installed one, or that in `target/sim`.
pub fn ensure_preload(archive: &Path) -> Result<PathBuf, String> {
    if let Some(home) = install_paths::installed() {
        return Ok(home.join("rocm/preload.so"));
    }
    let source = Path::new(install_paths::SOURCE).join("preload.c");
    made(target_dir().join("sim/preload.so"), &[archive, &source], |library| {
        let script = library.with_extension("map");
        let names =
            "open*; fopen*; access; faccessat; read; pread*; write; pwrite*; dup; dup2; dup3; stat; stat64; lstat*; fstat*; __xstat*; __lxstat*; __fxstat*; statx; __read_chk; __pread*_chk; __open*_2";
        fs::write(&script, format!("{{ global: {names}; local: *; }};\n"))
            .map_err(|e| format!("{}: {e}", script.display()))?;
        shared(library, &source, &[archive.into(), format!("-Wl,--version-script={}", script.display()).into()])
    })
}

/// A file that is made anew when it is missing or older than one of its sources.
fn made(file: PathBuf, sources: &[&Path], make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let dir = file.parent().unwrap_or(Path::new("."));
    let fail = |e: io::Error| format!("{}: {e}", dir.display());
    fs::create_dir_all(dir).map_err(fail)?;
    // Several test processes may find it missing at once.
    let lock = fs::File::create(dir.join(".lock")).map_err(fail)?;
    // SAFETY: an open descriptor; the lock ends with it.
    if unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) } != 0 {
        return Err(fail(io::Error::last_os_error()));
    }
    let modified = |p: &Path| fs::metadata(p).and_then(|m| m.modified()).ok();
    if modified(&file).is_none() || modified(&file) < sources.iter().filter_map(|s| modified(s)).max() {
        make(&file)?;
    }
    Ok(file)
}

/// Compiles one C file into a shared library, which appears whole.
fn shared(library: &Path, source: &Path, with: &[OsString]) -> Result<(), String> {
    let unfinished = library.with_extension(format!("{}.tmp", std::process::id()));
    let out = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&unfinished)
        .arg(source)
        .args(with)
        .args(["-Wl,--gc-sections", "-Wl,--strip-debug", "-Wl,--no-undefined"])
        .args(["-lpthread", "-ldl", "-lm", "-lgcc_s", "-lc"])
        .output()
        .map_err(|e| format!("cc: {e}"))?;
    if !out.status.success() {
        return Err(format!("linking {}: {}", library.display(), String::from_utf8_lossy(&out.stderr)));
    }
    fs::rename(&unfinished, library).map_err(|e| format!("{}: {e}", library.display()))
}

/// Links one library; names in `missing` are left out of it.
pub fn link(release: &Release, archive: &Path, library: &Path, missing: &[String]) -> Result<(), String> {
    let mut names = symbols(release)?;
    names.retain(|n| !missing.contains(n));
    let fail = |e: io::Error| format!("{}: {e}", library.display());
    let stem = library.with_extension(format!("{}.{}", release.soname, std::process::id()));
    let (source, script) = (stem.with_extension("c"), stem.with_extension("map"));
    fs::write(&source, stubs(release, &names)).map_err(fail)?;
    let globals: String = names.iter().map(|n| format!(" {n};")).collect();
    let tag = release.symbol_version().unwrap_or("");
    fs::write(&script, format!("{tag} {{ global:{globals} local: *; }};\n")).map_err(fail)?;
    let mut with: Vec<OsString> =
        names.iter().filter(|n| FUNCTIONS.contains(&n.as_str())).map(|n| format!("-Wl,-u,{n}").into()).collect();
    with.push(archive.into());
    with.push(format!("-Wl,-soname,{}", file_name(release)).into());
    with.push(format!("-Wl,--version-script={}", script.display()).into());
    shared(library, &source, &with)?;
    let _ = (fs::remove_file(&source), fs::remove_file(&script));
    Ok(())
}

/// Says which release this is, and answers NOT_SUPPORTED for what is exported but not simulated.
fn stubs(release: &Release, names: &[String]) -> String {
    let mut c = String::from("void zeus_amd_sim_set_release(const char *);\n");
    c += &format!(
        "__attribute__((constructor)) static void start(void) {{ zeus_amd_sim_set_release(\"{}\"); }}\n",
        release.name
    );
    for n in names.iter().filter(|n| !FUNCTIONS.contains(&n.as_str())) {
        c += &format!("int {n}(void) {{ return 2; }}\n");
    }
    c
}
