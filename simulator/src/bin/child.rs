//! The command that runs inside the machine.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};

use zeus_amd_sim::environment;

static CHILD: AtomicI32 = AtomicI32::new(0);

/// A signal that came while the command was still being started.
static EARLY: AtomicI32 = AtomicI32::new(0);

/// Signals that are for the command, not for us.
const FORWARDED: [libc::c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

extern "C" fn forward(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // From the terminal (si_code > 0) the command gets it anyway.
    // SAFETY: info is given with SA_SIGINFO.
    if unsafe { (*info).si_code } <= 0 {
        EARLY.store(signal, Ordering::SeqCst);
        pass_on();
    }
}

/// Gives the command the signal that waits for it, if both are there. Called from a handler too.
fn pass_on() {
    let child = CHILD.load(Ordering::SeqCst);
    if child > 0 {
        let signal = EARLY.swap(0, Ordering::SeqCst);
        if signal > 0 {
            // SAFETY: allowed in handlers; the child is ours and not yet waited for.
            unsafe { libc::kill(child, signal) };
        }
    }
}

/// From now on signals are for the command, also while its machine is still being made: it is put away in any case.
pub fn on_signals() {
    for signal in FORWARDED {
        // SAFETY: a handler that only loads an atomic and calls kill.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = forward as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// Runs the command in the machine at `dir` and returns its exit status as a shell would: 128 + N for a signal.
pub fn run(command: &[String], dir: &Path) -> Result<u8, String> {
    let mut c = Command::new(&command[0]);
    c.args(&command[1..]);
    for (name, value) in environment(dir, std::env::var_os("LD_PRELOAD")) {
        match value {
            Some(v) => c.env(name, v),
            None => c.env_remove(name),
        };
    }
    // SAFETY: between fork and exec only async-signal-safe calls.
    unsafe {
        c.pre_exec(|| {
            for s in FORWARDED {
                libc::signal(s, libc::SIG_DFL);
            }
            Ok(())
        })
    };
    let mut child = c.spawn().map_err(|e| format!("{}: {e}", command[0]))?;
    CHILD.store(child.id() as i32, Ordering::SeqCst);
    pass_on();
    let status = child.wait().map_err(|e| e.to_string())?;
    CHILD.store(0, Ordering::SeqCst);
    Ok(match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128 + signal as u8,
        _ => 255,
    })
}

/// What a Ctrl-C ends is the test; the machine is put away after it.
pub fn ignore_signals() {
    for signal in FORWARDED {
        // SAFETY: ignoring a signal.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// For machines that a test process keeps: its end closes our input.
pub fn wait_for_end_of_input() {
    let mut sink = [0; 64];
    while matches!(std::io::stdin().read(&mut sink), Ok(n) if n > 0) {}
}
