//! `pp_dpm_sclk` and `pp_dpm_mclk`: the levels of a clock, one line each.

use super::error::SysfsError;
use super::pp_od::parse_mhz;
use std::path::Path;

/// The lowest and highest level, and the current clock, which a star marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    pub lowest_mhz: u32,
    pub highest_mhz: u32,
    pub current_mhz: Option<u32>,
}

/// Parses the text of the file; `None` if a line is malformed, or a bound is 0.
///
/// Levels ascend, but for the memory of APUs before Linux 6.5 (renoir_print_clk_levels and others). The drivers of MI200 and Navi
/// print the clock of the moment, with a star, as a line of its own between the lowest and the highest level
/// (navi10_emit_clk_levels in drivers/gpu/drm/amd/pm/swsmu/smu11/navi10_ppt.c); of an idle Navi it is below the lowest.
#[must_use]
pub fn parse(text: &str) -> Option<Levels> {
    let mut levels: Option<Levels> = None;
    let mut current_mhz = None;
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let (level, clock) = line.split_once(':')?;
        let mhz = parse_mhz(clock)?;
        if clock.trim_end().ends_with('*') {
            current_mhz = Some(mhz);
        }
        // "S" is the clock in deep sleep: below all levels, and not one of them.
        if level.trim() != "S" {
            level.trim().parse::<u32>().ok()?;
            let range = levels.get_or_insert(Levels { lowest_mhz: mhz, highest_mhz: mhz, current_mhz: None });
            range.highest_mhz = mhz;
        }
    }
    let Levels { lowest_mhz: first, highest_mhz: last, .. } = levels?;
    let levels = Levels { lowest_mhz: first.min(last), highest_mhz: first.max(last), current_mhz };
    (levels.lowest_mhz > 0).then_some(levels)
}

/// Reads the file.
pub fn read(file: &Path) -> Result<Levels, SysfsError> {
    let text = std::fs::read_to_string(file)?;
    if text.trim().is_empty() {
        return Err(SysfsError::Empty);
    }
    parse(&text).ok_or(SysfsError::NotANumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        let of = |lowest_mhz, highest_mhz, current_mhz| Some(Levels { lowest_mhz, highest_mhz, current_mhz });
        assert_eq!(parse("0: 500Mhz \n1: 800Mhz *\n2: 1700Mhz \n"), of(500, 1700, Some(800)));
        assert_eq!(parse("0: 132Mhz\n1: 500Mhz\n2: 2100Mhz *\n"), of(132, 2100, Some(2100)));
        assert_eq!(parse("0: 900Mhz\n"), of(900, 900, None));
        assert_eq!(parse("0: 1600Mhz\n1: 1067Mhz *\n2: 400Mhz\n"), of(400, 1600, Some(1067)));
        // Navi: the clock of the moment below the lowest level.
        assert_eq!(parse("0: 500Mhz \n1: 41Mhz *\n2: 2520Mhz \n"), of(500, 2520, Some(41)));
        assert_eq!(parse("0: 500Mhz \n1: 0Mhz *\n2: 2520Mhz \n"), of(500, 2520, Some(0)));
        // Deep sleep.
        assert_eq!(parse("S: 19Mhz *\n0: 500Mhz \n1: 2482Mhz \n"), of(500, 2482, Some(19)));
        for nonsense in [
            "",
            "\n",
            "S: 19Mhz *\n",
            "0: Mhz\n",
            "0 500Mhz\n",
            "0: 500\n",
            "x: 500Mhz\n",
            "0: -5Mhz\n",
            "0: 0Mhz\n",
            "0: 9Mhz\n1: 0Mhz\n",
        ] {
            assert_eq!(parse(nonsense), None, "{nonsense:?}");
        }
    }
}
