//! `pp_od_clk_voltage`: the current limits of the clocks, and the range in which they can be set.

use super::error::SysfsError;
use crate::gpu::Clock;
use std::path::Path;

/// Lower and upper limit of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub min_mhz: u32,
    pub max_mhz: u32,
}

impl Bounds {
    /// 0 to 0 MHz are none.
    fn are_plausible(self) -> bool {
        self.min_mhz <= self.max_mhz && self.max_mhz > 0
    }
}

/// The contents of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Table {
    pub graphics: Option<Bounds>,
    pub memory: Option<Bounds>,
    /// `OD_RANGE`. The drivers of MI200 and MI300 do not print it.
    pub graphics_range: Option<Bounds>,
    pub memory_range: Option<Bounds>,
    /// The graphics clock can be shifted by an offset, and has no limits to set (RDNA4).
    pub graphics_offset_only: bool,
}

impl Table {
    #[must_use]
    pub fn of(&self, clock: Clock) -> Option<Bounds> {
        match clock {
            Clock::Graphics => self.graphics,
            Clock::Memory => self.memory,
        }
    }

    #[must_use]
    pub fn range_of(&self, clock: Clock) -> Option<Bounds> {
        match clock {
            Clock::Graphics => self.graphics_range,
            Clock::Memory => self.memory_range,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Section {
    Graphics,
    Memory,
    Range,
    Other,
}

/// Reads the file.
pub fn read(file: &Path) -> Result<Table, SysfsError> {
    Ok(parse(&std::fs::read_to_string(file)?))
}

/// Parses the text of the file, without an allocation.
#[must_use]
pub fn parse(text: &str) -> Table {
    let mut table = Table::default();
    let mut section = Section::Other;
    let (mut graphics, mut memory) = (Levels::default(), Levels::default());
    for line in text.lines() {
        let Some((key, rest)) = line.split_once(':') else { continue };
        let (key, rest) = (key.trim(), rest.trim());
        match (section, key) {
            // A title is alone on its line; in OD_RANGE the same words are followed by numbers.
            (_, "OD_SCLK" | "GFXCLK" | "SCLK") if rest.is_empty() => section = Section::Graphics,
            (_, "OD_MCLK" | "MCLK") if rest.is_empty() => section = Section::Memory,
            (_, "OD_SCLK_OFFSET") if rest.is_empty() => {
                (table.graphics_offset_only, section) = (true, Section::Other);
            }
            (_, "OD_RANGE") => section = Section::Range,
            (_, title) if rest.is_empty() && !title.is_empty() => section = Section::Other,
            (Section::Range, "SCLK") => table.graphics_range = parse_mhz_pair(rest),
            (Section::Range, "MCLK") => table.memory_range = parse_mhz_pair(rest),
            // MI300 in deep sleep, Linux 6.7 to 6.9: the clock of the moment comes first (smu_v13_0_6_print_clk_levels).
            (Section::Graphics | Section::Memory, "S") => {}
            (Section::Graphics, level) => graphics.add(level, rest),
            (Section::Memory, level) => memory.add(level, rest),
            _ => {}
        }
    }
    table.graphics = graphics.bounds();
    table.memory = memory.bounds();
    table
}

/// The lines of one clock. Without a list: the watchdog allocates no memory.
#[derive(Default)]
struct Levels {
    count: usize,
    starts_at_0: bool,
    first_mhz: Option<u32>,
    last_mhz: Option<u32>,
}

impl Levels {
    fn add(&mut self, level: &str, value: &str) {
        self.last_mhz = parse_mhz(value);
        if self.count == 0 {
            (self.starts_at_0, self.first_mhz) = (level.parse() == Ok(0_u32), self.last_mhz);
        }
        self.count += 1;
    }

    /// The first and last of two levels, or of three where the current clock is between them. Older GPUs list states with
    /// voltages, or only an upper limit; those cannot be restored.
    fn bounds(&self) -> Option<Bounds> {
        let bounds = Bounds { min_mhz: self.first_mhz?, max_mhz: self.last_mhz? };
        let is_pair = matches!(self.count, 2 | 3) && self.starts_at_0;
        (is_pair && bounds.are_plausible()).then_some(bounds)
    }
}

/// Parses "2100Mhz", with or without a trailing star.
pub(super) fn parse_mhz(text: &str) -> Option<u32> {
    let text = text.trim_end_matches('*').trim();
    let unit = text.len().checked_sub(3)?;
    let (number, unit) = (text.get(..unit)?, text.get(unit..)?);
    unit.eq_ignore_ascii_case("mhz").then(|| number.trim().parse().ok())?
}

/// Parses "500Mhz       2100Mhz".
fn parse_mhz_pair(text: &str) -> Option<Bounds> {
    let mut words = text.split_whitespace().map(parse_mhz);
    let (min_mhz, max_mhz) = (words.next()??, words.next()??);
    let bounds = Bounds { min_mhz, max_mhz };
    (words.next().is_none() && bounds.are_plausible()).then_some(bounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(min_mhz: u32, max_mhz: u32) -> Option<Bounds> {
        Some(Bounds { min_mhz, max_mhz })
    }

    #[test]
    fn with_a_range() {
        let text = "OD_SCLK:\n0: 500Mhz\n1: 2100Mhz\nOD_MCLK:\n0: 900Mhz\n1: 1200Mhz\nOD_RANGE:\nSCLK:     500Mhz        2100Mhz\nMCLK:     900Mhz        1200Mhz\n";
        let table = parse(text);
        assert_eq!((table.graphics, table.graphics_range), (bounds(500, 2100), bounds(500, 2100)));
        assert_eq!((table.memory, table.memory_range), (bounds(900, 1200), bounds(900, 1200)));
    }

    /// The drivers of MI300 print no range, and other domains in between and at the end.
    #[test]
    fn without_a_range() {
        let table = parse("OD_SCLK:\n0: 500Mhz\n1: 1300Mhz\nOD_MCLK:\n0: 900Mhz\n1: 1300Mhz\nOD_FCLK:\n0: 1\n1: 2\n");
        assert_eq!((table.graphics, table.memory), (bounds(500, 1300), bounds(900, 1300)));
        assert_eq!((table.graphics_range, table.memory_range), (None, None));
    }

    /// MI200 lists the current clock, with a star, between the limits.
    #[test]
    fn with_the_current_clock() {
        let table = parse(
            "GFXCLK:\n0: 500Mhz \n1: 800Mhz *\n2: 1700Mhz \nMCLK:\n0: 400Mhz\n1: 700Mhz\n2: 1200Mhz\n3: 1600Mhz *\n",
        );
        assert_eq!(table.graphics, bounds(500, 1700));
        // Four levels are memory states.
        assert_eq!(table.memory, None);
        assert_eq!(parse("GFXCLK:\n0: 500Mhz *\n1: 1700Mhz \n").graphics, bounds(500, 1700));
        // MI300, idle and at work, before Linux 6.10.
        assert_eq!(parse("GFXCLK:\nS: 132Mhz *\n0: 500Mhz\n1: 2100Mhz\n").graphics, bounds(500, 2100));
        assert_eq!(parse("GFXCLK:\n0: 500Mhz\n1: 1200Mhz *\n2: 2100Mhz\n").graphics, bounds(500, 2100));
    }

    #[test]
    fn consumer_cards() {
        let text = "OD_SCLK:\n0: 500Mhz\n1: 2660Mhz\nOD_MCLK:\n0: 97Mhz\n1: 1000MHz\nOD_VDDGFX_OFFSET:\n0mV\nOD_RANGE:\nSCLK:     500Mhz       3150Mhz\nMCLK:     674Mhz       1200Mhz\n";
        let table = parse(text);
        assert_eq!((table.graphics, table.memory), (bounds(500, 2660), bounds(97, 1000)));
        assert_eq!((table.graphics_range, table.memory_range), (bounds(500, 3150), bounds(674, 1200)));
        // Vega 20: only the upper limit of the memory clock.
        let table = parse("OD_SCLK:\n0: 808Mhz\n1: 1801Mhz\nOD_MCLK:\n1: 1000Mhz\nOD_VDDC_CURVE:\n0: 808MHz 724mV\n1: 1304MHz 813mV\n2: 1801MHz 1124mV\nOD_RANGE:\nSCLK: 808Mhz 2200Mhz\nMCLK: 800Mhz 1200Mhz\nVDDC_CURVE_SCLK[0]: 808Mhz 2200Mhz\n");
        assert_eq!((table.graphics, table.memory), (bounds(808, 1801), None));
        assert_eq!(table.memory_range, bounds(800, 1200));
        // Vega 10: states with voltages.
        assert_eq!(parse("OD_SCLK:\n0: 852MHz 800mV\n1: 991MHz 900mV\nOD_MCLK:\n0: 167MHz 800mV\n").graphics, None);
    }

    /// RDNA4: an offset, with its own range.
    #[test]
    fn an_offset() {
        let text = "OD_SCLK_OFFSET:\n0Mhz\nOD_MCLK:\n0: 97Mhz\n1: 1259MHz\nOD_VDDGFX_OFFSET:\n0mV\nOD_RANGE:\nSCLK_OFFSET:    -500Mhz       1000Mhz\nMCLK:      97Mhz       1500Mhz\nVDDGFX_OFFSET:    -200mv          0mv\n";
        let expected = Table {
            memory: bounds(97, 1259),
            memory_range: bounds(97, 1500),
            graphics_offset_only: true,
            ..Table::default()
        };
        assert_eq!(parse(text), expected);
    }

    #[test]
    fn nonsense_is_nothing() {
        for text in [
            "",
            "\n",
            ":",
            "OD_SCLK:",
            "OD_SCLK:\n0: Mhz\n1: 5",
            "OD_SCLK:\n0: 900Mhz\n1: 800Mhz",
            "OD_SCLK:\n0: 0Mhz\n1: 0Mhz\nOD_RANGE:\nSCLK: 0Mhz 0Mhz\n",
            "OD_RANGE:\nSCLK: x y\n",
            "OD_SCLK:\n0: 99999999999Mhz\n1: 1Mhz",
            "OD_SCLK:\n0: µµ\n1: é",
        ] {
            assert_eq!(parse(text), Table::default(), "{text:?}");
        }
    }
}
