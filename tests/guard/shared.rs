//! Guards of several processes on one node.

use super::*;
#[path = "../common/random.rs"]
mod random;
use random::Random;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::os::unix::process::CommandExt;

const NOBODY: u32 = 65534;

fn start(rocm: &str) -> Sim {
    Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap()
}

/// The files that guards of the machine share.
fn shared_files(sim: &Sim) -> Vec<PathBuf> {
    let folders = ["dev/shm", "tmp"].map(|f| sim.dir().join(f));
    let entries = folders.iter().flat_map(|f| std::fs::read_dir(f).unwrap());
    entries.map(|e| e.unwrap().path()).filter(|p| p.display().to_string().contains("zeus_amd-guards")).collect()
}

/// They are removed after the settings are back.
#[track_caller]
fn no_file_soon(sim: &Sim) {
    assert!(happens(|| shared_files(sim).is_empty()), "{:?} is left", shared_files(sim));
}

/// A second rank begins while the first one's cap is in force: each puts back what it has changed itself.
#[test]
fn two_ranks_end_in_order() {
    for rocm in ["none", "6.2.4", "7.0.2", "10.0"] {
        let sim = start(rocm);
        let before = all(&sim);
        let mut first = Running::start(&sim, "begin limit 0 400000 say set await end say done");
        assert_eq!(first.line(), "set");
        let mut second = Running::start(&sim, "begin limit 1 400000 say set await end say done");
        assert_eq!(second.line(), "set");
        first.go();
        assert_eq!((first.line(), first.line()), ("end 0".into(), "done".into()));
        assert_eq!(settings(&sim, 0), before[0], "{rocm}");
        second.go();
        assert_eq!((second.line(), second.line()), ("end 0".into(), "done".into()));
        assert_eq!((all(&sim), shared_files(&sim)), (before, vec![]), "{rocm}");
        assert!(first.end().success() && second.end().success());
    }
}

/// One setting, two processes: who lets go last restores what was there before both, whoever that is and however it
/// ends; until then what the other one has set is in force.
#[test]
fn the_last_one_to_let_go_restores() {
    let ends = ["end say done await", "close say done await", "kill"];
    for rocm in ["none", "7.0.2"] {
        for (i, order) in [[0, 1], [1, 0]].into_iter().enumerate() {
            for (how_first, how_last) in
                [(ends[0], ends[2]), (ends[2], ends[1]), (ends[1], ends[0]), (ends[2], ends[2])]
            {
                let sim = start(rocm);
                let before = all(&sim);
                let program = |changes: &str, nth: usize| {
                    let end = if order[0] == nth { how_first } else { how_last };
                    let mut p = Running::start(&sim, &format!("watch {changes} say set await {end}"));
                    assert_eq!(p.line(), "set");
                    p
                };
                let a = program("limit 0 400000 gfx 0 600 900", 0);
                let only_a = all(&sim);
                let b = program("limit 0 300000 mem 0 1000 1200 gfx 0 700 1000", 1);
                let both = settings(&sim, 0);
                assert_eq!(both[0], "300000000");
                let mut running = [Some(a), Some(b)];
                let mut finish = |nth: usize| {
                    let mut p = running[nth].take().unwrap();
                    p.go();
                    let mut line = p.line();
                    while !line.is_empty() && line != "done" {
                        line = p.line();
                    }
                    p
                };
                let first = finish(order[0]);
                // B's are in force as long as B is there; without it A's.
                let mut between = before.clone();
                between[0] = if i == 0 { both } else { only_a[0].clone() };
                soon(&sim, &between, &format!("{rocm}: {order:?} {how_first}"));
                let last = finish(order[1]);
                soon(&sim, &before, &format!("{rocm}: {order:?} {how_last}"));
                [first, last].into_iter().for_each(Running::kill);
                no_file_soon(&sim);
            }
        }
    }
}

/// A process that is killed without a watchdog: the next end or begin of a guard of the user restores, also with a guard of
/// other GPUs; but not what another program has changed since.
#[test]
fn what_the_dead_leave_is_restored_by_the_next() {
    for rocm in ["none", "7.0.2"] {
        let sim = start(rocm);
        let before = all(&sim);
        let dies = "begin limit 0 400000 gfx 2 600 900 mem 3 1000 1100 kill";
        program(&sim, dies).output().unwrap();
        assert_ne!(all(&sim), before);
        assert_eq!(shared_files(&sim).len(), 1);
        assert_eq!(run(&sim, "begin say begun await"), "begun\n");
        assert_eq!((all(&sim), shared_files(&sim)), (before.clone(), vec![]), "{rocm}: by a begin");
        let mut other = Running::start(&sim, "begin limit 7 300000 say ready await end");
        assert_eq!(other.line(), "ready");
        program(&sim, dies).output().unwrap();
        other.go();
        assert_eq!(other.line(), "end 0");
        assert_eq!((all(&sim), shared_files(&sim)), (before.clone(), vec![]), "{rocm}: by an end");
        program(&sim, dies).output().unwrap();
        run(&sim, "limit 0 600000 reset_gfx 2");
        run(&sim, "begin end");
        let mut expected = before.clone();
        expected[0][0] = "600000000".into();
        assert_eq!((all(&sim), shared_files(&sim)), (expected.clone(), vec![]), "{rocm}: changed since");
        program(&sim, "begin gfx 3 600 900 kill").output().unwrap();
        std::fs::write(file(&sim, 3, "power_dpm_force_performance_level"), "high\n").unwrap();
        run(&sim, "begin end");
        assert_eq!(
            (settings(&sim, 3)[1].as_str(), shared_files(&sim)),
            ("high", vec![]),
            "{rocm}: another level since"
        );
    }
}

/// A write beyond the limit of a file's size is a signal that ends the process.
#[test]
fn a_limit_of_file_sizes_does_not_kill() {
    let sim = start("none");
    let before = all(&sim);
    let mut command = program(&sim, "begin limit 0 400000 end");
    // SAFETY: only a call that a child may make.
    unsafe {
        command.pre_exec(|| {
            let limit = libc::rlimit { rlim_cur: 4096, rlim_max: 4096 };
            assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
            Ok(())
        })
    };
    let out = command.output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!((all(&sim), shared_files(&sim)), (before, vec![]));
}

/// A guard with a watchdog has one, also where that of an earlier guard has been killed.
#[test]
fn a_watchdog_that_was_killed_is_replaced() {
    let sim = start("none");
    let mut p = Running::start(&sim, "watch say ready await watch say again await end end");
    assert_eq!(p.line(), "ready");
    let [first] = watchdogs(&sim)[..] else { panic!("{:?}", watchdogs(&sim)) };
    // SAFETY: a process of this test.
    assert_eq!(unsafe { libc::kill(first as i32, libc::SIGKILL) }, 0);
    assert!(happens(|| watchdogs(&sim).is_empty()));
    p.go();
    assert_eq!((p.line().as_str(), watchdogs(&sim).len()), ("again", 1));
    p.go();
    assert!(p.end().success());
}

/// A process is killed between its claim and its change: what it had set before is in force, and nobody else's.
#[test]
fn a_death_between_claim_and_change() {
    let deaths = [
        ("begin limit 0 400000 limit 0 300000", "power1_cap"),
        ("begin gfx 0 600 900 gfx 0 1200 1400", "power_dpm_force_performance_level"),
    ];
    for (steps, file) in deaths {
        let sim = start("none");
        let before = all(&sim);
        let mut dies = program(&sim, steps);
        dies.env("LD_PRELOAD", common::preload("dies_at_write", &sim)).env("DIES_AT", file).env("DIES_AFTER", "2");
        assert_eq!(dies.output().unwrap().status.signal(), Some(libc::SIGKILL), "{steps}");
        assert_ne!(all(&sim), before, "{steps}: the first change is in force");
        run(&sim, "begin end");
        assert_eq!((all(&sim), shared_files(&sim)), (before, vec![]), "{steps}");
    }
}

/// Only a plain file of the user's own, which nobody else may write to, is believed.
#[test]
fn a_file_of_somebody_else_is_not_used() {
    let sim = start("none");
    program(&sim, "begin limit 0 400000 kill").output().unwrap();
    let file = shared_files(&sim).remove(0);
    let left = std::fs::read(&file).unwrap();
    run(&sim, "limit 0 750000");
    let before = all(&sim);
    let target = sim.dir().join("tmp/target");
    let second = sim.dir().join("tmp").join(file.file_name().unwrap());
    // What makes each name unusable, in both folders.
    type Make = fn(&PathBuf, &PathBuf, &[u8]);
    let kinds: [(&str, Make); 4] = [
        ("another user's", |at, _, left| {
            std::fs::write(at, left).unwrap();
            std::os::unix::fs::chown(at, Some(NOBODY), Some(NOBODY)).unwrap();
        }),
        ("writable by all", |at, _, left| {
            std::fs::write(at, left).unwrap();
            std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o666)).unwrap();
        }),
        ("a link", |at, target, left| {
            std::fs::write(target, left).unwrap();
            symlink(target, at).unwrap();
        }),
        ("a folder", |at, _, _| std::fs::create_dir(at).unwrap()),
    ];
    for (kind, make) in kinds {
        for at in [&file, &second] {
            let _ = std::fs::remove_file(at);
            make(at, &target, &left);
        }
        let text = run(&sim, "log begin limit 1 300000 info 1 end");
        assert!(text.contains("log 1 guards of other processes do not know"), "{kind}: {text}");
        assert!(text.contains("info gpu 1 valid 1 flags 0: 725000 mW"), "{kind}: {text}");
        assert_eq!(all(&sim), before, "{kind}: nothing of it is believed");
        for at in [&file, &second] {
            match kind {
                "a folder" => std::fs::remove_dir(at).unwrap(),
                _ => assert_eq!(std::fs::read(at).unwrap(), left, "{kind}: it is not written to"),
            }
        }
    }
    std::fs::remove_file(&second).ok();
}

/// A folder that is mounted over while this lives.
struct Mounted(PathBuf);

impl Mounted {
    /// Without space for a byte.
    fn full(at: PathBuf) -> Mounted {
        Self::mount(&at, "size=4k");
        std::fs::write(at.join("filler"), [1; 4096]).unwrap();
        Mounted(at)
    }

    fn read_only(at: PathBuf) -> Mounted {
        Self::mount(&at, "ro");
        Mounted(at)
    }

    fn mount(at: &std::path::Path, options: &str) {
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).status().unwrap();
        assert!(done.success(), "mount needs root");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Where one folder is full or read-only, processes meet in the other one; where both are, each restores what it changed,
/// and says that others do not know.
#[test]
fn a_full_or_read_only_folder() {
    for mount in [Mounted::full, Mounted::read_only] {
        let sim = start("none");
        let before = all(&sim);
        let shm = mount(sim.dir().join("dev/shm"));
        program(&sim, "begin limit 0 400000 kill").output().unwrap();
        let text = run(&sim, "log begin limit 1 300000 info 1 end");
        assert_eq!(text.lines().next().unwrap(), "info gpu 1 valid 1 flags 2: 725000 mW, 0 to 0, 0 to 0 MHz");
        assert_eq!((all(&sim), shared_files(&sim)), (before.clone(), vec![]), "through the other folder");
        let tmp = mount(sim.dir().join("tmp"));
        for end in ["end", "kill"] {
            let steps = format!("log watch limit 1 300000 gfx 1 600 900 info 1 {end}");
            let out = program(&sim, &steps).output().unwrap();
            let text = String::from_utf8(out.stdout).unwrap();
            let why = ["No space left", "Read-only file system"];
            let said = text.lines().next().unwrap();
            assert!(said.starts_with("log 1 guards of other") && why.iter().any(|w| said.contains(w)), "{said}");
            assert!(text.contains("flags 1: 725000 mW, 500 to 2100"), "{text}");
            soon(&sim, &before, end);
        }
        drop((shm, tmp));
        no_file_soon(&sim);
    }
}

/// The file is removed while it is used, as logind does when a user logs out: each process has its own claims once more.
#[test]
fn a_file_that_somebody_removes() {
    for end in ["end", "kill"] {
        let sim = start("none");
        let before = all(&sim);
        let mut p = Running::start(&sim, &format!("watch limit 0 400000 say a await gfx 1 600 900 say b await {end}"));
        assert_eq!(p.line(), "a");
        std::fs::remove_file(&shared_files(&sim)[0]).unwrap();
        p.go();
        assert_eq!(p.line(), "b");
        p.go();
        p.end();
        soon(&sim, &before, end);
        no_file_soon(&sim);
    }
}

/// Another user's guard is seen, not believed.
#[test]
fn another_user_s_guard_is_reported() {
    let sim = start("none");
    let mut first = Running::start(&sim, "begin limit 0 400000 say set await end");
    assert_eq!(first.line(), "set");
    let file = shared_files(&sim).remove(0);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // As it would be of a user with another number.
    let theirs = PathBuf::from(file.display().to_string().replace("-0.", "-12345."));
    std::fs::copy(&file, &theirs).unwrap();
    let text = run(&sim, "log begin info 0 end");
    assert!(text.contains("log 1 there are guards of other users"), "{text}");
    assert!(text.contains("valid 0 flags 6:"), "{text}");
    std::fs::remove_file(theirs).unwrap();
    first.go();
    assert_eq!(first.line(), "end 0");
    assert!(!run(&sim, "log begin info 0 end").contains("log"));
}

/// How hard processes are let loose on a machine.
struct Storm<'a> {
    processes: usize,
    rounds: usize,
    rocm: &'a str,
    kernel: &'a str,
    users: &'a [u32],
    is_full: bool,
}

/// Random steps of a process that changes these GPUs.
fn steps(random: &mut Random, gpus: &[usize], watch: bool) -> String {
    let mut steps = String::from(if watch { "watch " } else { "begin " });
    let mut guards = 1;
    for _ in 0..1 + random.below(5) {
        let gpu = gpus[random.below(gpus.len())];
        let low = 500 + 100 * random.below(12);
        let high = low + 100 * random.below(5);
        steps += &match random.below(8) {
            0..=2 => format!("limit {gpu} {} ", 1000 * (100 + random.below(450))),
            3 | 4 => format!("gfx {gpu} {low} {high} "),
            5 => format!("mem {gpu} {} {} ", 900 + random.below(100), 1100 + random.below(200)),
            6 => format!("{} {gpu} ", ["reset_gfx", "reset_limit"][random.below(2)]),
            _ if guards < 3 => {
                guards += 1;
                ["begin ", "watch "][usize::from(watch)].to_owned()
            }
            _ => String::new(),
        };
        steps += &format!("sleep_ms {} ", random.below(20));
    }
    steps + ["end ", "close ", "end_first "][random.below(3)] + "close"
}

/// The watchdogs of guards on this machine.
fn watchdogs(sim: &Sim) -> Vec<u32> {
    let mark = format!("ZEUS_AMD_SIM={}", sim.dir().display());
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|e| e.unwrap().file_name().to_str()?.parse().ok());
    let is_one = |pid: &u32| {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        read("comm").trim() == "zeus_amd-guard" && exists(*pid) && read("environ").split('\0').any(|v| v == mark)
    };
    pids.filter(is_one).collect()
}

/// Processes with guards, with and without watchdogs, that change settings at random, half of them killed at a random
/// moment. In every other round all have watchdogs, which leave nothing to the next guard.
fn storm(with: &Storm, random: &mut Random) {
    let kernel = format!("kernel = \"{}\"", with.kernel);
    let sim = Sim::start("mi300x-8", with.rocm, &[kernel]).unwrap();
    let open_to_all = ["hwmon", "power_dpm_force_performance_level", "pp_od_clk_voltage"];
    if with.users.len() > 1 {
        for gpu in 0..8 {
            for name in open_to_all {
                let status = Command::new("chmod").arg("-R").arg("a+rwX").arg(file(&sim, gpu, name)).status();
                assert!(status.unwrap().success());
            }
        }
    }
    let full = with.is_full.then(|| Mounted::full(sim.dir().join("dev/shm")));
    let before = all(&sim);
    let changes = || sim.log().iter().filter(|l| l.contains(" FILE ") || l.contains(" WRITE ")).count();
    let mut survivors = 0;
    for round in 0..with.rounds {
        let changed = changes();
        let all_watched = round % 2 == 0;
        let mut running = Vec::new();
        for process in 0..with.processes {
            let user = process % with.users.len();
            // Users do not know of each other: each has its GPUs.
            let gpus: Vec<usize> = (0..8).filter(|g| g % with.users.len() == user).collect();
            let watch = all_watched || random.below(2) == 0;
            let mut command = program(&sim, &steps(random, &gpus, watch));
            command.stdin(Stdio::null());
            command.uid(with.users[user]).gid(with.users[user]);
            let killed_after = (random.below(2) == 0).then(|| Duration::from_micros(random.below(120_000) as u64));
            survivors += usize::from(killed_after.is_none());
            running.push((killed_after, command.spawn().unwrap()));
        }
        // However long a busy machine takes to begin.
        let is_over = |running: &mut [(_, Child)]| running.iter_mut().all(|r| r.1.try_wait().unwrap().is_some());
        assert!(happens(|| changes() > changed || is_over(&mut running)));
        let began = Instant::now();
        running.sort_by_key(|r| r.0);
        for (killed_after, child) in &mut running {
            if let Some(after) = *killed_after {
                std::thread::sleep((began + after).saturating_duration_since(Instant::now()));
                child.kill().unwrap();
            }
        }
        for (killed_after, child) in running {
            let out = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success() || killed_after.is_some(), "round {round}: {} {text}", out.status);
            let is_good = |l: &str| l.starts_with("end 0") || l.starts_with("end_first 0");
            assert!(text.lines().all(is_good), "round {round}: {text}");
        }
        assert!(happens(|| watchdogs(&sim).is_empty()), "round {round}: watchdogs are left: {:?}", watchdogs(&sim));
        if !all_watched {
            for user in with.users {
                let status = program(&sim, "begin end").uid(*user).gid(*user).status().unwrap();
                assert!(status.success());
            }
        }
        for (gpu, (now, was)) in all(&sim).iter().zip(&before).enumerate() {
            let number = format!(" {} ", sim.machine().gpus()[gpu].number);
            let log: Vec<String> = sim.log().into_iter().filter(|l| l.contains(&number)).collect();
            let last = log[log.len().saturating_sub(20)..].join("\n");
            assert_eq!(now, was, "round {round}, all watched: {all_watched}, GPU {gpu}; the last changes:\n{last}");
        }
        assert_eq!(shared_files(&sim), [] as [PathBuf; 0], "round {round}");
    }
    // A survivor changes nothing with a probability of 9 %: so few changes of 40 processes, half of which survive, are less
    // probable than 1e-11.
    assert!(changes() * 4 >= survivors, "only {} changes by {survivors} survivors", changes());
    drop(full);
}

/// A short form; `ZEUS_AMD_STORM=64,200,3` runs 64 processes in 200 rounds, with three seeds.
fn storms(rocm: &str, kernel: &str, users: &[u32], is_full: bool) {
    let seed = random::seed();
    let chosen = std::env::var("ZEUS_AMD_STORM").unwrap_or("8,5,1".into());
    let numbers: Vec<usize> = chosen.split(',').map(|n| n.parse().unwrap()).collect();
    let [processes, rounds, seeds] = numbers[..] else { panic!("ZEUS_AMD_STORM is PROCESSES,ROUNDS,SEEDS") };
    for seed in seed..seed + seeds as u64 {
        let began = Instant::now();
        storm(&Storm { processes, rounds, rocm, kernel, users, is_full }, &mut Random::seeded(seed));
        let form = format!("{rocm} {kernel} {users:?} full {is_full}");
        println!("{form}: {processes} processes, {rounds} rounds, seed {seed}, {:?}", began.elapsed());
    }
}

#[test]
fn processes_that_die_at_random_leave_no_trace() {
    storms("none", "2026-06", &[0], false);
}

#[test]
fn processes_that_die_at_random_through_libamd_smi() {
    storms("7.0.2", "2025-01", &[0], false);
}

#[test]
fn processes_of_two_users_that_die_at_random() {
    storms("none", "2026-06", &[0, NOBODY], false);
}

#[test]
fn processes_that_die_at_random_where_a_folder_is_full() {
    storms("none", "2026-06", &[0], true);
}
