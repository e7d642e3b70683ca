//! A machine standing in a directory: its tree, its library, and the thread that keeps it moving.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::clock::State;
use crate::file_refresher::{FileRefresher, Running};
use crate::library;
use crate::machine::Machine;
use crate::preload;
use crate::release::Release;
use crate::tree;

/// What to build, and where.
pub struct Site {
    pub machine: Machine,
    /// None: a machine without ROCm.
    pub release: Option<&'static Release>,
    pub dir: PathBuf,
    /// Where `libzeus_amd_sim.a` is.
    pub archive: PathBuf,
}

/// The standing machine; it is gone from the disk when this is dropped.
pub struct Serve {
    dir: PathBuf,
    keep: bool,
    running: Option<Running>,
}

/// The variables that bring a program into a machine, with what else is preloaded. Names with None are to be removed.
pub fn environment(dir: &Path, preloaded: Option<OsString>) -> Vec<(&'static str, Option<PathBuf>)> {
    let rocm = dir.join("opt/rocm");
    let mut all = vec![
        ("ROCM_PATH", Some(rocm.clone())),
        ("ROCM_HOME", Some(rocm)),
        ("ZEUS_AMD_ROOT", Some(dir.to_path_buf())),
        ("ZEUS_AMD_SIM", Some(dir.to_path_buf())),
        ("ZEUS_AMD_AMDSMI", None),
        ("AMDSMI_LIB_DIR", None),
        ("AMDSMI_LIB_OVERRIDE", None),
    ];
    let library = preload::library_path(dir);
    if library.exists() {
        let mut preload = library.into_os_string();
        if let Some(before) = preloaded {
            preload.push(":");
            preload.push(before);
        }
        all.push(("LD_PRELOAD", Some(preload.into())));
    }
    all
}

/// A new directory, in memory where that is possible.
pub fn new_dir() -> Result<PathBuf, String> {
    let shm = PathBuf::from("/dev/shm");
    for base in [shm, std::env::temp_dir()] {
        for n in 0..100u32 {
            let dir = base.join(format!(
                "zeus-amd-sim-{}-{}",
                std::process::id(),
                crate::clock::boottime_ns() % 1_000_000_000 + u64::from(n)
            ));
            if fs::create_dir(&dir).is_ok() {
                return Ok(dir);
            }
        }
    }
    Err("no directory for the machine: neither /dev/shm nor the temporary directory is writable".to_string())
}

impl Serve {
    pub fn start(site: Site, keep: bool) -> Result<Serve, String> {
        let dir = site.dir.clone();
        Serve::build(site, keep).inspect_err(|_| put_away(&dir))
    }

    fn build(site: Site, keep: bool) -> Result<Serve, String> {
        let Site { mut machine, release, dir, archive } = site;
        if let Some(r) = release {
            machine.fit_to(r);
        }
        let fail = |e: std::io::Error| format!("{}: {e}", dir.display());
        fs::create_dir_all(&dir).map_err(fail)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).map_err(fail)?;
        fs::write(dir.join("machine.json"), machine.to_json()).map_err(fail)?;
        fs::write(dir.join("calls.log"), "").map_err(fail)?;
        tree::build(&machine, &dir).map_err(fail)?;
        if machine.spec.preload {
            preload::install(&dir, &archive)?;
        }
        if let Some(r) = release {
            install(&machine, r, &dir, &archive)?;
        }
        State::create(&dir)?;
        // Programs of other users count and log here as well.
        let mut files: Vec<PathBuf> = ["state", "calls.log", tree::driver::LOCK].map(|name| dir.join(name)).into();
        files.extend(machine.gpus().iter().map(|g| tree::driver::memory_file(&dir, g)));
        for file in &files {
            fs::OpenOptions::new().append(true).create(true).open(file).map_err(fail)?;
            fs::set_permissions(file, fs::Permissions::from_mode(0o666)).map_err(fail)?;
        }
        let refresher = FileRefresher::new(&machine, &dir)?;
        preload::list(&machine, &dir)?;
        let running = refresher.start();
        Ok(Serve { dir, keep, running: Some(running) })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // First the thread, or it would write to what is being removed.
        drop(self.running.take());
        if !self.keep {
            put_away(&self.dir);
        }
    }
}

/// A watchdog may be writing a setting meanwhile, and a test that was killed may have mounted a full folder.
fn put_away(dir: &Path) {
    if let Ok(shm) = std::ffi::CString::new(dir.join("dev/shm").into_os_string().into_encoded_bytes()) {
        // SAFETY: a string; it fails where nothing is mounted.
        unsafe { libc::umount2(shm.as_ptr(), libc::MNT_DETACH) };
    }
    for _ in 0..100 {
        if fs::remove_dir_all(dir).is_ok() || !dir.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// `opt/rocm` as an installation has it.
fn install(machine: &Machine, release: &Release, dir: &Path, archive: &Path) -> Result<(), String> {
    let lib = dir.join("opt/rocm/lib");
    let fail = |e: std::io::Error| format!("{}: {e}", lib.display());
    fs::create_dir_all(&lib).map_err(fail)?;
    let name = library::file_name(release);
    let missing = &machine.spec.missing_symbols;
    if missing.is_empty() {
        let built = library::ensure(release, archive)?;
        fs::copy(built, lib.join(&name)).map_err(fail)?;
    } else {
        library::link(release, archive, &lib.join(&name), missing)?;
    }
    symlink(&name, lib.join("libamd_smi.so")).map_err(fail)?;
    fs::create_dir_all(dir.join("opt/rocm/.info")).map_err(fail)?;
    fs::write(dir.join("opt/rocm/.info/version"), format!("{}\n", release.name)).map_err(fail)
}
