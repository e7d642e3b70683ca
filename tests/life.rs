//! The ends of threads and of the process: cancelled threads, and a program whose last thread is not `main`.

mod common;
#[path = "common/random.rs"]
mod random;
#[path = "c/support.rs"]
mod support;

use random::Random;
use support::{run, Outcome};
use zeus_amd_sim::Sim;

fn cancelled(what: &str) {
    let seed = Random::new().next() as u32;
    let program = common::c_program("cancel");
    for (rocm, preload) in [("none", false), ("6.3.3", true)] {
        // What the log says of it comes from a background thread.
        let with = [format!("preload = {preload}"), "gpu.1.counter.stuck_at_s = 0.0".to_owned()];
        let sim = Sim::start("mi300x-8", rocm, &with).unwrap();
        let ran = run(sim.command(&program).arg(what).arg(seed.to_string())).ok();
        assert_eq!((&*ran.stdout, &*ran.stderr), ("the program goes on\n", ""), "{rocm}");
    }
}

/// `pthread_cancel` of threads in loops of calls: each ends at its own cancellation point, and leaves nothing behind.
#[test]
fn threads_are_cancelled_inside_calls() {
    cancelled("loops");
}

/// A cancellation that is pending is not acted upon in a call, and the state is the thread's own after it.
#[test]
fn a_pending_cancellation_waits_for_the_call() {
    cancelled("pending");
}

/// The log callback cancels its own thread: a call's, or a background thread, which cannot be cancelled.
#[test]
fn the_log_callback_is_no_cancellation_point() {
    cancelled("callback");
}

const OPEN: [(&str, &[&str]); 4] = [
    ("sampler", &[]),
    ("several", &[]),
    ("window", &["all.counter.stuck_at_s = 0.0"]),
    // Polled until it is no longer suspended, which never comes.
    ("background", &["all.suspended = \"refuses\""]),
];

fn without_main(open: &str, with: &[&str], then: &str) -> Outcome {
    let sim = Sim::start("mi300x-8", "7.0.2", with).unwrap();
    run(sim.command(common::c_program("pthread_exit")).arg(open).arg(then))
}

/// The process ends when the last thread of the program does, as without the library: exit handlers run, status 0.
#[test]
fn background_threads_do_not_keep_the_process() {
    for (open, with) in OPEN {
        let ran = without_main(open, with, "0");
        assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(0), "exit handlers have run\n", ""), "{open}");
    }
}

/// Where only background threads are left, which block all signals, these end the process all the same.
#[test]
fn signals_end_a_process_without_main() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        for (open, with) in OPEN {
            let ran = without_main(open, with, &signal.to_string());
            // It may have ended before the signal came.
            assert!(matches!(ran.code, None | Some(0)) && ran.stderr.is_empty(), "{open}, signal {signal}: {ran:?}");
        }
    }
}

/// They stay for as long as a thread of the program does.
#[test]
fn samplers_stay_with_the_last_thread() {
    let ran = without_main("sampler", &[], "works").ok();
    assert_eq!(ran.stdout, "the thread has worked\nexit handlers have run\n");
}

/// Callbacks that are replaced, also while they run, and sessions with samplers, windows and guards.
#[test]
fn nothing_grows_with_the_number_of_calls() {
    for (rocm, preload) in [("none", false), ("7.0.2", true)] {
        let sim = Sim::start("mi300x-8", rocm, &[format!("preload = {preload}")]).unwrap();
        // What a thread keeps to use again counts as used.
        let tunables = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");
        run(sim.command(common::c_program("leaks")).env(tunables.0, tunables.1)).silent();
    }
}

/// What the header says of a watcher whose program has died: a subreaper gets it as a child, and can wait for it.
#[test]
fn a_subreaper_adopts_the_watcher() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    assert_eq!(run(&mut sim.command(common::c_program("subreaper"))).ok().stdout, "zeus_amd-guard\n");
}
