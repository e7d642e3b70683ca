//! pp_od_clk_voltage: the table that a read gives, and what a write does to it.

use crate::machine::Gpu;

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
    pair("OD_SCLK", now.gfx)
        + &pair("OD_MCLK", now.mem)
        + "OD_RANGE:\n"
        + &line("SCLK", range.gfx)
        + &line("MCLK", range.mem)
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
    }
}
