//! What the built library shows to a linker and a loader.

#[path = "c/shipped.rs"]
mod shipped;
#[path = "c/support.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use support::{cdylib, output, program_with, root, run, work};

/// The shared library as it is shipped.
fn shipped_so() -> &'static Path {
    static SO: OnceLock<PathBuf> = OnceLock::new();
    SO.get_or_init(|| shipped::build("cdylib", &[]).0)
}

fn tool(program: &str, flags: &str, file: &Path) -> String {
    output(program, &[flags.as_ref(), file.as_os_str()])
}

fn listed() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("cmake/exports.txt")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// All that the dynamic symbol table defines, whatever its kind.
fn exported(so: &Path) -> BTreeSet<String> {
    let text = output("nm", &["-D".as_ref(), "--defined-only".as_ref(), so.as_os_str()]);
    text.lines().map(|l| l.split_whitespace().last().unwrap().to_owned()).collect()
}

/// The values of one tag of the dynamic section.
fn dynamic(so: &Path, tag: &str) -> Vec<String> {
    let text = tool("readelf", "-dW", so);
    let lines = text.lines().filter(|l| l.contains(&format!("({tag})")));
    lines.map(|l| l.split(&format!("({tag})")).nth(1).unwrap().trim().to_owned()).collect()
}

/// T3 (items that the generator adds or drops); T7 (hand-kept lists drift); T22 (exports of dependencies).
#[test]
fn exports_are_the_header_s_functions() {
    assert_eq!(exported(shipped_so()), listed());
    if !cfg!(feature = "test-hooks") {
        assert_eq!(exported(&cdylib()), listed());
    }
}

#[test]
fn no_test_hook_is_shipped() {
    let hooks = |so: &Path| exported(so).into_iter().filter(|s| s.starts_with("zeus_amd__")).collect::<Vec<_>>();
    assert_eq!(hooks(shipped_so()), Vec::<String>::new());
    assert!(!tool("nm", "-a", shipped_so()).contains("zeus_amd__"));
}

/// T23 (symbol versions).
#[test]
fn symbols_have_no_versions() {
    let text = tool("objdump", "-T", shipped_so());
    let defined: Vec<_> = text.lines().filter(|l| l.contains(" zeus_amd_")).collect();
    assert_eq!(defined.len(), listed().len(), "{text}");
    for line in defined {
        let version = line.split_whitespace().rev().nth(1).unwrap();
        assert!(version == "Base" || version.chars().all(|c| c.is_ascii_hexdigit()), "{line}");
    }
    assert!(!tool("readelf", "-VW", shipped_so()).contains("Version definition section"));
}

/// T25 (no soname).
#[test]
fn soname() {
    for so in [shipped_so(), &cdylib()] {
        assert_eq!(dynamic(so, "SONAME"), ["Library soname: [libzeus_amd.so.0]"]);
    }
}

/// T25 (no soname).
#[test]
fn a_program_linked_by_path_needs_the_soname() {
    let folder = work("by_path");
    let to = folder.join("version");
    let mut c = support::cc("gcc", "gnu99");
    c.arg(root().join("tests/c/version.c")).arg(shipped_so()).arg("-o").arg(&to);
    run(&mut c).silent();
    let needed = dynamic(&to, "NEEDED");
    assert!(needed.contains(&"Shared library: [libzeus_amd.so.0]".to_owned()), "{needed:?}");
}

/// T7 (hand-kept lists drift).
#[test]
fn soversion_is_one_number() {
    let number = |file: &str, before: &str, after: char| -> String {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("{file} has no {before:?}"));
        rest.split(after).next().unwrap().trim().to_owned()
    };
    let ours = number("build.rs", "const ZEUS_AMD_SOVERSION: u32 =", ';');
    assert_eq!(ours, "0");
    assert_eq!(number("CMakeLists.txt", "set(ZEUS_AMD_SOVERSION", ')'), ours);
}

/// T12 (dlclose, then the thread ends).
#[test]
fn is_never_unmapped() {
    for so in [shipped_so(), &cdylib()] {
        let flags = dynamic(so, "FLAGS_1").join(" ");
        assert!(flags.split_whitespace().any(|f| f == "NODELETE"), "{flags}");
    }
}

#[test]
fn needs_nothing_but_libc() {
    for line in dynamic(shipped_so(), "NEEDED") {
        let name = line.split(['[', ']']).nth(1).unwrap();
        // The last three are part of libc since glibc 2.34.
        let allowed = ["libgcc_s.so.", "libc.so.", "ld-linux-", "libm.so.", "libpthread.so.", "libdl.so."];
        assert!(allowed.iter().any(|a| name.starts_with(a)), "{line}");
    }
    let unneeded = dynamic(shipped_so(), "RPATH").into_iter().chain(dynamic(shipped_so(), "RUNPATH"));
    assert_eq!(unneeded.collect::<Vec<_>>(), Vec::<String>::new());
}

/// T38 (changes at load).
/// Functions run at load: std's keeper of the arguments, and what the C runtime puts in. None of ours.
#[test]
fn no_constructor() {
    let so = cdylib();
    let sections = tool("readelf", "-SW", &so);
    assert!(!sections.contains(".ctors") && !sections.contains(".preinit_array"));
    let line = sections.lines().find(|l| l.contains(".init_array")).unwrap();
    let fields: Vec<_> = line.split(']').nth(1).unwrap().split_whitespace().collect();
    let hex = |t: &str| u64::from_str_radix(t, 16).unwrap();
    let (start, size) = (hex(fields[2]), hex(fields[4]));
    let relocations = tool("readelf", "-rW", &so);
    let symbols = tool("nm", "-a", &so);
    let mut found = Vec::new();
    for line in relocations.lines().filter(|l| l.contains("_RELATIV")) {
        let words: Vec<_> = line.split_whitespace().collect();
        if (start..start + size).contains(&hex(words[0])) {
            let target = hex(words[3]);
            let is_it = |l: &&str| l.split(' ').next().is_some_and(|a| u64::from_str_radix(a, 16) == Ok(target));
            found.push(symbols.lines().find(is_it).map_or("unnamed", |l| l.split(' ').nth(2).unwrap()).to_owned());
        }
    }
    assert_eq!(found.len() as u64, size / 8, "{found:?}");
    for name in found {
        assert!(name == "frame_dummy" || name.contains("ARGV_INIT_ARRAY"), "{name} runs at load");
    }
}

/// The oldest glibc that the library of this build loads with; `cargo test -- --nocapture` shows it.
#[test]
fn glibc_floor_is_known() {
    let text = tool("objdump", "-T", shipped_so());
    let versions = text.split("(GLIBC_").skip(1).filter_map(|v| v.split(')').next());
    let number = |v: &str| v.split('.').map(|n| n.parse().unwrap()).collect::<Vec<u32>>();
    let floor = versions.max_by_key(|v| number(v)).unwrap();
    println!("the library of this build needs glibc {floor} or later");
    assert!(number(floor) >= vec![2, 2]);
}

/// T24 (versions in the archive).
/// A C program with the static library in it, linked as cargo says, with no symbol versions in the way.
#[test]
fn static_library_links_and_runs() {
    let folder = work("static");
    let (archive, built) = shipped::build("staticlib", &[]);
    let line = built.stderr.lines().find(|l| l.contains("native-static-libs:"));
    let libraries = line.unwrap_or_else(|| panic!("{built:#?}")).split("native-static-libs:").nth(1).unwrap();
    let fake = support::Fake::new(&folder);
    for name in ["version", "silent"] {
        let to = folder.join(name);
        let mut c = support::cc("gcc", "gnu99");
        c.arg("-D_GNU_SOURCE").arg(root().join(format!("tests/c/{name}.c"))).arg(&archive);
        run(c.args(libraries.split_whitespace()).arg("-o").arg(&to)).silent();
        let needed = dynamic(&to, "NEEDED").join(" ");
        assert!(!needed.contains("zeus"), "{needed}");
        run(&mut fake.command(&to)).silent();
    }
    assert!(!tool("nm", "-a", &archive).contains('@'), "a symbol of the archive has a version");
}

/// The shipped library in a program, as a user has it: found by its SONAME.
#[test]
fn shipped_library_runs() {
    let folder = work("shipped");
    support::install(shipped_so(), &folder);
    let fake = support::Fake::new(&folder);
    run(&mut fake.command(program_with("silent", &folder, &folder, &[]))).silent();
}
