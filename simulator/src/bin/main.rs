//! `zeus-amd-sim`: runs programs inside a simulated machine. `simulator/run` builds it and calls it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use zeus_amd_sim::{facts, library, serve_dir, truth, Machine, Release, Serve, Site, State, RELEASES};

mod child;
mod options;

use options::Options;

const USAGE: &str = "\
usage: zeus-amd-sim --machine NAME|FILE --rocm VERSION|none [--with TOML]... [--dir DIR] [--keep] -- COMMAND [ARGS...]
       zeus-amd-sim list                                           machines and ROCm releases
       zeus-amd-sim truth --machine NAME|FILE [--rocm VERSION] [--with TOML]...    what is true of a machine, as JSON
       zeus-amd-sim truth --dir DIR                                the same of a running machine, with its counters now
       zeus-amd-sim energy --dir DIR FROM TO [DOMAIN...]           true joules of each GPU, or of domains of the node (cpu, rapl:0),
                                                                   between two CLOCK_BOOTTIMEs in ns
       zeus-amd-sim clock --dir DIR stop|start                     stop the clock of a running machine, or let it run again
       zeus-amd-sim layouts --rocm VERSION                         size and members (offset, size) of libamd_smi's structs, as JSON
       zeus-amd-sim build [VERSION...]                             link the simulated libraries into target/sim/";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match Options::parse(&args).and_then(run) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("zeus-amd-sim: {e}");
            ExitCode::from(127)
        }
    }
}

fn run(o: Options) -> Result<ExitCode, String> {
    match o.verb.as_str() {
        "run" => {
            if o.command.is_empty() {
                return Err(format!("no command\n{USAGE}"));
            }
            let keep = o.keep;
            child::on_signals();
            let serve = Serve::start(site(&o)?, keep)?;
            let code = child::run(&o.command, serve.dir());
            if keep {
                eprintln!("zeus-amd-sim: kept {}", serve.dir().display());
            }
            drop(serve);
            code.map(ExitCode::from)
        }
        "serve" => {
            child::ignore_signals();
            let serve = Serve::start(site(&o)?, o.keep)?;
            println!("{}", serve.dir().display());
            child::wait_for_end_of_input();
            Ok(ExitCode::SUCCESS)
        }
        "list" => {
            println!("machines:");
            for name in Machine::all_names() {
                println!("  {name:12} {}", Machine::load(&name)?.spec.description);
            }
            println!("ROCm releases:");
            for r in RELEASES {
                println!("  {:6} {} version {:?}", r.name, library::file_name(r), r.words);
            }
            Ok(ExitCode::SUCCESS)
        }
        "truth" => print_truth(&o),
        "energy" => print_energy(&o),
        "layouts" => print_layouts(&o),
        "clock" => {
            let state = State::open(o.dir.as_deref().ok_or("clock needs --dir")?)?;
            match o.rest.first().map(String::as_str) {
                Some("stop") => state.stop().map(|_| ())?,
                Some("start") => state.start()?,
                _ => return Err("clock: stop or start".to_string()),
            }
            Ok(ExitCode::SUCCESS)
        }
        "build" => {
            for r in RELEASES.iter().filter(|r| {
                o.rest.is_empty() || o.rest.iter().any(|n| Release::find(n).is_some_and(|f| f.name == r.name))
            }) {
                println!("{}", library::ensure(r, &archive()?)?.display());
            }
            println!("{}", library::ensure_preload(&archive()?)?.display());
            Ok(ExitCode::SUCCESS)
        }
        "help" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        verb => Err(format!("no command {verb}\n{USAGE}")),
    }
}

fn machine(o: &Options) -> Result<Machine, String> {
    let name = o.machine.as_deref().ok_or_else(|| format!("no --machine\n{USAGE}"))?;
    if !name.contains(['/', '.']) && !Machine::all_names().iter().any(|n| n == name) {
        return Err(format!("no machine {name}; there are {}", Machine::all_names().join(" ")));
    }
    Machine::load_with(name, &o.with)
}

fn release(o: &Options) -> Result<Option<&'static Release>, String> {
    match o.rocm.as_deref() {
        None | Some("none") => Ok(None),
        Some(v) => Release::find(v).map(Some).ok_or_else(|| {
            let known: Vec<&str> = RELEASES.iter().map(|r| r.name).collect();
            format!("no simulated ROCm {v}; there are {}", known.join(" "))
        }),
    }
}

/// The archive lies beside this program.
fn archive() -> Result<PathBuf, String> {
    let me = std::env::current_exe().map_err(|e| e.to_string())?;
    Ok(me.with_file_name("libzeus_amd_sim.a"))
}

fn site(o: &Options) -> Result<Site, String> {
    if o.rocm.is_none() {
        return Err(format!("no --rocm\n{USAGE}"));
    }
    let (machine, release, archive) = (machine(o)?, release(o)?, archive()?);
    // Last, because what fails before has no folder to put away.
    let dir = match &o.dir {
        Some(d) => std::path::absolute(d).map_err(|e| e.to_string())?,
        None => serve_dir()?,
    };
    Ok(Site { machine, release, dir, archive })
}

/// The machine that runs in a directory.
fn running(dir: &Path) -> Result<(Machine, State), String> {
    let text = std::fs::read_to_string(dir.join("machine.json")).map_err(|e| format!("{}: {e}", dir.display()))?;
    Ok((Machine::from_json(&text)?, State::open(dir)?))
}

fn print_energy(o: &Options) -> Result<ExitCode, String> {
    let (m, state) = running(o.dir.as_deref().ok_or("energy needs --dir")?)?;
    let machine_ns = |word: &String| word.parse::<u64>().ok()?.checked_sub(state.epoch_ns());
    let [from, to, domains @ ..] = &o.rest[..] else {
        return Err("energy: from and to".to_string());
    };
    let (Some(from), Some(to)) = (machine_ns(from), machine_ns(to)) else {
        return Err("energy: two CLOCK_BOOTTIMEs in nanoseconds since the machine started".to_string());
    };
    let of_domain = |d: &String| m.node().energy_j(d, from, to).ok_or(format!("energy: no domain {d}"));
    let joules: Vec<f64> = match domains {
        [] => m.gpus().iter().map(|g| g.energy_between_j(from, to)).collect(),
        _ => domains.iter().map(of_domain).collect::<Result<_, _>>()?,
    };
    let all: Vec<String> = joules.iter().map(f64::to_string).collect();
    println!("[{}]", all.join(", "));
    Ok(ExitCode::SUCCESS)
}

fn print_layouts(o: &Options) -> Result<ExitCode, String> {
    let release = release(o)?.ok_or("layouts needs --rocm")?;
    let of = |name: &'static str| {
        let l = release.layout(name)?;
        let fields: BTreeMap<_, _> = l.fields.iter().map(|(n, f)| (n, [f.offset, f.size])).collect();
        Some((name, serde_json::json!({"size": l.size, "fields": fields})))
    };
    let all: BTreeMap<_, _> = facts::amdsmi_structs().filter_map(of).collect();
    println!("{:#}", serde_json::json!(all));
    Ok(ExitCode::SUCCESS)
}

fn print_truth(o: &Options) -> Result<ExitCode, String> {
    let v = match &o.dir {
        Some(dir) => {
            let (m, state) = running(dir)?;
            let mut v = truth(&m, state.epoch_ns(), Some(state.now_ns()));
            for i in 0..m.gpus().len() {
                let now = &mut v["gpus"][i]["now"];
                (now["touched"], now["resumed_ns"]) = (state.touched(i).into(), state.resumed_ns(i).into());
            }
            v
        }
        None => {
            let mut m = machine(o)?;
            if let Some(r) = release(o)? {
                m.fit_to(r);
            }
            truth(&m, 0, None)
        }
    };
    println!("{v:#}");
    Ok(ExitCode::SUCCESS)
}
