//! pp_od_clk_voltage: the table that a read gives, and what a write does to it.

use std::fs::File;
use std::os::unix::io::AsRawFd;
use std::path::Path;

use crate::machine::Gpu;

pub const FILE: &str = "pp_od_clk_voltage";
pub const LEVEL_FILE: &str = "power_dpm_force_performance_level";

pub const LOCK: &str = "od.lock";

/// The driver's lock: library and keeper both change the table. Held until the file is dropped.
pub fn lock(root: &Path) -> Option<File> {
    let file = File::open(root.join(LOCK)).ok()?;
    // SAFETY: an open descriptor.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) };
    Some(file)
}

/// Lower and upper bound, in MHz.
pub type Range = [u32; 2];

/// What has been set so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub gfx: Option<Range>,
    pub mem: Option<Range>,
}

impl Limits {
    pub fn of(g: &Gpu) -> Limits {
        Limits { gfx: g.spec.clocks.gfx.range, mem: g.spec.clocks.mem.range }
    }

    /// Reads a table back.
    pub fn parse(text: &str) -> Limits {
        let mut section = "";
        let mut limits = Limits { gfx: None, mem: None };
        for line in text.lines() {
            let Some((key, rest)) = line.split_once(':') else { continue };
            match (section, key.trim()) {
                (_, k @ ("OD_SCLK" | "OD_MCLK" | "OD_RANGE")) => {
                    section = if k == "OD_SCLK" {
                        "s"
                    } else if k == "OD_MCLK" {
                        "m"
                    } else {
                        ""
                    }
                }
                ("s" | "m", bound @ ("0" | "1")) => {
                    let slot = if section == "s" { &mut limits.gfx } else { &mut limits.mem };
                    slot.get_or_insert([0, 0])[usize::from(bound == "1")] = mhz(rest);
                }
                _ => {}
            }
        }
        limits
    }

    /// No lower bound is above its upper one: what the driver asks for at a commit.
    pub fn in_order(&self) -> bool {
        [self.gfx, self.mem].iter().flatten().all(|r| r[0] <= r[1])
    }

    /// Each bound that is not as before lies within the range.
    fn is_within(&self, before: &Limits, range: &Limits) -> bool {
        let domains = [(self.gfx, before.gfx, range.gfx), (self.mem, before.mem, range.mem)];
        let is_accepted = |(now, before, range): &(Option<Range>, Option<Range>, Option<Range>)| {
            let (Some(now), Some([low, high])) = (now, range) else { return true };
            now.iter().zip(before.unwrap_or([0, 0])).all(|(n, b)| *n == b || (*low..=*high).contains(n))
        };
        domains.iter().all(is_accepted)
    }

    /// One command as the driver takes it: `s 0 500`, `m 1 1300`. False if it is none.
    pub fn apply(&mut self, command: &str) -> bool {
        let words: Vec<&str> = command.split_whitespace().collect();
        let ([domain, bound, value] | [domain, bound, value, ..]) = words[..] else { return false };
        let (Ok(bound @ 0..=1), Ok(value)) = (bound.parse::<usize>(), value.parse::<u32>()) else { return false };
        let slot = match domain {
            "s" => &mut self.gfx,
            "m" => &mut self.mem,
            _ => return false,
        };
        slot.get_or_insert([0, 0])[bound] = value;
        true
    }
}

/// The text of a read; `limits` when they differ from the range that may be set.
pub fn table(g: &Gpu, limits: Option<Limits>) -> String {
    let range = Limits::of(g);
    let now = limits.unwrap_or(range);
    let pair = |title: &str, r: Option<Range>| {
        r.map_or(String::new(), |r| format!("{title}:\n0: {}Mhz\n1: {}Mhz\n", r[0], r[1]))
    };
    let line =
        |title: &str, r: Option<Range>| r.map_or(String::new(), |r| format!("{title}: {}Mhz {}Mhz\n", r[0], r[1]));
    if range.gfx.is_none() && range.mem.is_none() {
        return String::new();
    }
    let bounds = pair("OD_SCLK", now.gfx) + &pair("OD_MCLK", now.mem);
    if !g.spec.od_range {
        return bounds;
    }
    bounds + "OD_RANGE:\n" + &line("SCLK", range.gfx) + &line("MCLK", range.mem)
}

/// What somebody wrote to the file itself: the table with commands behind it. None until they are committed ("c") or
/// reset ("r"); then the table as it is to be, and the commands for the log.
pub fn committed(g: &Gpu, text: &str, level: &str) -> Option<(String, String)> {
    let mut limits = Limits::parse(text);
    let old = limits;
    let is_command = |l: &&str| matches!(l.split(' ').next(), Some("s" | "m" | "c" | "r"));
    let commands: Vec<&str> = text.lines().filter(is_command).collect();
    let last = *commands.last()?;
    if last == "r" {
        return Some((table(g, None), commands.join("; ")));
    }
    if last != "c" {
        return None;
    }
    let range = Limits::of(g);
    for c in &commands {
        let mut next = limits;
        // The driver refuses the write of a bound outside of its range.
        if next.apply(c) && next.is_within(&limits, &range) {
            limits = next;
        }
    }
    // In other levels the driver refuses them.
    let taken = matches!(level, "manual" | "perf_determinism") && limits.in_order();
    let note = if taken { "" } else { " (refused)" };
    Some((table(g, Some(if taken { limits } else { old })), commands.join("; ") + note))
}

/// The bounds that may be set, from the OD_RANGE lines of a table.
pub fn settable(text: &str) -> Limits {
    let find = |key: &str| {
        let line = text.lines().skip_while(|l| !l.starts_with("OD_RANGE")).find_map(|l| l.strip_prefix(key))?;
        let mut words = line.split_whitespace().map(mhz);
        Some([words.next()?, words.next()?])
    };
    Limits { gfx: find("SCLK:"), mem: find("MCLK:") }
}

fn mhz(text: &str) -> u32 {
    text.trim().to_ascii_lowercase().trim_end_matches("mhz").trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machine;

    #[test]
    fn a_table_reads_back_and_takes_commands() {
        let m = Machine::load("mi300x-8").unwrap();
        let g = &m.gpus()[0];
        let mut limits = Limits::parse(&table(g, None));
        assert_eq!(limits, Limits::of(g));
        assert!(limits.apply("s 1 1500") && !limits.apply("c") && !limits.apply("x 1 2"));
        let text = table(g, Some(limits));
        assert_eq!(Limits::parse(&text).gfx, Some([500, 1500]));
        assert_eq!(settable(&text), Limits::of(g));
        let wrote = format!("{text}s 0 700\ns 1 900\n");
        assert_eq!(committed(g, &text, "manual"), None);
        assert_eq!(committed(g, &wrote, "manual"), None);
        let (made, said) = committed(g, &format!("{wrote}c\n"), "manual").unwrap();
        assert_eq!((Limits::parse(&made).gfx, said.as_str()), (Some([700, 900]), "s 0 700; s 1 900; c"));
        let (made, said) = committed(g, &format!("{wrote}c\n"), "auto").unwrap();
        assert_eq!((Limits::parse(&made).gfx, said.ends_with("(refused)")), (Some([500, 1500]), true));
    }
}
