//! The search path of libamd_smi.

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The locations that the caller and the environment give.
#[derive(Debug, Default, Clone)]
pub struct SearchPaths {
    /// The session's option `amdsmi_path`.
    pub option: Option<PathBuf>,
    /// `ZEUS_AMD_AMDSMI`
    pub zeus_amd_amdsmi: Option<OsString>,
    /// `AMDSMI_LIB_DIR`
    pub amdsmi_lib_dir: Option<OsString>,
    /// `ROCM_PATH`
    pub rocm_path: Option<OsString>,
    /// The root of the file system.
    pub root: PathBuf,
}

/// What to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// A file, by its path.
    File(PathBuf),
    /// No location was given and none of the default ones has it: try these names with the dynamic loader, in this order.
    Loader(Vec<String>),
}

const NAME: &str = "libamd_smi.so";

/// Finds libamd_smi. A given location without it is an error; the search does not continue.
pub fn locate(places: &SearchPaths) -> Result<Located> {
    let named = |by: &str, path: &Path, below: &[&str]| {
        find_in(path, below).map(Located::File).ok_or_else(|| Error::LibraryNotFound {
            tried: format!("{by} names {}, which neither is nor contains a libamd_smi.so", path.display()),
        })
    };
    let set = |v: &Option<OsString>| v.as_ref().filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(path) = &places.option {
        return named("the option amdsmi_path", path, &["", "lib"]);
    }
    if let Some(path) = set(&places.zeus_amd_amdsmi) {
        return named("ZEUS_AMD_AMDSMI", &path, &["", "lib"]);
    }
    if let Some(path) = set(&places.amdsmi_lib_dir) {
        return named("AMDSMI_LIB_DIR", &path, &["", "lib"]);
    }
    if let Some(path) = set(&places.rocm_path) {
        return named("ROCM_PATH", &path, &["lib", "lib64"]);
    }
    let opt = places.root.join("opt");
    let defaults = std::iter::once(opt.join("rocm")).chain(versioned(&opt));
    for rocm in defaults {
        if let Some(file) = find_in(&rocm, &["lib", "lib64"]) {
            return Ok(Located::File(file));
        }
    }
    let numbered = (23..=27).rev().map(|n| format!("{NAME}.{n}"));
    Ok(Located::Loader(std::iter::once(NAME.to_owned()).chain(numbered).collect()))
}

/// `path` if it is a file, otherwise the library in one of its folders `below`.
fn find_in(path: &Path, below: &[&str]) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    below.iter().find_map(|b| in_folder(&path.join(b)))
}

/// `libamd_smi.so` in a folder, or without it the highest `libamd_smi.so.N`.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join(NAME);
    if plain.is_file() {
        return Some(plain);
    }
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(|e| {
            let name = e.ok()?.file_name().into_string().ok()?;
            let number = numbers(name.strip_prefix(NAME)?.strip_prefix('.')?)?;
            Some((number, folder.join(name)))
        })
        .filter(|(_, path)| path.is_file())
        .max()
        .map(|(_, path)| path)
}

/// `/opt/rocm-*`, the newest first.
fn versioned(opt: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(opt) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(|e| {
            let name = e.ok()?.file_name().into_string().ok()?;
            let number = numbers(name.strip_prefix("rocm-")?)?;
            Some((number, opt.join(name)))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// "6.10.2" as numbers, so that it sorts after "6.9". A build name after a dash is ignored.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let head = text.split('-').next()?;
    head.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for f in files {
            let path = dir.path().join(f);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        dir
    }

    fn at(dir: &tempfile::TempDir) -> SearchPaths {
        SearchPaths { root: dir.path().to_owned(), ..SearchPaths::default() }
    }

    fn file(dir: &tempfile::TempDir, f: &str) -> Located {
        Located::File(dir.path().join(f))
    }

    #[test]
    fn search_order() {
        let d = tree(&[
            "o/libamd_smi.so",
            "z/libamd_smi.so",
            "a/libamd_smi.so.24",
            "a/libamd_smi.so.25",
            "r/lib/libamd_smi.so",
            "opt/rocm/lib/libamd_smi.so",
            "opt/rocm-6.9.0/lib/libamd_smi.so",
            "opt/rocm-6.10.0-54/lib/libamd_smi.so.25.4",
        ]);
        let mut p = at(&d);
        p.option = Some(d.path().join("o/libamd_smi.so"));
        p.zeus_amd_amdsmi = Some(d.path().join("z").into());
        p.amdsmi_lib_dir = Some(d.path().join("a").into());
        p.rocm_path = Some(d.path().join("r").into());
        assert_eq!(locate(&p).unwrap(), file(&d, "o/libamd_smi.so"));
        p.option = None;
        assert_eq!(locate(&p).unwrap(), file(&d, "z/libamd_smi.so"));
        p.zeus_amd_amdsmi = Some("".into());
        assert_eq!(locate(&p).unwrap(), file(&d, "a/libamd_smi.so.25"));
        p.amdsmi_lib_dir = None;
        assert_eq!(locate(&p).unwrap(), file(&d, "r/lib/libamd_smi.so"));
        p.rocm_path = None;
        assert_eq!(locate(&p).unwrap(), file(&d, "opt/rocm/lib/libamd_smi.so"));
        fs::remove_dir_all(d.path().join("opt/rocm")).unwrap();
        assert_eq!(locate(&p).unwrap(), file(&d, "opt/rocm-6.10.0-54/lib/libamd_smi.so.25.4"));
        fs::remove_dir_all(d.path().join("opt")).unwrap();
        let Located::Loader(names) = locate(&p).unwrap() else { panic!() };
        assert_eq!(names[..2], ["libamd_smi.so", "libamd_smi.so.27"]);
    }

    #[test]
    fn a_given_location_without_the_library_is_an_error() {
        let d = tree(&["opt/rocm/lib/libamd_smi.so", "empty/other"]);
        let empty = d.path().join("empty");
        let mut p = at(&d);
        p.rocm_path = Some(empty.clone().into());
        assert!(locate(&p).unwrap_err().to_string().contains("ROCM_PATH names"));
        p.amdsmi_lib_dir = Some(empty.clone().into());
        assert!(locate(&p).unwrap_err().to_string().contains("AMDSMI_LIB_DIR names"));
        p.zeus_amd_amdsmi = Some(empty.join("not-there").into());
        assert!(locate(&p).unwrap_err().to_string().contains("ZEUS_AMD_AMDSMI names"));
        p.option = Some(empty);
        assert!(locate(&p).unwrap_err().to_string().contains("option amdsmi_path names"));
    }
}
