//! The rules that no compiler checks: which file may use which, and what only the C boundary may contain.

use std::collections::{BTreeMap, BTreeSet};
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

impl Source {
    /// The top-level module that it belongs to.
    fn module(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap()
    }

    /// Its own module: "device/source/select.rs" is device::source::select.
    fn path(&self) -> Vec<String> {
        let name = self.name.trim_end_matches(".rs");
        let name = name.strip_suffix("/mod").unwrap_or(name);
        name.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
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
    // cases, random: of unit tests alone.
    &["error", "gpu", "cases", "random"],
    &["energy", "platform"],
    &["amdsmi", "sysfs"],
    &["topology"],
    &["device"],
    &["control", "measure"],
    &["node", "restore"],
    &["session"],
    &["capi"],
];

fn row(module: &str) -> usize {
    let found = ROWS.iter().position(|r| r.contains(&module));
    found.unwrap_or_else(|| panic!("the module {module} is in no row; add it to the design and here"))
}

/// The paths of a text after each `start`, groups expanded: "a::{b, c::d}" is a::b and a::c::d.
fn paths(code: &str, start: &str) -> Vec<Vec<String>> {
    fn parse(rest: &str, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
        let text = rest.trim_start();
        let mut at = rest.len() - text.len();
        if text.starts_with('{') {
            at += 1;
            while !rest[at..].trim_start().starts_with('}') {
                at += parse(&rest[at..], before, found);
                at += rest[at..].find([',', '}']).expect("a group ends");
                at += usize::from(rest[at..].starts_with(','));
            }
            return at + rest[at..].find('}').unwrap() + 1;
        }
        let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        at += name.len();
        let path: Vec<String> = before.iter().cloned().chain((!name.is_empty()).then_some(name)).collect();
        match rest[at..].strip_prefix("::") {
            Some(next) => at + 2 + parse(next, &path, found),
            None => {
                found.push(path);
                at
            }
        }
    }
    let mut found = Vec::new();
    for (at, _) in code.match_indices(start) {
        // `pub(in crate::…)` uses nothing.
        if !code[..at].ends_with("in ") && !code[..at].ends_with([':', '_']) {
            parse(&code[at + start.len()..], &[], &mut found);
        }
    }
    found
}

#[test]
fn paths_are_found() {
    let found = paths("use crate::{log, a::{self, b::C, d},\n e};\npub(in crate::x) y: crate::f::G", "crate::");
    let found: Vec<String> = found.iter().map(|p| p.join("::")).collect();
    assert_eq!(found, ["log", "a::self", "a::b::C", "a::d", "e", "f::G"]);
}

/// The modules that `crate::…` paths of a text begin with.
fn used(code: &str) -> BTreeSet<String> {
    paths(code, "crate::").into_iter().filter_map(|p| p.into_iter().next()).collect()
}

#[test]
fn arrows_run_downwards() {
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
        let escapes = !s.name.contains('/') || s.path().len() == 1;
        assert!(!s.code.contains("super::super"), "{}", s.name);
        assert!(!escapes || !s.code.contains("super::"), "{} says super:: for the crate's root", s.name);
    }
    assert!(arrows > 40, "only {arrows} arrows seen");
}

/// For each file the files whose items it names. A file that declares a module, and re-exports its items, is that
/// module's parent.
fn uses() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let sources: Vec<Source> = sources().into_iter().filter(|s| !s.name.ends_with("/tests.rs")).collect();
    let modules: BTreeSet<Vec<String>> = sources.iter().map(Source::path).collect();
    // The deepest module of a path that is a file.
    let file_of = |mut path: Vec<String>| {
        while !modules.contains(&path) {
            path.pop();
        }
        path
    };
    let mut graph = BTreeMap::new();
    for s in &sources {
        let own = s.path();
        let parent = own.split_last().map_or(&[][..], |(_, parent)| parent);
        let below_parent = |p: Vec<String>| parent.iter().cloned().chain(p).collect();
        let absolute = paths(&s.code, "crate::").into_iter();
        let all = absolute.chain(paths(&s.code, "super::").into_iter().map(below_parent));
        let mut found: BTreeSet<Vec<String>> = all.map(file_of).collect();
        found.remove(&own);
        graph.insert(own, found);
    }
    graph
}

/// A module that names its parent's items, and is declared by it, makes both one file. What a helper needs it gets
/// handed in, or from a sibling.
#[test]
fn no_module_names_its_parent() {
    let mut found: Vec<String> = Vec::new();
    for (own, uses) in uses() {
        let names_parent = |other: &&Vec<String>| !other.is_empty() && own.starts_with(other);
        found.extend(uses.iter().find(names_parent).map(|_| own.join("/")));
    }
    assert!(found.is_empty(), "{found:?} name items of their parent");
}

/// Files that still stand in a circle. Becomes shorter, never longer.
const TODO_CIRCLES: &[&str] = &[];

#[test]
fn no_circle_of_files() {
    let graph = uses();
    assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 150, "most uses are not seen");
    let reaches_itself = |start: &Vec<String>| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(one) = open.pop() {
            // A parent is left out: it leads to all of its children, and naming it is refused above.
            for next in graph[one].iter().filter(|next| !one.starts_with(next)) {
                if next == start {
                    return true;
                }
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        false
    };
    let found: Vec<String> = graph.keys().filter(|k| reaches_itself(k)).map(|k| k.join("/")).collect();
    assert_eq!(found, TODO_CIRCLES);
}

/// A folder's file with code of its own. Becomes shorter, never longer.
const TODO_CODE_IN_MOD: &[&str] = &[];

#[test]
fn a_folder_s_file_only_declares() {
    let mut found = Vec::new();
    let sources = sources();
    for s in sources.iter().filter(|s| s.name.ends_with("/mod.rs")) {
        let statements = s.code.split(';').map(|s| s.trim().trim_start_matches("#[cfg(test)]").trim_start());
        let is_declaration = |text: &str| {
            let text = text.lines().filter(|l| !l.starts_with("#[") && !l.starts_with("#!["));
            let text = text.collect::<Vec<_>>().join(" ");
            let text = text.trim_start();
            let starts = ["", "mod ", "pub mod ", "pub use ", "pub(crate) use ", "pub(super) use "];
            text.is_empty() || starts[1..].iter().any(|start| text.starts_with(start)) && !text.contains(" fn ")
        };
        if !statements.clone().all(is_declaration) {
            found.push(s.name.as_str());
        }
    }
    assert_eq!(found, TODO_CODE_IN_MOD);
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
        // Where the C library starts a thread.
        let thread = s.name == "platform/thread.rs";
        for word in ["no_mangle", "export_name", "link_section", "c_int", "#[no_"] {
            assert!(!s.code.contains(word), "{} says {word}", s.name);
        }
        // For the threads of samplers alone.
        assert!(s.name == "capi/at_exit.rs" || !s.code.contains("libc::atexit"), "{} says libc::atexit", s.name);
        assert!(vendor || thread || !s.code.contains("extern \"C\""), "{} says extern \"C\"", s.name);
        assert!(vendor || !s.code.contains("c_char"), "{} says c_char", s.name);
        // The vendor's types are function pointers: no other function of ours has the C convention.
        let named = s.code.split("extern \"C\" fn").skip(1).any(|r| r.starts_with(' '));
        assert!(thread || !named, "{} defines an extern \"C\" function", s.name);
    }
    let exports = fs::read_to_string(root().join("cmake/exports.txt")).unwrap().lines().count();
    let hooks = 2;
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

/// T9 (panic leaves extern "C").
/// The whole body is one call of `catch_panics` or `catch_panics_or`: nothing runs outside of it.
#[test]
fn every_c_function_is_guarded() {
    // These only return what is there already, and nothing in them can panic.
    let free = [
        "zeus_amd_status_string",
        "zeus_amd_method_string",
        "zeus_amd_counter_state_string",
        "zeus_amd_last_error",
        "zeus_amd_node_domain_kind_string",
    ];
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

/// T9 (panic leaves extern "C").
#[test]
fn the_boundary_does_not_panic_on_purpose() {
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

/// T8 (enum by value).
/// A C function takes integers where C has an enum: any number may come.
#[test]
fn no_enum_by_value() {
    for s in sources().iter().filter(|s| s.module() == "capi") {
        for rest in s.code.split("extern \"C\" fn ").skip(1) {
            let arguments = rest.split("->").next().unwrap().split('{').next().unwrap();
            for argument in arguments.split(',').filter(|a| a.contains("_t")) {
                assert!(argument.contains('*'), "{}: {argument}", s.name);
            }
        }
    }
}

/// T5 (generics, macros, cut docs).
/// Generics and functions made by macros never reach the header as they should.
#[test]
fn c_functions_are_plain() {
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

/// T10 (containment off in the shipped build).
/// With panics that abort nothing could be contained: such a build does not exist.
#[test]
fn does_not_build_without_unwinding() {
    let says = |strategy: &str| {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut c = Command::new(rustc);
        c.args(["--edition=2021", "--crate-type=lib", "--emit=dep-info", "-o", "/dev/null", "-C"]);
        c.arg(format!("panic={strategy}")).arg(root().join("src/lib.rs"));
        // Without its dependencies it does not compile either way; what counts is this one message, which comes before types
        // are looked at.
        String::from_utf8_lossy(&c.output().unwrap().stderr).contains("must be built with panic = \"unwind\"")
    };
    assert!(says("abort"));
    assert!(!says("unwind"));
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert_eq!(manifest.matches("panic = \"unwind\"").count(), 2, "both profiles say so");
    assert!(!manifest.contains("panic = \"abort\""));
}

/// T38 (changes at load).
/// A guest in somebody else's process does none of these.
#[test]
fn no_process_wide_state_is_changed() {
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
            // The allocator is that of this library's own Rust code.
            let allowed = [("libc::atexit", "capi/at_exit.rs"), ("global_allocator", "platform/memory.rs")]
                .contains(&(word, s.name.as_str()));
            assert!(allowed || !s.code.contains(word), "{} says {word}", s.name);
        }
        // For the threads of samplers alone.
        assert!(s.name == "capi/at_exit.rs" || !s.code.contains("libc::atexit"), "{} says libc::atexit", s.name);
    }
    let lints = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    assert!(lints.contains("#![deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro)]"));
}

/// T37 (getenv against setenv).
/// The environment is asked where a session is opened, and nowhere else.
#[test]
fn the_environment_is_read_in_one_place() {
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
        count("session/options.rs", "= places(options)") + count("session/session.rs", "options::places(options)"),
        2
    );
}

/// T13 (vendor library closed).
/// AMD's library is never closed: its handle is forgotten, and nothing here closes one.
#[test]
fn the_vendor_s_library_is_never_closed() {
    for s in sources() {
        let loads = s.code.contains("Dl::open") || s.code.contains("Library::open") || s.code.contains("dlopen(");
        assert!(!loads || s.name == "amdsmi/loader.rs", "{} loads a library", s.name);
        assert!(!s.code.contains(".close()"), "{} closes something", s.name);
    }
    let loader = sources().into_iter().find(|s| s.name == "amdsmi/loader.rs").unwrap();
    assert!(loader.code.contains("dl.into_raw()"));
}

/// Files that are still too long. Becomes shorter, never longer.
const TODO_LONG_FILES: &[&str] = &[];

/// A long file is probably two; documentation, which is the header's text in `capi`, and tests are not counted.
#[test]
fn no_file_is_long() {
    let is_code = |l: &&str| !l.trim().is_empty();
    let found = sources();
    let long = found.iter().filter(|s| s.code.lines().filter(is_code).count() > 400);
    assert_eq!(long.map(|s| s.name.as_str()).collect::<Vec<_>>(), TODO_LONG_FILES);
}

/// Functions that are still too long. Becomes shorter, never longer.
const TODO_LONG_FUNCTIONS: &[&str] = &[];

#[test]
fn no_function_is_long() {
    let (mut found, mut seen) = (Vec::new(), 0);
    for s in sources() {
        let lines: Vec<&str> = s.code.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let Some(name) = line.split("fn ").nth(1).filter(|_| line.contains("fn ") && line.contains('(')) else {
                continue;
            };
            let start = line.trim_start();
            if !["fn ", "pub ", "pub(", "unsafe ", "const "].iter().any(|s| start.starts_with(s)) {
                continue;
            }
            // Formatted code closes a function where it begins.
            let end = format!("{}}}", " ".repeat(indent));
            let Some(length) = lines[i..].iter().position(|l| *l == end) else { continue };
            let code = lines[i..=i + length].iter().filter(|l| !l.trim().is_empty()).count();
            seen += 1;
            if code > 60 {
                found.push(format!("{} {}", s.name, name.split(['(', '<']).next().unwrap()));
            }
        }
    }
    assert!(seen > 300, "only {seen} functions seen");
    assert_eq!(found, TODO_LONG_FUNCTIONS);
}

/// T15 (fork).
/// A lock whose waiting threads are kept in a table of the process is half changed in many a forked child: such locks
/// hold the small state of one GPU and nothing on which threads wait. A thread of std takes a lock of the process when it ends.
#[test]
fn locks_are_fork_safe() {
    for s in sources().iter().filter(|s| s.name != "platform/sync.rs") {
        let small_state = s.name == "device/staleness.rs";
        let std_locks = |line: &&str| {
            line.contains("std::sync::")
                && ["Mutex", "RwLock", "Condvar", "LazyLock", "Once"].iter().any(|w| line.contains(w))
        };
        let found: Vec<_> = s.code.lines().filter(std_locks).collect();
        assert!(found.is_empty(), "{} says {found:?}: use crate::platform::sync", s.name);
        let threads = ["thread::spawn", "thread::Builder", "thread::scope"].iter().find(|w| s.code.contains(**w));
        assert!(threads.is_none(), "{} says {threads:?}: use crate::platform::thread", s.name);
        assert!(
            small_state || !s.code.contains("parking_lot"),
            "{} says parking_lot: use crate::platform::sync",
            s.name
        );
    }
}
