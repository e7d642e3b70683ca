//! The command finds what it would find without the tool, and so do those who started it.

use super::tables::csv_samples;
use super::*;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;

#[test]
fn exit_statuses() {
    let sim = small();
    for (arguments, code, words) in [
        (&["true"][..], 0, "exit status 0\n"),
        (&["--", "sh", "-c", "exit 3"], 3, "exit status 3\n"),
        (&["sh", "-c", "exit 200"], 200, "exit status 200\n"),
        (&["--", "sh", "-c", "kill -TERM $$"], 143, "exit status 143 (signal 15)\n"),
        (&["--", "sh", "-c", "kill -KILL $$"], 137, "exit status 137 (signal 9)\n"),
        (&["--", "/no/such/program"], 127, "/no/such/program: No such file"),
        (&["--", "no-such-program"], 127, "no-such-program: No such file"),
        (&["--", "/tmp"], 126, "/tmp: Permission denied"),
        (&["--"], 2, "zeus-amd-run: no command; --help"),
        (&["--quiet"], 2, "zeus-amd-run: no command; --help"),
        (&["--nonsense", "true"], 2, "unrecognized option '--nonsense'"),
        (&["--period-us", "99", "true"], 2, "--period-us 99: a number from 100"),
        (&["--period-us", "-5", "true"], 2, "--period-us -5: a number"),
        (&["--every-ms", "x", "true"], 2, "--every-ms x: a number"),
        (&["--resolution", "kWh", "true"], 2, "--resolution kWh: firmware, reported or default;"),
        (&["--backend", "cuda", "true"], 2, "--backend cuda: auto, amdsmi or sysfs;"),
        (&["--check=xml"], 2, "--check xml: text or json;"),
        (&["--check", "--", "./job", "x"], 2, "--check ./job: it runs no command;"),
        (
            &["--check=json", "--json", "/no/file"],
            2,
            "--json /no/file: of a command only; --check writes to standard output or --output;",
        ),
        (&["--json", "%x", "true"], 2, "--json %x: % is followed by"),
        (&["--json", "%r", "true"], 2, "%r needs a rank"),
        (&["--gpus", "0,1", "true"], 2, "--gpus 0,1: not a list such as 0,2-3 of the 1 GPUs"),
        (&["--gpus", "all", "true"], 2, "--gpus all: not a list"),
        (&["--gpus", "", "true"], 2, "--gpus : not a list"),
        (&["--gpus", "0-", "true"], 2, "--gpus 0-: not a list"),
        (&["--json", "/no/such/folder/file", "true"], 125, "/no/such/folder/file: No such file"),
        (&["--json", "/dev/full", "sh", "-c", "exit 5"], 5, "/dev/full: No space left"),
        (&["--check=json", "--output", "/dev/full"], 125, "/dev/full: No space left"),
    ] {
        let (status, stdout, stderr) = ran(&command(&sim, arguments).output().unwrap());
        assert_eq!((status, stdout.as_str()), (Some(code), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
        assert!(code != 2 || stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
    let (status, stdout, stderr) = ran(&command(&sim, &["--help"]).output().unwrap());
    assert!(status == Some(0) && stderr.is_empty() && stdout.starts_with("usage: zeus-amd-run [options]"), "{stdout}");
}

/// Without a command that ran there is nothing to say: no new files, and old ones are what they were.
#[test]
fn files_are_written_only_if_the_command_was_run() {
    let sim = small();
    let [old, new] = ["old.json", "new.csv"].map(|n| path(&sim, n));
    std::fs::write(&old, "of the last run").unwrap();
    let (fifo, _end) = fifo(&sim);
    for (last, code) in [
        (&["/no/such/program"][..], 127),
        (&["/tmp"], 126),
        (&["--svg", "/no/such/folder/file", "true"], 125),
        (&["--gpus", "9", "true"], 2),
        (&["sh", "-c", "exit 4"], 4),
    ] {
        let arguments = [&["--json", &old, "--csv", &new, "--trace", &fifo, "--output", "/dev/null"], last].concat();
        let out = command(&sim, &arguments).output().unwrap();
        assert_eq!(out.status.code(), Some(code), "{last:?}");
        let text = std::fs::read_to_string(&old).unwrap();
        if code == 4 {
            assert_eq!(json(Path::new(&old))["exit_status"], 4);
            assert!(!csv_samples(&new).is_empty());
        } else {
            assert!(text == "of the last run" && !Path::new(&new).exists(), "{last:?}: {text}");
        }
        assert!(Path::new(&fifo).exists() && Path::new("/dev/null").exists(), "{last:?}");
    }
}

#[test]
fn streams_pass_untouched() {
    let sim = small();
    let mut bytes = vec![0; 1 << 20];
    random::Random::new().fill(&mut bytes);
    let file = path(&sim, "report.txt");
    let arguments = ["--output", &file, "--", "sh", "-c", "printf 'its own\\377' >&2; exec cat"];
    let mut child = command(&sim, &arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let to_write = bytes.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&to_write));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(out.status.success() && out.stdout == bytes && out.stderr == b"its own\xff");
    assert!(std::fs::read_to_string(file).unwrap().contains("1 package, each once"));
}

/// Signals, open files, group: the same with the tool as without, whatever it was started with.
#[test]
fn the_command_inherits_what_the_tool_did() {
    let sim = Sim::start("mi300x-8", "6.3.3", &[] as &[&str]).unwrap();
    let program = common::c_program("inherited");
    let odd = |command: &mut Command| {
        // SAFETY: only calls that a child may make.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
                libc::signal(libc::SIGPIPE, libc::SIG_IGN);
                libc::signal(libc::SIGINT, libc::SIG_IGN);
                let mut set = std::mem::zeroed();
                libc::sigemptyset(&mut set);
                libc::sigaddset(&mut set, libc::SIGUSR1);
                libc::sigaddset(&mut set, libc::SIGTERM);
                libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
                libc::dup2(0, 9);
                Ok(())
            })
        };
    };
    for is_odd in [false, true] {
        let json = path(&sim, "inherited.json");
        let mut direct = sim.command(&program);
        let mut through = command(&sim, &["--json", &json, "--csv", "/dev/null", "--", program.to_str().unwrap()]);
        direct.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if is_odd {
            odd(&mut direct);
            odd(&mut through);
        }
        let [direct, through] = [direct, through].map(|mut command| {
            let child = command.spawn().unwrap();
            let leader = format!(" {}", child.id());
            let (code, stdout, stderr) = ran(&child.wait_with_output().unwrap());
            (code, stdout.replace(&leader, " its starter's"), stderr)
        });
        assert!(direct.0 == Some(0) && direct.1.contains("file 0\nfile 1\nfile 2\n"), "{direct:?}");
        assert!(direct.1.contains("group its starter's session its starter's"), "{direct:?}");
        assert_eq!(direct.1.contains("file 9"), is_odd);
        assert_eq!((direct.0, direct.1), (through.0, through.1), "{}", through.2);
        assert_eq!(self::json(Path::new(&json))["exit_status"], 0);
    }
}

/// With a standard stream that is closed no file is in its place, for neither what the tool writes there nor the command.
#[test]
fn closed_streams() {
    let sim = small();
    let [report, csv] = ["report.json", "samples.csv"].map(|n| path(&sim, n));
    for stream in 0..3 {
        let mut shell = sim.command("sh");
        shell.args(["-c", &format!("exec \"$@\" {stream}>&-"), "sh"]).arg(tool());
        shell.args(["--csv", &csv, "--json", &report, "--", "sh", "-c", &format!("[ ! -e /proc/$$/fd/{stream} ]")]);
        let (status, _, stderr) = ran(&shell.output().unwrap());
        assert_eq!(status, Some(0), "{stream}: {stderr}");
        assert_eq!(json(Path::new(&report))["exit_status"], 0, "{stream}");
        assert!(!csv_samples(&csv).is_empty(), "{stream}");
    }
}

#[test]
fn odd_words_of_a_command() {
    let sim = small();
    let [report, picture, trace] = ["report.json", "picture.svg", "trace.json"].map(|n| path(&sim, n));
    let long = "long ".repeat(20_000);
    let odd: Vec<&[u8]> = vec![
        b"",
        b"a \"b\" \\ 'c'",
        b"<&>]]>",
        "ü€😀\u{feff}".as_bytes(),
        b"\n\r\t\x01\x1b[31m\x7f",
        b"\xff\xfe\xc0\x80\xed\xa0\x80",
        "\u{85}\u{9b}\u{fffe}\u{ffff}".as_bytes(),
        b"%s%n%d",
        b"cut \xe2\x82",
        long.as_bytes(),
    ];
    let options = ["--json", &report, "--svg", &picture, "--trace", &trace, "--", "true"];
    let mut all: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
    all.extend(odd.iter().map(|w| OsStr::from_bytes(w)));
    let out = command(&sim, &all).output().unwrap();
    assert!(out.status.success());
    let stderr = String::from_utf8(out.stderr).expect("the report is UTF-8 whatever the command is");
    assert!(!stderr.chars().any(|c| c.is_control() && c != '\n'), "{stderr:?}");
    let said = json(Path::new(&report));
    let words: Vec<&str> = said["command"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert_eq!(words.len(), 1 + odd.len());
    for (said, true_word) in words[1..].iter().zip(&odd) {
        match std::str::from_utf8(true_word) {
            Ok(whole) => assert_eq!(*said, whole),
            // Each broken byte is one replacement character.
            Err(_) => assert!(said.contains('\u{fffd}'), "{said:?}"),
        }
    }
    json(Path::new(&trace));
    let text = std::fs::read_to_string(picture).unwrap();
    let svg = roxmltree::Document::parse(&text).unwrap();
    let title = svg.descendants().find(|n| n.tag_name().name() == "title").unwrap().text().unwrap();
    assert!(title.contains("a \"b\" \\ '\\''c'\\''") && title.contains("<&>]]>") && title.contains("ü€😀"), "{title}");
}

/// Control characters, quotes and markup in a GPU's name, in each report; Python's parsers judge what programs read.
#[test]
fn odd_names_of_gpus() {
    let name = r#"a\u001b[31m\u0007\n\u009b,\"b\" 'c' \\\\ <d>&e; ü€😀"#;
    let shown = "a\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd},\"b\" 'c' \\\\ <d>&e; ü€😀";
    for rocm in ["none", "7.0.2"] {
        let sim = Sim::start("mi210-1", rocm, &[format!("gpu.0.name = \"{name}\"")]).unwrap();
        let files = ["report.json", "samples.csv", "trace.json", "picture.svg"].map(|n| path(&sim, n));
        let [report, csv, trace, picture] = &files;
        let options = ["--json", report, "--csv", csv, "--trace", trace, "--svg", picture, "--", "sleep", "0.2"];
        let out = command(&sim, &options).output().unwrap();
        let (status, _, text) = ran(&out);
        assert!(status == Some(0) && !text.chars().any(|c| c.is_control() && c != '\n'), "{rocm}: {text:?}");
        assert!(text.contains(shown), "{rocm}: {text}");
        let script = common::root().join("tests/python/parse_reports.py");
        let parsed = Command::new("python3").arg(script).args(&files).output().unwrap();
        assert!(parsed.status.success(), "{rocm}: {}", String::from_utf8_lossy(&parsed.stderr));
        let parsed: serde_json::Value = serde_json::from_slice(&parsed.stdout).unwrap();
        assert_eq!(parsed["json"], shown, "{rocm}");
        // Cut to what the picture has room for.
        let drawn = parsed["svg"].as_str().unwrap().trim_end_matches('…');
        assert!(drawn.chars().count() > 20 && shown.starts_with(drawn), "{rocm}: {drawn}");
        assert!(parsed["rows"].as_u64() > Some(0) && parsed["events"].as_u64() > Some(0), "{rocm}: {parsed}");
    }
}

/// A file that has no room for the whole report does not stay with a part of it, and that is said.
#[test]
fn no_half_report() {
    let sim = small();
    let (made, known, whole) = (path(&sim, "made.json"), path(&sim, "known.svg"), path(&sim, "report.txt"));
    std::fs::write(&known, "of the last run").unwrap();
    // 1 KiB a file.
    let limited = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
    let mut command = sim.command("bash");
    command.args(["-c", limited, "bash"]).arg(tool());
    command.args(["--json", &made, "--svg", &known, "--output", &whole, "--", "sh", "-c", "echo its own"]);
    let (status, stdout, stderr) = ran(&command.output().unwrap());
    assert_eq!((status, &*stdout), (Some(0), "its own\n"), "{stderr}");
    assert!(!Path::new(&made).exists() && std::fs::read(&known).unwrap().is_empty());
    for (file, what) in [(&made, "removed"), (&known, "emptied")] {
        let lines = [format!("{file}: File too large\n"), format!("{file}: {what}, as it was not whole\n")];
        assert!(lines.iter().all(|line| stderr.contains(line)), "{stderr}");
    }
    assert!(std::fs::read_to_string(whole).unwrap().contains("1 package, each once"));
}
