//! The traps of a C interface with Rust inside, each with the test that holds it shut.
//!
//! | trap | file | test |
//! |---|---|---|
//! | T1 header that C++ cannot take | header_compiles | header_in_every_cpp |
//! | T2 two types of one name | header | no_two_public_types_share_a_name |
//! | T3 items that the generator adds or drops | header | header_is_current |
//! | T3 … | exports | exports_are_the_header_s_functions |
//! | T4 typed enums in C | header_compiles | header_in_every_c |
//! | T5 generics, macros, cut docs | architecture | c_functions_are_plain |
//! | T6 version macro wrong | header_compiles | version_macro_is_the_library_s |
//! | T7 hand-kept lists drift | exports | soversion_is_one_number |
//! | T7 … | header | symbol_list_is_current |
//! | T8 enum by value | ffi_contract | any_number_where_c_has_an_enum |
//! | T8 … | architecture | no_enum_by_value |
//! | T9 panic leaves extern "C" | ffi_contract | panic_is_contained |
//! | T9 … | architecture | every_c_function_is_guarded |
//! | T10 containment off in the shipped build | ffi_contract | shipped_build_contains_panics |
//! | T10 … | architecture | does_not_build_without_unwinding |
//! | T11 panic text on stderr | ffi_contract | panic_is_contained |
//! | T11 … | ffi_contract | a_rust_host_keeps_its_panic_hook |
//! | T12 dlclose, then the thread ends | ffi_contract | dlclose_after_each_function |
//! | T12 … | sampler | dlclose_while_sampling |
//! | T13 vendor library closed | ffi_contract | dlclose_after_each_function |
//! | T13 … | ffi_contract | a_refused_library_stays_mapped |
//! | T13 … | architecture | the_vendor_s_library_is_never_closed |
//! | T14 exit while a thread is inside libamd_smi | sampler | return_from_main_while_sampling |
//! | T15 fork | process | child_gets_forked_and_opens_its_own |
//! | T16 close in a child | process | fork_while_the_lock_is_held |
//! | T15, T16 … | sampler | fork_while_sampling |
//! | T17 the vendor forks | sampler | the_vendor_forks_while_it_is_read |
//! | T18 vendor struct grows | ffi_contract | vendor_writes_longer_structs |
//! | T19 vendor init hangs | ffi_contract | init_that_hangs_is_left_alone |
//! | T19 init and shutdown again and again | ffi_contract | initialised_once_never_shut_down |
//! | T20 preloading, other allocators | process | with_a_checking_allocator |
//! | T20 … | process | with_jemalloc |
//! | T20 … | process | preloaded_into_programs_that_do_not_use_it |
//! | T22 exports of dependencies | exports | exports_are_the_header_s_functions |
//! | T23 symbol versions | exports | symbols_have_no_versions |
//! | T24 versions in the archive | exports | static_library_links_and_runs |
//! | T25 no soname | exports | a_program_linked_by_path_needs_the_soname |
//! | T28 glibc of the build machine | exports | glibc_floor_is_known |
//! | T30 struct_size misuse | ffi_contract | every_struct_size |
//! | T31 nested structs | header_compiles | no_struct_holds_another |
//! | T32 sentinel numbers | threads | absent_is_a_status |
//! | T33 last error of another thread | ffi_contract | each_thread_has_its_own_text |
//! | T34 NULL | ffi_contract | null_everywhere |
//! | T35 double close | ffi_contract | the_manual_way_is_clean_under_valgrind |
//! | T36 macros of other headers | header_compiles | header_after_headers_full_of_macros |
//! | T37 getenv against setenv | process | environment_is_read_in_open_only |
//! | T37 … | architecture | the_environment_is_read_in_one_place |
//! | T38 changes at load | process | process_is_left_as_it_was |
//! | T38 … | exports | no_constructor |
//! | T39 lock after a caught panic | ffi_contract | panic_is_contained |
//! | T40 huge struct_size | ffi_contract | every_struct_size |

#[path = "common/random.rs"]
mod random;
#[path = "c/shipped.rs"]
mod shipped;
#[path = "c/support.rs"]
mod support;

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;
use support::{cdylib, install, program, program_with, root, run, work, Fake};

/// Compiles `tests/c/NAME.c` and runs it on a machine of its own; it has to be silent.
fn on_fake(name: &str, args: &[&str], env: &[(&str, &str)]) -> Fake {
    let folder = work(name);
    let fake = Fake::new(&folder);
    run(fake.command(program(name, &folder)).args(args).envs(env.iter().copied())).silent();
    fake
}

#[test]
fn every_trap_has_its_test() {
    let table = include_str!("ffi_contract.rs");
    let mut traps = Vec::new();
    for line in table.lines().filter_map(|l| l.strip_prefix("//! | T")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let source = fs::read_to_string(root().join(format!("tests/{}.rs", cells[1]))).unwrap();
        assert!(source.contains(&format!("#[test]\nfn {}()", cells[2])), "{} has no test {}", cells[1], cells[2]);
        traps.push(cells[0].split([' ', ',']).next().unwrap().parse::<u32>().unwrap());
    }
    // T21, T26, T27 and T29 belong to packages.
    let needed = (1..=20).chain(22..=25).chain([28]).chain(30..=40);
    for t in needed {
        assert!(traps.contains(&t), "T{t} has no test");
    }
}

/// T8 (enum by value).
#[test]
fn any_number_where_c_has_an_enum() {
    let seed = random::seed();
    let header = fs::read_to_string(root().join("include/zeus_amd.h")).unwrap();
    let highest = |prefix: &str| {
        let values = header.lines().filter(|l| l.trim().starts_with(prefix)).filter_map(|l| l.split(" = ").nth(1));
        values.map(|v| v.trim_end_matches(',').parse::<u32>().unwrap()).max().unwrap()
    };
    let flags = header.lines().filter_map(|l| l.strip_prefix("#define ZEUS_AMD_OPEN_")?.split_once("_BIT "));
    let numbers = ["BACKEND", "VALIDATION", "ENERGY_RESOLUTION", "LOG"].map(|e| highest(&format!("ZEUS_AMD_{e}_")));
    let mut args = vec![seed.to_string()];
    args.extend(numbers.iter().map(u32::to_string));
    args.push(flags.map(|(_, bit)| bit.parse::<u32>().unwrap()).sum::<u32>().to_string());
    args.extend(["METHOD", "COUNTER_STATE"].map(|e| highest(&format!("ZEUS_AMD_{e}_")).to_string()));
    on_fake("enums", &args.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
}

/// The library as it is shipped, with the one hook more.
fn with_hooks() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = work("with_hooks");
        install(&shipped::build("cdylib", &["test-hooks"]).0, &folder)
    })
}

fn panics(name: &str, env: &[(&str, &str)]) {
    let folder = work(name);
    let fake = Fake::new(&folder);
    let to = program_with("panic", &folder, with_hooks(), &[]);
    run(fake.command(to).envs(env.iter().copied())).silent();
}

/// T9 (panic leaves extern "C"); T11 (panic text on stderr); T39 (lock after a caught panic).
/// INTERNAL and a text, in release mode too; nothing printed; the session is broken, the process is not.
#[test]
fn panic_is_contained() {
    panics("panic", &[]);
    panics("panic_backtrace", &[("RUST_BACKTRACE", "full"), ("RUST_LIB_BACKTRACE", "1")]);
}

/// T10 (containment off in the shipped build).
/// Containment is in the build that is shipped: the profile and crate type of a release, no feature for it.
#[test]
fn shipped_build_contains_panics() {
    panics("panic_shipped", &[]);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let features = manifest.split("[features]").nth(1).unwrap().split("\n[").next().unwrap();
    let names: Vec<_> = features.lines().filter(|l| l.contains('=') && !l.starts_with('#')).collect();
    assert_eq!(names, ["default = [\"reserve\"]", "reserve = []", "test-hooks = []", "testing = []"]);
}

/// T11 (panic text on stderr).
/// Linked into a Rust program, the library's panic hook leaves that program's own panics to its own hook.
#[test]
fn a_rust_host_keeps_its_panic_hook() {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() == Some(&"the host's own") {
            SEEN.fetch_add(1, Ordering::SeqCst);
        } else {
            before(info);
        }
    }));
    assert_eq!(zeus_amd::capi::version::zeus_amd_version() >> 16, 0);
    let theirs = || panic!("the host's own");
    assert!(panic::catch_unwind(theirs).is_err());
    assert!(std::thread::spawn(theirs).join().is_err());
    // SAFETY: NULL is the defaults.
    let _ = unsafe { zeus_amd::capi::session::zeus_amd_probe(std::ptr::null()) };
    assert!(panic::catch_unwind(theirs).is_err());
    assert_eq!(SEEN.load(Ordering::SeqCst), 3);
}

/// T12 (dlclose, then the thread ends); T13 (vendor library closed).
/// A process for each function: loaded in a thread, that function called first, closed, thread gone; nothing is unmapped.
#[test]
fn dlclose_after_each_function() {
    let folder = work("dlopen");
    let fake = Fake::new(&folder);
    let to = folder.join("dlopen");
    let mut c = support::cc("gcc", "gnu99");
    c.arg(root().join("tests/c/dlopen.c")).arg("-o").arg(&to).args(["-lpthread", "-ldl"]);
    run(&mut c).silent();
    for function in fs::read_to_string(root().join("cmake/exports.txt")).unwrap().lines() {
        run(fake.command(&to).arg(cdylib()).arg(&fake.library).arg(function)).silent();
    }
}

/// T13 (vendor library closed).
/// Even a library that is of no use is not closed: nobody knows what it has begun.
#[test]
fn a_refused_library_stays_mapped() {
    let folder = work("rejected_library_stays_loaded");
    let fake = Fake::new(&folder);
    fs::write(folder.join("other.c"), "int something_else(void) { return 0; }\n").unwrap();
    let mut c = std::process::Command::new("gcc");
    run(c.args(["-shared", "-fPIC", "-o"]).arg(&fake.library).arg(folder.join("other.c"))).silent();
    run(&mut fake.command(program("rejected_library_stays_loaded", &folder))).silent();
}

/// T18 (vendor struct grows).
#[test]
fn vendor_writes_longer_structs() {
    // As much as the margin behind the largest struct that is known, and what real releases differ by.
    for bytes in ["0", "8", "124", "512", "1000"] {
        on_fake("overrun", &[], &[("FAKE_OVERRUN", bytes)]);
    }
}

/// T19 (vendor init).
#[test]
fn init_that_hangs_is_left_alone() {
    let folder = work("init_hangs");
    let fake = Fake::new(&folder);
    // The fake sleeps for a day: a process that waited for it when it ends would be killed.
    run(fake.command(program("init_hangs", &folder)).env("FAKE_INIT_SLEEP", "86400")).silent();
    // And nobody called it twice.
    assert_eq!(fake.events(), ["loaded", "init"]);
}

/// T19 (vendor init).
#[test]
fn initialised_once_never_shut_down() {
    let fake = on_fake("init_once", &[], &[]);
    assert_eq!(fake.events(), ["loaded", "init", "shut_down", "init"]);
}

/// T30 (struct_size misuse); T40 (huge struct_size).
#[test]
fn every_struct_size() {
    on_fake("struct_size", &[], &[]);
}

/// T33 (last error of another thread).
#[test]
fn each_thread_has_its_own_text() {
    on_fake("two_texts", &[], &[]);
}

/// Each function stands in `null.c`, and each that takes a session among those that a child and a broken one refuse.
#[test]
fn no_function_is_left_out() {
    let text = |name: &str| fs::read_to_string(root().join("tests/c").join(name)).unwrap();
    let (null, readers) = (text("null.c") + &text("readers.h"), text("readers.h"));
    let header = fs::read_to_string(root().join("include/zeus_amd.h")).unwrap();
    let mut with_session = 0;
    for name in fs::read_to_string(root().join("cmake/exports.txt")).unwrap().lines() {
        let free = name == "zeus_amd_version" || name.ends_with("_string");
        assert!(free || null.contains(name), "tests/c/null.c does not call {name}");
        if header.contains(&format!("{name}(const struct zeus_amd_session_t *session")) {
            assert!(readers.contains(name), "all_refuse() of tests/c/readers.h does not call {name}");
            with_session += 1;
        }
    }
    assert!(with_session > 20);
}

/// T34 (NULL).
#[test]
fn null_everywhere() {
    on_fake("null", &[], &[]);
}

/// T35 (double close).
/// No error, nothing lost; and what is documented and shown is to set the pointer to NULL after the close.
#[test]
fn the_manual_way_is_clean_under_valgrind() {
    let folder = work("valgrind");
    let fake = Fake::new(&folder);
    let mut c = fake.command("valgrind");
    c.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect"]);
    let report = folder.join("valgrind.log");
    c.args(["--show-leak-kinds=definite,indirect"]).arg(format!("--log-file={}", report.display()));
    let ran = run(c.arg(program("open_close", &folder)));
    let report = fs::read_to_string(report).unwrap();
    assert!(ran.code == Some(0) && ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran:#?}\n{report}");
    assert!(!report.contains(" lost in loss record") && !report.contains("Invalid"), "{report}");
}
