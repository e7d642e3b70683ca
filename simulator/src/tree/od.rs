//! pp_od_clk_voltage: the table that a read gives. What a write does to it is the driver's business (driver.rs).

use crate::machine::{ClockSpec, Gpu};

pub const FILE: &str = "pp_od_clk_voltage";
pub const LEVEL_FILE: &str = "power_dpm_force_performance_level";

/// Lower and upper bound, in MHz.
pub type Range = [u32; 2];

/// What is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub gfx: Option<Range>,
    pub mem: Option<Range>,
    /// Where the graphics clock can be shifted and not bounded.
    pub offset: Option<i32>,
}

impl Limits {
    /// In force when nothing is set.
    pub fn of(g: &Gpu) -> Limits {
        let unset = |c: &ClockSpec| c.unset.or(c.range);
        let c = &g.spec.clocks;
        Limits { gfx: unset(&c.gfx), mem: unset(&c.mem), offset: c.gfx.offset.map(|_| 0) }
    }

    /// Reads a table back.
    pub fn parse(text: &str) -> Limits {
        let mut section = "";
        let mut limits = Limits { gfx: None, mem: None, offset: None };
        for line in text.lines() {
            let Some((key, rest)) = line.split_once(':') else {
                if section == "OD_SCLK_OFFSET" && limits.offset.is_none() {
                    limits.offset = line.trim_end_matches("Mhz").parse().ok();
                }
                continue;
            };
            let bound = usize::from(key == "1");
            match (section, key) {
                ("OD_SCLK", "0" | "1") => limits.gfx.get_or_insert([0, 0])[bound] = mhz(rest),
                ("OD_MCLK", "0" | "1") => limits.mem.get_or_insert([0, 0])[bound] = mhz(rest),
                _ => section = key,
            }
        }
        limits
    }
}

/// The text of a read; `limits` when something is set.
pub fn table(g: &Gpu, limits: Option<Limits>) -> String {
    let now = limits.unwrap_or(Limits::of(g));
    let c = &g.spec.clocks;
    let mut text = String::new();
    let mut add = |part: Option<String>| text += &part.unwrap_or_default();
    let pair = |title: &str, r: Option<Range>| r.map(|r| format!("{title}:\n0: {}Mhz\n1: {}Mhz\n", r[0], r[1]));
    add(now.offset.map(|mhz| format!("OD_SCLK_OFFSET:\n{mhz}Mhz\n")));
    add(pair("OD_SCLK", now.gfx));
    add(pair("OD_MCLK", now.mem));
    add(g.spec.vddgfx_offset.map(|_| "OD_VDDGFX_OFFSET:\n0mV\n".to_string()));
    if g.spec.od_range && (now.offset.is_some() || now.gfx.is_some() || now.mem.is_some()) {
        add(Some("OD_RANGE:\n".to_string()));
        add(c.gfx.offset.map(|r| format!("SCLK_OFFSET: {:7}Mhz {:10}Mhz\n", r[0], r[1])));
        add(c.gfx.range.map(|r| format!("SCLK: {}Mhz {}Mhz\n", r[0], r[1])));
        add(c.mem.range.map(|r| format!("MCLK: {}Mhz {}Mhz\n", r[0], r[1])));
        add(g.spec.vddgfx_offset.map(|r| format!("VDDGFX_OFFSET: {:7}mv {:10}mv\n", r[0], r[1])));
    }
    text
}

/// Commands that a program without the preloaded library appended to a table, when the last of them ends a sequence.
pub fn appended(text: &str) -> Option<Vec<&str>> {
    let is_command = |l: &&str| matches!(l.split(' ').next(), Some("s" | "m" | "c" | "r"));
    let commands: Vec<&str> = text.lines().filter(is_command).collect();
    matches!(commands.last(), Some(&("c" | "r"))).then_some(commands)
}

/// The bounds that may be set, from the OD_RANGE lines of a table.
pub fn settable(text: &str) -> Limits {
    let find = |key: &str| {
        let line = text.lines().skip_while(|l| !l.starts_with("OD_RANGE")).find_map(|l| l.strip_prefix(key))?;
        let mut words = line.split_whitespace().map(mhz);
        Some([words.next()?, words.next()?])
    };
    Limits { gfx: find("SCLK:"), mem: find("MCLK:"), offset: None }
}

fn mhz(text: &str) -> u32 {
    text.trim().to_ascii_lowercase().trim_end_matches("mhz").trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machine;

    #[test]
    fn a_table_reads_back() {
        for (machine, gfx) in [("mi300x-8", Some([500, 2100])), ("rx6800-1", Some([500, 2475])), ("rx9070-1", None)] {
            let m = Machine::load(machine).unwrap();
            let g = &m.gpus()[0];
            let text = table(g, None);
            assert_eq!(Limits::parse(&text), Limits::of(g), "{text}");
            assert_eq!(Limits::of(g).gfx, gfx);
            let set = Limits { mem: Some([901, 902]), ..Limits::of(g) };
            let text = table(g, Some(set));
            assert_eq!(Limits::parse(&text), set);
            let c = &g.spec.clocks;
            assert_eq!(settable(&text), Limits { gfx: c.gfx.range, mem: c.mem.range, offset: None });
            assert_eq!(appended(&format!("{text}s 0 700\n")), None);
            assert_eq!(appended(&format!("{text}s 0 700\nc\n")), Some(vec!["s 0 700", "c"]));
        }
    }
}
