//! The search path of libamd_smi.

use crate::error::{is_exhausted, Error, Result};
use crate::platform::files::{entries, exists, is_file, name, text};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The locations that the caller and the environment give.
#[derive(Debug, Default, Clone)]
pub struct SearchPaths {
    /// The session's option `amdsmi_path`.
    pub option: Option<PathBuf>,
    /// `ZEUS_AMD_AMDSMI`
    pub zeus_amd_amdsmi: Option<OsString>,
    /// `AMDSMI_LIB_OVERRIDE`: a file, also for AMD's own Python loader.
    pub amdsmi_lib_override: Option<OsString>,
    /// `AMDSMI_LIB_DIR`
    pub amdsmi_lib_dir: Option<OsString>,
    /// `ROCM_PATH`
    pub rocm_path: Option<OsString>,
    /// `ROCM_HOME`
    pub rocm_home: Option<OsString>,
    /// `VIRTUAL_ENV`: the active Python environment.
    pub virtual_env: Option<OsString>,
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
/// Where the library is below a location that a caller gives.
const FOLDERS: [&str; 2] = ["", "lib"];
/// Where Debian's own packages have it, whose ROCm is /usr.
const DEBIAN: &str = if cfg!(target_arch = "aarch64") { "lib/aarch64-linux-gnu" } else { "lib/x86_64-linux-gnu" };

/// Finds libamd_smi. A given location without it is an error; the search does not continue. An active virtual environment
/// is no statement about ROCm: without the library the search goes on.
pub fn locate(places: &SearchPaths) -> Result<Located> {
    let set = |v: &Option<OsString>| v.as_ref().filter(|v| !v.is_empty()).map(PathBuf::from);
    let in_given = |path: &Path| first(FOLDERS, |folder| in_folder(&path.join(folder)));
    type Search<'a> = &'a dyn Fn(&Path) -> Result<Option<PathBuf>>;
    let given: [(&str, Option<PathBuf>, Search); 6] = [
        ("the option amdsmi_path", places.option.clone(), &in_given),
        ("ZEUS_AMD_AMDSMI", set(&places.zeus_amd_amdsmi), &in_given),
        ("AMDSMI_LIB_OVERRIDE", set(&places.amdsmi_lib_override), &in_given),
        ("AMDSMI_LIB_DIR", set(&places.amdsmi_lib_dir), &in_given),
        ("ROCM_PATH", set(&places.rocm_path), &in_rocm),
        ("ROCM_HOME", set(&places.rocm_home), &in_rocm),
    ];
    for (by, path, search) in given {
        let Some(path) = path else { continue };
        let file = if is_file(&path)? { Some(path.clone()) } else { search(&path)? };
        return file.map(Located::File).ok_or(Error::LibraryNotFound {
            tried: format!("{by} names {}, which neither is nor contains a libamd_smi.so", path.display()),
            package: package(places)?,
        });
    }
    let environment = first(set(&places.virtual_env), |environment| in_virtual_env(&environment))?;
    let file = match environment {
        None => first(rocm_folders(&places.root)?, |rocm| in_rocm(&rocm))?,
        file => file,
    };
    if let Some(file) = file {
        return Ok(Located::File(file));
    }
    let numbered = (23..=27).rev().map(|n| format!("{NAME}.{n}"));
    Ok(Located::Loader(std::iter::once(NAME.to_owned()).chain(numbered).collect()))
}

/// The first value that a search in these places has.
fn first<P, T>(places: impl IntoIterator<Item = P>, search: impl Fn(P) -> Result<Option<T>>) -> Result<Option<T>> {
    places.into_iter().find_map(|place| search(place).transpose()).transpose()
}

/// `/opt/rocm`, then `/opt/rocm-*`, the newest first.
fn rocm_folders(root: &Path) -> Result<Vec<PathBuf>> {
    let opt = root.join("opt");
    let numbered = versioned(&opt, "rocm-")?.into_iter().map(|(_, path)| path);
    Ok(std::iter::once(opt.join("rocm")).chain(numbered).collect())
}

/// AMD's package that has libamd_smi, of the newest release that is installed; both names if there is none.
pub(super) fn package(places: &SearchPaths) -> Result<&'static str> {
    let releases = installed(places)?.iter().map(|rocm| release(rocm)).collect::<Result<Vec<_>>>()?;
    Ok(match releases.into_iter().flatten().max() {
        Some(release) if release < [7, 14] => "amd-smi-lib",
        Some(_) => "amdrocm-amdsmi",
        None => "amdrocm-amdsmi (amd-smi-lib before ROCm 7.14)",
    })
}

/// The release of the ROCm that has the library, or without one of the ROCm that a variable names, or of the one in `/opt`:
/// major and minor.
pub fn installed_release(places: &SearchPaths) -> Result<Option<[u32; 2]>> {
    let found = match locate(places) {
        Ok(Located::File(library)) => library.ancestors().nth(2).map(Path::to_owned),
        Ok(Located::Loader(_)) | Err(Error::LibraryNotFound { .. }) => None,
        Err(e) => return Err(e),
    };
    first(found.into_iter().chain(installed(places)?), |rocm| release(&rocm))
}

/// The folders of ROCm releases: those that variables name, then those in `/opt`.
fn installed(places: &SearchPaths) -> Result<Vec<PathBuf>> {
    let named = [&places.rocm_path, &places.rocm_home].into_iter().flatten().filter(|v| !v.is_empty());
    Ok(named.map(PathBuf::from).chain(rocm_folders(&places.root)?).collect())
}

/// The ROCm release of a folder: major and minor. By its file, or by the folder's own name (`rocm-7.0.2`, `core-7.14`).
fn release(rocm: &Path) -> Result<Option<[u32; 2]>> {
    let cores = versioned(rocm, "core-")?.into_iter().map(|(number, _)| number);
    let real = rocm.canonicalize().unwrap_or_else(|_| rocm.to_owned());
    let named = || ["rocm-", "core-"].iter().find_map(|prefix| numbers(name(&real)?.strip_prefix(prefix)?));
    let stated = text(&rocm.join(".info/version"))?.and_then(|text| stated_version(&text)).or_else(named);
    let newest = stated.into_iter().chain(cores).max();
    Ok(newest.and_then(|newest| Some([*newest.first()?, *newest.get(1)?])))
}

/// The first word of a text that begins as a version does: "7.0.2-38", "7.14.0.dev0+g1a2b", "v7.1". What follows the numbers
/// is ignored.
fn stated_version(text: &str) -> Option<Vec<u32>> {
    let version = |word: &str| word.trim_start_matches('v').split('.').map_while(leading_number).collect::<Vec<_>>();
    text.split_whitespace().map(version).find(|numbers| numbers.len() > 1)
}

/// The library below a ROCm folder. From 7.14 on it is in `core-X.Y`, to which `core` is a link, and `lib` one to that one's
/// `lib`, if the package that makes the links is installed; a `core` that is given and missing is the newest `core-X.Y` too.
fn in_rocm(rocm: &Path) -> Result<Option<PathBuf>> {
    let is_missing_link = name(rocm) == Some("core") && !exists(rocm)?;
    let folder = rocm.parent().filter(|_| is_missing_link).unwrap_or(rocm);
    let cores = versioned(folder, "core-")?.into_iter().map(|(_, path)| path);
    let roots = [rocm.to_owned(), rocm.join("core")].into_iter().chain(cores);
    first(roots, |root| first(["lib", "lib64", DEBIAN], |lib| in_folder(&root.join(lib))))
}

/// The library of AMD's wheel `rocm-sdk-core` in a Python environment.
fn in_virtual_env(environment: &Path) -> Result<Option<PathBuf>> {
    let in_lib = |lib: &str| {
        first(versioned(&environment.join(lib), "python")?, |(_, python)| {
            in_folder(&python.join("site-packages/_rocm_sdk_core/lib"))
        })
    };
    first(["lib", "lib64"], in_lib)
}

/// `libamd_smi.so` in a folder, or without it the highest `libamd_smi.so.N`.
fn in_folder(folder: &Path) -> Result<Option<PathBuf>> {
    let numbered = versioned(folder, &format!("{NAME}."))?.into_iter().map(|(_, path)| path);
    let names = std::iter::once(folder.join(NAME)).chain(numbered);
    first(names, |path| Ok(is_file(&path)?.then_some(path)))
}

/// The entries of a folder whose names are `prefix` and a version, the highest first.
fn versioned(folder: &Path, prefix: &str) -> Result<Vec<(Vec<u32>, PathBuf)>> {
    let number = |path: PathBuf| Some((numbers(name(&path)?.strip_prefix(prefix)?)?, path));
    let all = match entries(folder) {
        // A loop of links, or a server that does not answer: as good as no folder.
        Err(Error::Io { source, .. }) if !is_exhausted(&source) => Vec::new(),
        all => all?,
    };
    let mut found: Vec<_> = all.into_iter().filter_map(number).collect();
    found.sort();
    found.reverse();
    Ok(found)
}

/// "6.10.2" as numbers, so that it sorts after "6.9". A build name after a dash is ignored, a suffix such as rc1 too.
fn numbers(text: &str) -> Option<Vec<u32>> {
    text.split('-').next()?.split('.').map(leading_number).collect()
}

fn leading_number(part: &str) -> Option<u32> {
    let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
    part[..digits].parse().ok()
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

    /// ROCm 7.14 and later: packages without the links of `amdrocm-core`, wheels, and AMD's own variables.
    #[test]
    fn layouts_of_rocm_7_14() {
        let d = tree(&[
            "opt/rocm/core-7.14/lib/libamd_smi.so.26",
            "opt/rocm/core-10.0/lib/libamd_smi.so.27",
            "opt/rocm/core-9.9/lib/libamd_smi.so.26",
            "opt/rocm/core-11.0/lib/libother.so",
            "v/lib/python3.9/site-packages/other/x",
            "v/lib/python3.12/site-packages/_rocm_sdk_core/lib/libamd_smi.so.27",
            "v64/lib64/python3.11/site-packages/_rocm_sdk_core/lib/libamd_smi.so.27",
            "h/lib/libamd_smi.so.27.0.1",
            "h/lib/libamd_smi.so.9",
            "f/my_amd_smi.so",
        ]);
        let mut p = at(&d);
        assert_eq!(locate(&p).unwrap(), file(&d, "opt/rocm/core-10.0/lib/libamd_smi.so.27"));
        std::os::unix::fs::symlink("core-7.14", d.path().join("opt/rocm/core")).unwrap();
        assert_eq!(locate(&p).unwrap(), file(&d, "opt/rocm/core/lib/libamd_smi.so.26"));
        p.virtual_env = Some(d.path().join("v").into());
        let wheel = "v/lib/python3.12/site-packages/_rocm_sdk_core/lib/libamd_smi.so.27";
        assert_eq!(locate(&p).unwrap(), file(&d, wheel));
        p.virtual_env = Some(d.path().join("f").into());
        assert_eq!(locate(&p).unwrap(), file(&d, "opt/rocm/core/lib/libamd_smi.so.26"));
        p.virtual_env = Some(d.path().join("v64").into());
        assert_eq!(
            locate(&p).unwrap(),
            file(&d, "v64/lib64/python3.11/site-packages/_rocm_sdk_core/lib/libamd_smi.so.27")
        );
        p.rocm_home = Some(d.path().join("h").into());
        assert_eq!(locate(&p).unwrap(), file(&d, "h/lib/libamd_smi.so.27.0.1"));
        p.rocm_path = Some(d.path().join("opt/rocm/core").into());
        assert_eq!(locate(&p).unwrap(), file(&d, "opt/rocm/core/lib/libamd_smi.so.26"));
        p.amdsmi_lib_override = Some(d.path().join("f/my_amd_smi.so").into());
        assert_eq!(locate(&p).unwrap(), file(&d, "f/my_amd_smi.so"));
    }

    /// `ROCM_PATH=/opt/rocm/core` where the link is missing or dangling, and Debian's own packages below /usr.
    #[test]
    fn a_core_that_points_nowhere() {
        let debian = format!("usr/{DEBIAN}/libamd_smi.so.26");
        let d = tree(&["opt/rocm/core-7.14/lib/libamd_smi.so.26", "opt/rocm/core-7.13/lib/libamd_smi.so.26", &debian]);
        let mut p = at(&d);
        let newest = file(&d, "opt/rocm/core-7.14/lib/libamd_smi.so.26");
        p.rocm_path = Some(d.path().join("opt/rocm/core").into());
        assert_eq!(locate(&p).unwrap(), newest);
        std::os::unix::fs::symlink("core-9.9", d.path().join("opt/rocm/core")).unwrap();
        std::os::unix::fs::symlink("core/lib", d.path().join("opt/rocm/lib")).unwrap();
        assert_eq!(locate(&p).unwrap(), newest);
        p.rocm_path = None;
        assert_eq!(locate(&p).unwrap(), newest);
        p.rocm_path = Some(d.path().join("usr").into());
        assert_eq!(locate(&p).unwrap(), file(&d, &debian));
    }

    /// A folder that cannot be listed has no library; it is no failure.
    #[test]
    fn a_loop_of_links() {
        let d = tree(&["opt/rocm-7.0.2/lib/libamd_smi.so.26"]);
        std::os::unix::fs::symlink("rocm", d.path().join("opt/rocm")).unwrap();
        assert_eq!(locate(&at(&d)).unwrap(), file(&d, "opt/rocm-7.0.2/lib/libamd_smi.so.26"));
        assert_eq!(installed_release(&at(&d)).unwrap(), Some([7, 0]));
    }

    #[test]
    fn releases_by_their_files_and_names() {
        for (text, want) in [
            ("6.3.3-74", Some([6, 3])),
            ("7.14.0.dev0+g1a2b\n", Some([7, 14])),
            ("10.0.0a20260901", Some([10, 0])),
            ("7.2.0~rc1", Some([7, 2])),
            ("v7.1", Some([7, 1])),
            (" 7.0.2-38\nbuilt at 12.30", Some([7, 0])),
            ("ROCm 7.0.2", Some([7, 0])),
            ("7", None),
            ("", None),
            ("nothing", None),
            ("99999999999.1", None),
        ] {
            let d = tree(&["opt/rocm/.info/version"]);
            fs::write(d.path().join("opt/rocm/.info/version"), text).unwrap();
            assert_eq!(installed_release(&at(&d)).unwrap(), want, "{text:?}");
        }
        // Without a library: the ROCm that a variable names, else the newest in /opt, also by its name alone.
        let d = tree(&["opt/rocm-6.4.3/.info/version", "opt/rocm-7.2.0/bin/x", "opt/rocm-7.1.0/bin/x"]);
        fs::write(d.path().join("opt/rocm-6.4.3/.info/version"), "6.4.3-128").unwrap();
        let mut p = at(&d);
        assert_eq!(installed_release(&p).unwrap(), Some([7, 2]));
        p.rocm_path = Some(d.path().join("opt/rocm-6.4.3").into());
        assert_eq!(installed_release(&p).unwrap(), Some([6, 4]));
        // With one: its own.
        p.rocm_path = Some(d.path().join("opt/rocm-7.1.0").into());
        fs::create_dir(d.path().join("opt/rocm-7.1.0/lib")).unwrap();
        fs::write(d.path().join("opt/rocm-7.1.0/lib/libamd_smi.so"), "x").unwrap();
        assert_eq!(installed_release(&p).unwrap(), Some([7, 1]));
    }

    /// The package to install is that of the newest release on the machine.
    #[test]
    fn the_package_of_the_release() {
        for (files, text, want) in [
            (vec!["opt/rocm-6.3.3/.info/version"], "6.3.3-74", "amd-smi-lib"),
            (vec!["opt/rocm-6.3.3/.info/version", "opt/rocm/core-7.14/lib/x"], "6.3.3", "amdrocm-amdsmi"),
            (vec!["opt/rocm/.info/version"], "7.13.0", "amd-smi-lib"),
            (vec!["opt/rocm/.info/version"], "10.0.0", "amdrocm-amdsmi"),
            (vec!["opt/x"], "", "amdrocm-amdsmi (amd-smi-lib before ROCm 7.14)"),
        ] {
            let d = tree(&files);
            fs::write(d.path().join(files[0]), text).unwrap();
            let mut p = at(&d);
            assert_eq!(package(&p).unwrap(), want, "{files:?}");
            p.option = Some(d.path().join("nowhere"));
            assert!(locate(&p).unwrap_err().to_string().contains(&format!("package {want},")));
        }
    }

    #[test]
    fn a_given_location_without_the_library_is_an_error() {
        let d = tree(&["opt/rocm/lib/libamd_smi.so", "empty/other"]);
        let empty = d.path().join("empty");
        let mut p = at(&d);
        p.rocm_home = Some(empty.clone().into());
        assert!(locate(&p).unwrap_err().to_string().contains("ROCM_HOME names"));
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
