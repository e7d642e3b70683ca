//! How programs under test are started: with nothing of whoever started the tests, and nothing of them outlives the tests.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// After so many seconds a program hangs: the slowest takes a minute, under valgrind on a busy machine.
static LIMIT_S: AtomicU64 = AtomicU64::new(300);

/// For a test whose programs take longer.
pub fn set_limit(limit: Duration) {
    LIMIT_S.store(limit.as_secs(), Ordering::Relaxed);
}

/// How long something may take before it hangs. Where more wants to run than there are processors, its time passes as much
/// more slowly: a busy machine is no hang.
pub struct Patience {
    left: Duration,
    asked: Instant,
}

impl Patience {
    /// Nine tenths of what a program has: who waits for it says first what does not happen.
    pub fn new() -> Patience {
        Patience::of(Duration::from_secs(LIMIT_S.load(Ordering::Relaxed)).mul_f64(0.9))
    }

    fn of(left: Duration) -> Patience {
        Patience { left, asked: Instant::now() }
    }

    pub fn is_over(&mut self) -> bool {
        let passed = self.asked.elapsed();
        self.asked += passed;
        self.left = self.left.saturating_sub(passed.mul_f64(share_of_a_processor()));
        self.left.is_zero()
    }
}

impl Default for Patience {
    fn default() -> Self {
        Patience::new()
    }
}

fn share_of_a_processor() -> f64 {
    // "0.20 0.18 0.12 1/80 11206": those that run or want to.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let running = load.split([' ', '/']).nth(3).and_then(|n| n.parse().ok()).unwrap_or(1.0_f64);
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (processors as f64 / running).min(1.0)
}

/// Waits until something is so, as long as there is patience; whether it ever was.
#[must_use]
pub fn happens(mut is_so: impl FnMut() -> bool) -> bool {
    let mut patience = Patience::new();
    while !is_so() {
        if patience.is_over() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// All that a program under test has of the caller's environment: to find tools, and what cargo needs to find the simulator.
const KEPT: [&str; 6] = ["PATH", "HOME", "CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "RUSTUP_HOME"];

/// The mark of all processes that come from this one, whatever group they are in.
const MARK: &str = "STARTED_BY_TEST";

/// Ends every marked process when the input closes, which is when the test program is gone, however it went.
const REAPER: &str = r#"
trap '' HUP INT TERM
cat
for round in 1 2 3 4 5 6 7 8 9; do
    found=$(grep -lszxF "$0" /proc/[0-9]*/environ) || exit 0
    for file in $found; do file=${file#/proc/}; kill -KILL "${file%/environ}"; done
done
"#;

fn mark() -> &'static str {
    static MARKED: OnceLock<(String, Child)> = OnceLock::new();
    &MARKED
        .get_or_init(|| {
            let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
            let mark = format!("{}-{since}", std::process::id());
            let mut reaper = Command::new("sh");
            reaper.args(["-c", REAPER, &format!("{MARK}={mark}")]).env_remove(MARK).process_group(0);
            let reaper = reaper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let reaper = reaper.expect("sh is there");
            let pid = reaper.id() as i32;
            std::thread::spawn(move || end_what_hangs(pid));
            (mark, reaper)
        })
        .0
}

/// Kills the group of each child that leads one and is there for too long: its pipes close, and the test says what came.
fn end_what_hangs(reaper: i32) {
    let mut left: HashMap<i32, Patience> = HashMap::new();
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let lists = tasks.map(|t| std::fs::read_to_string(t.path().join("children")).unwrap_or_default());
        let all: Vec<i32> =
            lists.flat_map(|l| l.split_whitespace().map(|p| p.parse().unwrap()).collect::<Vec<_>>()).collect();
        left.retain(|pid, _| all.contains(pid));
        let limit = Duration::from_secs(LIMIT_S.load(Ordering::Relaxed));
        for pid in all {
            let patience = left.entry(pid).or_insert_with(|| Patience::of(limit));
            // SAFETY: a child of this process.
            if pid != reaper && patience.is_over() && unsafe { libc::getpgid(pid) } == pid {
                let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                eprintln!("killed after {limit:?}: {}", command.replace('\0', " "));
                // SAFETY: as above; its group is its own.
                unsafe { libc::kill(-pid, libc::SIGKILL) };
            }
        }
    }
}

/// A group of its own, which ends with the tests at the latest; for compilers and other tools, which keep their environment.
pub fn contained(command: &mut Command) -> &mut Command {
    command.process_group(0).env(MARK, mark())
}

/// With an environment, a umask and a folder for temporary files that are not the caller's.
pub fn plain(program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let kept = KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.env_clear().envs(kept.collect::<Vec<(_, OsString)>>());
    command.env("LC_ALL", "C").env("TMPDIR", folder);
    // SAFETY: only a system call.
    unsafe { command.pre_exec(|| Ok(_ = libc::umask(0o022))) };
    command
}

/// A program under test: default signals, none blocked, the standard streams open and nothing else, a session of its own,
/// an environment that is the same everywhere, temporary files in `folder`.
pub fn isolated(program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
    let mut command = plain(program, folder);
    command.env(MARK, mark());
    // SAFETY: only system calls.
    unsafe {
        command.pre_exec(|| {
            for signal in 1..=libc::SIGRTMAX() {
                libc::signal(signal, libc::SIG_DFL);
            }
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
            libc::setsid();
            const CLOSE_ON_EXEC: u32 = 4;
            libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, CLOSE_ON_EXEC);
            Ok(())
        })
    };
    command
}
