//! The house rules that no compiler holds: which module may use which, and what only the C boundary may say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One file of the library without its comments and its unit tests.
struct Source {
    /// Relative to `src`.
    name: String,
    code: String,
}

/// The top-level module a file belongs to.
impl Source {
    fn module(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap()
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    files(&root().join("src"), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        // Unit tests stand at the end of a file.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code: Vec<_> = text.lines().map(without_comment).collect();
        let name = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
        Source { name, code: code.join("\n") }
    };
    let found: Vec<_> = paths.into_iter().map(read).collect();
    assert!(found.len() > 25, "only {} files", found.len());
    found
}

fn without_comment(line: &str) -> &str {
    // A // inside a string would need more; there is none but in URLs, which have a colon before it.
    match line.find("//") {
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        _ => line,
    }
}

/// From the bottom up. A module uses only what stands in a lower row.
const ROWS: &[&[&str]] = &[
    &["error"],
    &["platform", "energy"],
    &["amdsmi", "sysfs"],
    &["topology"],
    &["device"],
    &["measure", "restore"],
    &["session"],
    &["capi"],
];

fn row(module: &str) -> usize {
    let found = ROWS.iter().position(|r| r.contains(&module));
    found.unwrap_or_else(|| panic!("the module {module} has no place in the layers; give it one in design and here"))
}

/// The modules that `crate::…` paths of a text begin with.
fn used(code: &str) -> BTreeSet<String> {
    let name = |t: &str| t.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in group.chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => {
                    found.insert(name(&item));
                    item.clear();
                    continue;
                }
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            item.push(c);
        }
        found.insert(name(&item));
    }
    found.remove("");
    found
}

#[test]
fn arrows_run_downwards() {
    assert_eq!(used("use crate::{log, a::{b, c},\n d};").into_iter().collect::<Vec<_>>(), ["a", "d", "log"]);
    let mut arrows = 0;
    for s in sources().iter().filter(|s| s.name != "lib.rs") {
        for other in used(&s.code) {
            assert!(
                other == s.module() || row(&other) < row(s.module()),
                "{} uses {other}, which is not below it",
                s.name
            );
            arrows += 1;
        }
        // `super` must not lead out of a module.
        let escapes = !s.name.contains('/') || s.name.ends_with("mod.rs");
        assert!(!s.code.contains("super::super"), "{}", s.name);
        assert!(!escapes || !s.code.contains("super::"), "{} says super:: for the crate's root", s.name);
    }
    assert!(arrows > 40, "only {arrows} arrows seen");
}

#[test]
fn amdsmi_and_sysfs_do_not_know_each_other() {
    for s in sources() {
        let uses = used(&s.code);
        assert!(s.module() != "amdsmi" || !uses.contains("sysfs"), "{}", s.name);
        assert!(s.module() != "sysfs" || !uses.contains("amdsmi"), "{}", s.name);
    }
}

#[test]
fn only_the_boundary_speaks_c() {
    let mut seen = 0;
    for s in sources() {
        if s.module() == "capi" {
            seen += s.code.matches("#[no_mangle]").count();
            continue;
        }
        let vendor = s.name == "amdsmi/symbols.rs";
        for word in ["no_mangle", "export_name", "link_section", "c_int", "#[no_"] {
            assert!(!s.code.contains(word), "{} says {word}", s.name);
        }
        // For the threads of samplers alone.
        assert!(s.name == "capi/at_exit.rs" || !s.code.contains("libc::atexit"), "{} says libc::atexit", s.name);
        assert!(vendor || !s.code.contains("extern \"C\""), "{} says extern \"C\"", s.name);
        assert!(vendor || !s.code.contains("c_char"), "{} says c_char", s.name);
        // The vendor's types are function pointers: no function of ours has the C convention.
        let named = s.code.split("extern \"C\" fn").skip(1).any(|r| r.starts_with(' '));
        assert!(!named, "{} defines an extern \"C\" function", s.name);
    }
    let exports = fs::read_to_string(root().join("cmake/exports.txt")).unwrap().lines().count();
    let hooks = 1;
    assert_eq!(seen, exports + hooks);
}

/// Name and body of each `extern "C"` function of the boundary.
fn extern_functions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for s in sources().iter().filter(|s| s.module() == "capi") {
        for rest in s.code.split("extern \"C\" fn ").skip(1) {
            let name = rest.split('(').next().unwrap().to_owned();
            let open = rest.find('{').unwrap();
            let mut depth = 0;
            let end = rest[open..].char_indices().find(|(_, c)| {
                depth += i32::from(*c == '{') - i32::from(*c == '}');
                depth == 0
            });
            found.push((name, rest[open + 1..open + end.unwrap().0].trim().to_owned()));
        }
    }
    assert!(found.len() > 20, "only {} functions", found.len());
    found
}

/// The whole body is one call of `catch_panics` or `catch_panics_or`: nothing runs outside of it.
#[test]
fn t9_every_c_function_is_guarded() {
    // These only return what is there already, and nothing in them can panic.
    let free =
        ["zeus_amd_status_string", "zeus_amd_method_string", "zeus_amd_counter_state_string", "zeus_amd_last_error"];
    for (name, body) in extern_functions() {
        if free.contains(&name.as_str()) {
            continue;
        }
        let inner = body.strip_prefix("catch_panics(").or_else(|| body.strip_prefix("catch_panics_or("));
        let inner = inner.unwrap_or_else(|| panic!("{name} does not begin with catch_panics: {body}"));
        let mut depth = 1;
        let end = inner.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0
        });
        let after = inner[end.unwrap().0 + 1..].trim();
        assert!(after.is_empty() || after == ";", "{name} runs something outside of catch_panics: {after}");
    }
}

#[test]
fn t9_the_boundary_does_not_panic_on_purpose() {
    for s in sources().iter().filter(|s| s.module() == "capi" && s.name != "capi/test_hooks.rs") {
        for line in s.code.lines().filter(|l| !l.trim().starts_with("const _: () = assert!")) {
            let words =
                [".unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "unreachable!", "assert!", "assert_eq!"];
            for word in words {
                assert!(!line.contains(word) || line.contains("size_of"), "{}: {line}", s.name);
            }
        }
    }
    let lints = fs::read_to_string(root().join("src/capi/mod.rs")).unwrap();
    let denied = lints.split("#![deny(").nth(1).unwrap().split(')').next().unwrap();
    for lint in ["clippy::unwrap_used", "clippy::expect_used", "clippy::panic", "clippy::indexing_slicing"] {
        assert!(denied.contains(lint), "src/capi does not deny {lint}");
    }
}

/// A C function takes integers where C has an enum: any number may come.
#[test]
fn t8_no_enum_by_value() {
    for s in sources().iter().filter(|s| s.module() == "capi") {
        for rest in s.code.split("extern \"C\" fn ").skip(1) {
            let arguments = rest.split("->").next().unwrap().split('{').next().unwrap();
            for argument in arguments.split(',').filter(|a| a.contains("_t")) {
                assert!(argument.contains('*'), "{}: {argument}", s.name);
            }
        }
    }
}

/// Generics and functions made by macros never reach the header as they should.
#[test]
fn t5_c_functions_are_plain() {
    for s in sources().iter().filter(|s| s.module() == "capi") {
        for rest in s.code.split("extern \"C\" fn ").skip(1) {
            let name = rest.split('(').next().unwrap();
            assert!(name.starts_with("zeus_amd_") && !name.contains(['<', '$', '!']), "{}: {name}", s.name);
        }
        for body in s.code.split("macro_rules!").skip(1) {
            let body = body.split("\n}").next().unwrap();
            assert!(!body.contains("extern") && !body.contains("no_mangle"), "{} makes C functions by a macro", s.name);
        }
        assert!(!s.code.contains("documentation_length"));
    }
    let config = fs::read_to_string(root().join("cbindgen.toml")).unwrap();
    assert!(!config.contains("documentation_length"), "documentation would be cut");
    assert!(config.contains("cpp_compat = true") && config.contains("parse_deps = false"));
}

/// With panics that abort nothing could be contained: such a build does not exist.
#[test]
fn t10_does_not_build_without_unwinding() {
    let says = |strategy: &str| {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut c = Command::new(rustc);
        c.args(["--edition=2021", "--crate-type=lib", "--emit=metadata", "-o", "/dev/null", "-C"]);
        c.arg(format!("panic={strategy}")).arg(root().join("src/lib.rs"));
        // Without its dependencies it does not compile either way; what counts is this one message.
        String::from_utf8_lossy(&c.output().unwrap().stderr).contains("must be built with panic = \"unwind\"")
    };
    assert!(says("abort"));
    assert!(!says("unwind"));
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert_eq!(manifest.matches("panic = \"unwind\"").count(), 2, "both profiles say so");
    assert!(!manifest.contains("panic = \"abort\""));
}

/// A guest in somebody else's process does none of these.
#[test]
fn t38_the_library_keeps_its_hands_off_the_host() {
    let never = [
        "print!",
        "println!",
        "eprint!",
        "eprintln!",
        "dbg!",
        "set_var",
        "remove_var",
        "process::exit",
        "process::abort",
        "libc::abort",
        "libc::exit",
        "libc::_exit",
        "sigaction",
        "libc::signal",
        "sigaltstack",
        "pthread_atfork",
        "global_allocator",
        "link_section",
        "static_ctor",
        "#[ctor",
        "libc::setenv",
        "libc::putenv",
        "set_current_dir",
        "libc::dlclose",
        "stdout()",
        "stderr()",
    ];
    for s in sources() {
        for word in never {
            // The end of the process is watched for in one place.
            let allowed = word == "libc::atexit" && s.name == "capi/at_exit.rs";
            assert!(allowed || !s.code.contains(word), "{} says {word}", s.name);
        }
        // For the threads of samplers alone.
        assert!(s.name == "capi/at_exit.rs" || !s.code.contains("libc::atexit"), "{} says libc::atexit", s.name);
    }
    let lints = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    assert!(lints.contains("#![deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro)]"));
}

/// The environment is asked where a session is opened, and nowhere else.
#[test]
fn t37_the_environment_is_read_in_one_place() {
    let found = sources();
    let names: Vec<_> = found.iter().filter(|s| s.code.contains("env::") || s.code.contains("getenv")).collect();
    let names: Vec<_> = names.iter().map(|s| s.name.as_str()).filter(|n| !n.ends_with("tests.rs")).collect();
    assert_eq!(names, ["session/discovery.rs", "session/options.rs"]);
    let count = |name: &str, what: &str| {
        let all = found.iter().filter(|s| s.name == name).map(|s| s.code.matches(what).count());
        all.sum::<usize>()
    };
    for name in names {
        assert_eq!(count(name, "env::var_os"), 1, "{name}");
    }
    // One use in `probe`, one in `open`.
    assert_eq!(
        count("session/options.rs", "= places(options)") + count("session/mod.rs", "options::places(options)"),
        2
    );
}

/// AMD's library is never closed: its handle is forgotten, and nothing here closes one.
#[test]
fn t13_the_vendor_s_library_is_never_closed() {
    for s in sources() {
        let loads = s.code.contains("Dl::open") || s.code.contains("Library::open") || s.code.contains("dlopen(");
        assert!(!loads || s.name == "amdsmi/loader.rs", "{} loads a library", s.name);
        assert!(!s.code.contains(".close()"), "{} closes something", s.name);
    }
    let loader = sources().into_iter().find(|s| s.name == "amdsmi/loader.rs").unwrap();
    assert!(loader.code.contains("dl.into_raw()"));
}

/// A file that grows long is probably two; the header's text is not counted.
#[test]
fn no_file_is_long() {
    let mut paths = Vec::new();
    files(&root().join("src"), &mut paths);
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|l| !l.trim_start().starts_with("///")).count();
        assert!(lines <= 450, "{} has {lines} lines", path.display());
    }
}

/// A lock whose waiting threads are kept in a table of the process is half changed in many a forked child: such locks
/// hold the small state of one GPU and nothing on which threads wait.
#[test]
fn t15_locks_are_fork_safe() {
    for s in sources().iter().filter(|s| s.name != "platform/sync.rs") {
        let small_state = s.name.starts_with("device");
        let std_locks = |line: &&str| {
            line.contains("std::sync::")
                && ["Mutex", "RwLock", "Condvar", "LazyLock", "OnceLock"].iter().any(|w| line.contains(w))
        };
        let found: Vec<_> = s.code.lines().filter(std_locks).collect();
        assert!(found.is_empty(), "{} says {found:?}: use crate::platform::sync", s.name);
        assert!(
            small_state || !s.code.contains("parking_lot"),
            "{} says parking_lot: use crate::platform::sync",
            s.name
        );
    }
}
