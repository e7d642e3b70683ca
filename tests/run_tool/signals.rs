//! Signals, and what a terminal and its shell do with them.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};

/// A terminal for a command; the side of the user.
fn on_terminal(command: &mut Command) -> (Child, std::fs::File) {
    let (mut master, mut slave) = (0, 0);
    let size = libc::winsize { ws_row: 25, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: plain out-pointers; the descriptors are owned from here on.
    let (master, slave) = unsafe {
        assert_eq!(
            libc::openpty(
                &mut master,
                &mut slave,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                &size as *const _ as *mut _
            ),
            0
        );
        libc::fcntl(master, libc::F_SETFD, libc::FD_CLOEXEC);
        (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    };
    let raw = slave.as_raw_fd();
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
    // SAFETY: only calls that a child may make.
    unsafe {
        command.pre_exec(move || {
            libc::ioctl(raw, libc::TIOCSCTTY, 0);
            libc::close(raw);
            Ok(())
        })
    };
    let child = command.spawn().unwrap();
    (child, std::fs::File::from(master))
}

/// Reads until the words have come; all that was read.
fn read_until(terminal: &mut std::fs::File, seen: &mut String, words: &str) {
    let mut patience = Patience::new();
    let mut bytes = [0; 4096];
    while !seen.contains(words) {
        assert!(!patience.is_over(), "{words:?} did not come: {seen:?}");
        let mut ready = libc::pollfd { fd: terminal.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor.
        if unsafe { libc::poll(&mut ready, 1, 100) } > 0 {
            match terminal.read(&mut bytes) {
                Ok(n) if n > 0 => seen.push_str(&String::from_utf8_lossy(&bytes[..n])),
                _ => panic!("{words:?} did not come: {seen:?}"),
            }
        }
    }
}

#[test]
fn control_c_ends_both_and_still_reports() {
    let sim = small();
    let (mut child, mut terminal) =
        on_terminal(&mut command(&sim, &["--", "sh", "-c", "echo begun; sleep 600; echo not ''reached"]));
    let mut seen = String::new();
    read_until(&mut terminal, &mut seen, "begun");
    // The line while it runs, cut to the terminal.
    read_until(&mut terminal, &mut seen, "\r\u{1b}[Kzeus-amd-run: ");
    read_until(&mut terminal, &mut seen, " W\r");
    terminal.write_all(b"\x03").unwrap();
    read_until(&mut terminal, &mut seen, "exit status 130 (signal 2)");
    read_until(&mut terminal, &mut seen, "1 package, each once");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!seen.contains("not reached"), "{seen:?}");

    // A command that takes Ctrl-C in its own way, once; and no line with --quiet.
    let script = "trap 'echo caught; n=1' INT; echo begun; while [ -z \"$n\" ]; do sleep 0.1; done; sleep 0.3; exit 6";
    let (mut child, mut terminal) = on_terminal(&mut command(&sim, &["--quiet", "--", "sh", "-c", script]));
    let mut seen = String::new();
    read_until(&mut terminal, &mut seen, "begun");
    std::thread::sleep(Duration::from_millis(600));
    terminal.write_all(b"\x03").unwrap();
    read_until(&mut terminal, &mut seen, "each once");
    assert_eq!(child.wait().unwrap().code(), Some(6));
    assert_eq!(seen.matches("caught\r\n").count(), 1, "{seen:?}");
    assert!(!seen.contains("\u{1b}"), "{seen:?}");
}

/// A terminal on which bash runs the tool with options and a script, as one does by hand; then `then`.
fn under_bash(sim: &Sim, options: &str, script: &str, then: &str) -> (Child, std::fs::File) {
    let mut bash = sim.command("bash");
    bash.arg("-c").arg(format!("set -m; {} {options} -- sh -c \"$SCRIPT\"; {then}", tool().display()));
    on_terminal(bash.env("SCRIPT", script))
}

/// Whatever stops the command: the shell sees that, and continues both.
#[test]
fn stopped_and_continued_by_a_shell() {
    let sim = small();
    let (_, mut end) = fifo(&sim);
    let then = "echo stopped $?; fg >/dev/null; echo ended $?";
    for (stop, status) in
        [("read word <$ZEUS_AMD_SIM/fifo", 148), ("kill -STOP $$", 148), ("kill -TTIN $$", 149), ("kill -TTOU $$", 150)]
    {
        let script = format!("echo begun; {stop}; exit 4");
        let (mut child, mut terminal) = under_bash(&sim, "--quiet", &script, then);
        let mut seen = String::new();
        read_until(&mut terminal, &mut seen, "begun");
        let is_control_z = stop.starts_with("read");
        if is_control_z {
            terminal.write_all(b"\x1a").unwrap();
        }
        read_until(&mut terminal, &mut seen, &format!("stopped {status}"));
        if is_control_z {
            end.write_all(b"\n").unwrap();
        }
        read_until(&mut terminal, &mut seen, "ended 4");
        assert!(seen.contains("exit status 4"), "{stop}: {seen:?}");
        child.wait().unwrap();
    }
}

/// Ctrl-Z while the library opens, before there is a command.
#[test]
fn stopped_before_the_command_is_there() {
    let sim = Sim::start("mi210-1", "6.2.4", &["init.delay_ms = 2000"]).unwrap();
    let then = "echo stopped $?; fg >/dev/null; echo ended $?";
    // With a GPU that is not there the tool ends by itself, as it does without Ctrl-Z.
    for (gpus, stopped, ended) in [("0", "stopped 148", "ended 4"), ("9", "stopped 2", "ended 1")] {
        let options = format!("--quiet --backend amdsmi --gpus {gpus}");
        let (mut child, mut terminal) = under_bash(&sim, &options, "exit 4", then);
        let children = |of: u32| std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
        // bash, the tool, and the process that waits to become the command.
        let waits = || children(child.id()).trim().parse().is_ok_and(|tool| !children(tool).is_empty());
        assert!(happens(waits), "no process waits to become the command");
        terminal.write_all(b"\x1a").unwrap();
        let mut seen = String::new();
        read_until(&mut terminal, &mut seen, stopped);
        read_until(&mut terminal, &mut seen, ended);
        assert_eq!(seen.contains("exit status 4"), gpus == "0", "{seen:?}");
        child.wait().unwrap();
    }
}

/// A command that takes no notice of Ctrl-Z runs on, and so does the tool.
#[test]
fn a_stop_that_the_command_ignores_stops_nobody() {
    let sim = small();
    let (_, mut end) = fifo(&sim);
    let script = "trap '' TSTP; echo begun; read word <$ZEUS_AMD_SIM/fifo; exit 4";
    let (mut child, mut terminal) = under_bash(&sim, "--quiet", script, "echo ended $?");
    let mut seen = String::new();
    read_until(&mut terminal, &mut seen, "begun");
    terminal.write_all(b"\x1a").unwrap();
    // The terminal shows it when the signal is sent; then there is time to be stopped by it.
    read_until(&mut terminal, &mut seen, "^Z");
    std::thread::sleep(Duration::from_millis(300));
    end.write_all(b"\n").unwrap();
    read_until(&mut terminal, &mut seen, "ended ");
    read_until(&mut terminal, &mut seen, "\r\n");
    assert!(seen.contains("exit status 4") && seen.contains("ended 4"), "{seen:?}");
    child.wait().unwrap();
}

#[test]
fn signals_to_the_tool_reach_the_command() {
    let sim = small();
    // What schedulers send before they kill, and what they can be told to send.
    for signal in [
        libc::SIGTERM,
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGUSR1,
        libc::SIGXCPU,
        libc::SIGPWR,
        libc::SIGALRM,
        libc::SIGRTMIN(),
        libc::SIGRTMAX(),
    ] {
        let script = format!("trap 'echo got; exit 9' {signal}; echo ready; while :; do sleep 0.02; done");
        let mut child = command(&sim, &["--", "sh", "-c", &script]).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut ready = [0; 6];
        stdout.read_exact(&mut ready).unwrap();
        // SAFETY: a process that the test started.
        unsafe { libc::kill(child.id() as i32, signal) };
        assert_eq!(child.wait().unwrap().code(), Some(9), "{signal}");
        let (mut out, mut err) = (String::new(), String::new());
        stdout.read_to_string(&mut out).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert!(out == "got\n" && err.contains("exit status 9"), "{signal}: {out:?} {err}");
        assert!(!err.contains('\u{1b}'), "a line for a terminal where there is none: {err:?}");
    }
}

const IGNORED: [i32; 5] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR1, libc::SIGTERM];

/// Started with these signals ignored, as nohup and the & of a script do.
fn ignoring(command: &mut Command) -> Child {
    // SAFETY: only calls that a child may make.
    unsafe { command.pre_exec(|| Ok(IGNORED.iter().for_each(|s| _ = libc::signal(*s, libc::SIG_IGN)))) };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn send_ignored(child: &Child) {
    for signal in IGNORED {
        // SAFETY: a process that the test started and has not waited for.
        unsafe { libc::kill(child.id() as i32, signal) };
    }
}

/// They stay ignored, and the command inherits that.
#[test]
fn what_is_ignored_at_the_start_stays_ignored() {
    let sim = small();
    let (fifo, mut end) = fifo(&sim);
    let script = format!("grep SigIgn /proc/self/status; read word <{fifo}; exit 4");
    let with_command = ["--", "sh", "-c", &script];
    for (program, arguments, code) in [
        ("zeus-amd-run", &with_command[..], 4),
        ("energy_report", &with_command, 4),
        ("energy_report", &["--seconds", "5"], 0),
        ("power_trace", &with_command, 4),
        ("power_cap", &[&["--steps", "1"], &with_command[..]].concat(), 1),
    ] {
        let mut child = ignoring(sim.command(example(program)).args(arguments));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let has_command = arguments.contains(&"sh");
        // What it prints before it waits by itself comes when it waits.
        let first = lines.find(|l| !has_command || l.starts_with("SigIgn:")).unwrap();
        let of_tool = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        for status in [Some(of_tool.as_str()), has_command.then_some(&first)].into_iter().flatten() {
            let line = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).unwrap();
            let set = u64::from_str_radix(line.trim(), 16).unwrap();
            assert!(IGNORED.iter().all(|s| set & 1 << (s - 1) != 0), "{program}: {status}");
        }
        send_ignored(&child);
        if has_command {
            end.write_all(b"\n").unwrap();
        }
        lines.for_each(drop);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{program}");
    }
}

/// Where the starter ignores SIGCHLD, a program that waits would have no status of its command. The command ignores it as before.
#[test]
fn an_ignored_sigchld_takes_no_status_away() {
    let sim = small();
    for (program, arguments, code) in
        [("energy_report", &[][..], 4), ("power_trace", &[], 4), ("power_cap", &["--steps", "1"], 1)]
    {
        let run = |words: &[&str]| {
            let mut command = sim.command(example(program));
            // SAFETY: only a call that a child may make.
            unsafe { command.pre_exec(|| Ok(_ = libc::signal(libc::SIGCHLD, libc::SIG_IGN))) };
            ran(&command.args(arguments).arg("--").args(words).stdin(Stdio::null()).output().unwrap())
        };
        assert_eq!(run(&["sh", "-c", "exit 4"]).0, Some(code), "{program}");
        let (_, said, _) = run(&["grep", "SigIgn", "/proc/self/status"]);
        let set = said.lines().find_map(|l| l.strip_prefix("SigIgn:")).expect(&said);
        assert!(u64::from_str_radix(set.trim(), 16).unwrap() & 1 << (libc::SIGCHLD - 1) != 0, "{program}: {said}");
    }
}

/// Nor are they passed on, to a command that would take them.
#[test]
fn what_is_ignored_is_not_passed_on() {
    let sim = small();
    let traps = IGNORED.map(|s| s.to_string()).join(" ");
    let last = libc::SIGRTMAX();
    let script = format!("trap 'echo got' {traps}; trap 'exit 9' {last}; echo ready; while :; do sleep 0.02; done");
    let arguments = ["--", "env", "--default-signal", "sh", "-c", &script];
    let mut child = ignoring(&mut command(&sim, &arguments));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    send_ignored(&child);
    // Of several signals the lowest is taken first, and so this one after them all.
    // SAFETY: as above.
    unsafe { libc::kill(child.id() as i32, last) };
    assert_eq!(lines.collect::<Vec<_>>(), [""; 0]);
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

/// An alarm that was set before the tool was started would be the command's without it.
#[test]
fn an_alarm_reaches_the_command() {
    let sim = small();
    let ran_with = |seconds: u32| {
        let mut command = command(&sim, &["--", "sleep", "600"]);
        // SAFETY: only a call that a child may make.
        unsafe { command.pre_exec(move || Ok(_ = libc::alarm(seconds))) };
        command.output().unwrap()
    };
    // One that comes before the tool has begun, on a busy machine, is the tool's own.
    let out = [1, 8, 64].into_iter().map(ran_with).find(|out| out.status.signal().is_none()).unwrap();
    let (status, _, stderr) = ran(&out);
    assert!(status == Some(142) && stderr.contains("exit status 142 (signal 14)"), "{status:?} {stderr}");
}

/// The tool killed outright: nothing is left waiting.
#[test]
fn nobody_waits_for_a_tool_that_is_gone() {
    let sim = Sim::start("mi210-1", "6.2.4", &["init.delay_ms = 60000"]).unwrap();
    let mark = path(&sim, "was run");
    let mut child = command(&sim, &["--backend", "amdsmi", "--", "touch", &mark]).spawn().unwrap();
    let waits = format!("/proc/{0}/task/{0}/children", child.id());
    let waits = || std::fs::read_to_string(&waits).unwrap();
    assert!(happens(|| !waits().is_empty()), "no process waits to become the command");
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    // Its pipes close, so the process that waited to become the command is gone, and did not become it.
    let mut err = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut err).unwrap();
    assert!(!Path::new(&mark).exists());
}
