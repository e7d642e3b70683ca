//! The known releases of libamd_smi, by the version that the library reports: struct layouts, units and defects.
//!
//! The SONAME is not used: ROCm 6.3.3 has the layouts of 6.3 and the SONAME of 25. Source: amdsmi.h and the library of each
//! release; the compared layouts are in simulator/vendor-data/amdsmi-layouts.json.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerLayout {
    V1,
    V2,
    V3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameLayout {
    V1,
    V2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapUnit {
    Watt,
    Microwatt,
}

/// The properties of a range of releases.
#[derive(Debug)]
pub struct Generation {
    /// The ROCm releases, for texts.
    pub rocm: &'static str,
    /// The library versions, for texts.
    pub words: &'static str,
    matches: fn([u32; 3]) -> bool,
    pub power: PowerLayout,
    pub name: NameLayout,
    pub cap_unit: CapUnit,
    /// The current power cap loses its last digit from 1000 W on.
    pub cap_drops_digit: bool,
    /// The level marked as the current one is missing from the lowest and highest level (`get_frequencies` in rocm_smi.cc).
    pub skips_current_level: bool,
    /// gpu_metrics is read once per process, and all GPUs share it (rocm_smi_gpu_metrics.cc).
    pub metrics_cached_forever: bool,
    /// All GPUs share one object for their metrics: concurrent calls mix up GPUs or crash, and after a failed read the
    /// object is returned as it was, with SUCCESS (`rsmi_dev_gpu_metrics_info_get` in rocm_smi_gpu_metrics.cc).
    pub needs_lock: bool,
}

const LEGACY: Generation = Generation {
    rocm: "",
    words: "",
    matches: |_| false,
    power: PowerLayout::V1,
    name: NameLayout::V2,
    cap_unit: CapUnit::Microwatt,
    cap_drops_digit: false,
    skips_current_level: false,
    metrics_cached_forever: false,
    needs_lock: true,
};

const CURRENT: Generation = Generation { power: PowerLayout::V3, ..LEGACY };

const ROCM_10: Generation = Generation { needs_lock: false, ..CURRENT };

static GENERATIONS: [Generation; 12] = [
    Generation {
        rocm: "6.0",
        words: "23.*",
        matches: |w| w[0] == 23,
        name: NameLayout::V1,
        cap_unit: CapUnit::Watt,
        cap_drops_digit: true,
        metrics_cached_forever: true,
        ..LEGACY
    },
    Generation {
        rocm: "6.1.0 to 6.1.1",
        words: "24.5.0-1",
        matches: |w| w[..2] == [24, 5] && w[2] < 2,
        name: NameLayout::V1,
        cap_unit: CapUnit::Watt,
        cap_drops_digit: true,
        ..LEGACY
    },
    Generation {
        rocm: "6.1.2",
        words: "24.5.2",
        matches: |w| w == [24, 5, 2],
        name: NameLayout::V1,
        cap_drops_digit: true,
        ..LEGACY
    },
    Generation {
        rocm: "6.2",
        words: "24.6.2-3",
        matches: |w| w[..2] == [24, 6] && (2..=3).contains(&w[2]),
        cap_drops_digit: true,
        ..LEGACY
    },
    Generation { rocm: "6.3", words: "24.7.1, 25.1", matches: |w| w == [24, 7, 1] || w[..2] == [25, 1], ..LEGACY },
    // Not 25.25.2: a staging branch whose amdsmi_get_power_info has another argument.
    Generation {
        rocm: "6.4",
        words: "25.25.3-5",
        matches: |w| w[..2] == [25, 25] && (3..=5).contains(&w[2]),
        power: PowerLayout::V2,
        skips_current_level: true,
        ..LEGACY
    },
    Generation { rocm: "7.0 to 7.12", words: "26.0-3", matches: |w| w[0] == 26 && w[1] <= 3, ..CURRENT },
    Generation {
        rocm: "7.13 to 7.14",
        words: "26.4-5",
        matches: |w| w[0] == 26 && (4..=5).contains(&w[1]),
        needs_lock: false,
        ..CURRENT
    },
    Generation { rocm: "10.0", words: "27.0", matches: |w| w[..2] == [27, 0], ..ROCM_10 },
    Generation { rocm: "10.1", words: "27.1", matches: |w| w[..2] == [27, 1], ..ROCM_10 },
    Generation { rocm: "10.2", words: "27.2", matches: |w| w[..2] == [27, 2], ..ROCM_10 },
    // The layouts of a major version are promised to stay (AMD's ABI note).
    Generation { rocm: "after 10.2", words: "27.3 and later", matches: |w| w[0] == 27, ..ROCM_10 },
];

/// The ROCm release (major, minor) that a library of these version words belongs to, where they are of one only: 26.1.0 is
/// in 7.1.0 (AMD's changelog of that release) and in 7.9 to 7.11 (what amd-smi prints there).
#[must_use]
pub fn rocm_release(words: [u32; 4]) -> Option<[u32; 2]> {
    Generation::of(words)?;
    Some(match words {
        [23, ..] => [6, 0],
        [24, 5, ..] => [6, 1],
        [24, 6, ..] => [6, 2],
        [24 | 25, 7 | 1, ..] => [6, 3],
        [25, ..] => [6, 4],
        [26, 0, ..] => [7, 0],
        [26, 1, ..] => return None,
        [26, 2, 0, _] => [7, 1],
        [26, 2, ..] => [7, 2],
        [26, minor, ..] => [7, minor + 9],
        _ => [10, 0],
    })
}

impl Generation {
    /// The generation of a library that reports this version, if it is known.
    #[must_use]
    pub fn of(words: [u32; 4]) -> Option<&'static Generation> {
        let head = [words[0], words[1], words[2]];
        GENERATIONS.iter().find(|g| (g.matches)(head))
    }

    /// All known versions, for error texts.
    #[must_use]
    pub fn known() -> String {
        let list: Vec<_> = GENERATIONS.iter().map(|g| format!("{} (ROCm {})", g.words, g.rocm)).collect();
        list.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(w: [u32; 4]) -> Option<&'static str> {
        Generation::of(w).map(|g| g.rocm)
    }

    /// Each release that the facts name, with the layouts that the facts give it.
    #[test]
    fn releases_of_the_facts() {
        let facts: serde_json::Value =
            serde_json::from_str(include_str!("../../simulator/vendor-data/amdsmi-layouts.json")).unwrap();
        let releases: [(&str, [u32; 4]); 20] = [
            ("6.0.0-header", [23, 4, 0, 0]),
            ("6.0.2-header", [23, 4, 0, 0]),
            ("6.1.0-header", [24, 5, 0, 0]),
            ("6.1.1-header", [24, 5, 1, 0]),
            ("6.1.2-header", [24, 5, 2, 0]),
            ("6.2.0-header", [24, 6, 2, 0]),
            ("6.2.4-header", [24, 6, 3, 0]),
            ("6.3.0-header", [24, 7, 1, 0]),
            ("6.3.3-header", [25, 1, 0, 0]),
            ("6.4.0", [25, 25, 3, 0]),
            ("6.4.3", [25, 25, 5, 1]),
            ("7.0.0", [26, 0, 0, 0]),
            ("7.0.2", [26, 0, 2, 7]),
            ("26.1-header", [26, 1, 0, 0]),
            ("26.2.0-header", [26, 2, 0, 0]),
            ("26.2.1-header", [26, 2, 1, 0]),
            ("26.3-header", [26, 3, 0, 0]),
            ("26.4-header", [26, 4, 0, 0]),
            ("26.5-header", [26, 5, 0, 0]),
            ("27.1-header(transcribed)", [27, 1, 0, 0]),
        ];
        for (release, words) in releases {
            let g = Generation::of(words).unwrap_or_else(|| panic!("{release} {words:?} is not known"));
            // Where the facts have the number of the release, and not only of the library.
            let number: Vec<u32> = release.split(['.', '-']).map_while(|p| p.parse().ok()).collect();
            assert!(number[0] > 20 || rocm_release(words).unwrap() == number[..2], "{release} {words:?}");
            let layout = |name: &str| facts["structs"][name]["by_version"][release].as_str().unwrap().to_owned();
            let power = match g.power {
                PowerLayout::V1 => vec!["L1"],
                PowerLayout::V2 => vec!["L2"],
                PowerLayout::V3 => vec!["L3", "L4"],
            };
            assert!(power.contains(&layout("amdsmi_power_info_t").as_str()), "{release}");
            let short_name = ["L1", "L2"].contains(&layout("amdsmi_asic_info_t").as_str());
            assert_eq!(g.name == NameLayout::V1, short_name, "{release}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for w in [
            [0, 0, 0, 0],
            [22, 1, 0, 0],
            [24, 4, 0, 0],
            [24, 5, 3, 0],
            [24, 6, 1, 0],
            [24, 7, 2, 0],
            [25, 25, 2, 0],
            [25, 25, 6, 0],
            [25, 2, 0, 0],
            [26, 6, 0, 0],
            [28, 0, 0, 0],
            [u32::MAX; 4],
        ] {
            assert_eq!(of(w), None, "{w:?}");
        }
    }

    #[test]
    fn releases_of_later_libraries() {
        let of = |w| rocm_release(w).unwrap();
        assert_eq!((of([26, 2, 0, 0]), of([26, 2, 1, 0]), of([26, 2, 2, 0])), ([7, 1], [7, 2], [7, 2]));
        assert_eq!((of([26, 3, 0, 0]), of([26, 4, 0, 0]), of([26, 5, 0, 0])), ([7, 12], [7, 13], [7, 14]));
        assert_eq!(of([27, 0, 0, 0]), [10, 0]);
        assert_eq!((rocm_release([26, 1, 0, 0]), rocm_release([26, 6, 0, 0])), (None, None));
    }

    #[test]
    fn units_and_needs() {
        let g = |w| Generation::of(w).unwrap();
        assert_eq!(g([24, 5, 1, 0]).cap_unit, CapUnit::Watt);
        assert_eq!(g([24, 5, 2, 0]).cap_unit, CapUnit::Microwatt);
        assert!(g([24, 6, 3, 0]).cap_drops_digit && !g([24, 7, 1, 0]).cap_drops_digit);
        assert!(g([26, 3, 0, 0]).needs_lock && !g([26, 4, 0, 0]).needs_lock && !g([27, 0, 0, 0]).needs_lock);
        assert!(g([23, 4, 0, 0]).metrics_cached_forever && !g([24, 5, 0, 0]).metrics_cached_forever);
        assert_eq!([0, 1, 2, 3].map(|n| g([27, n, 0, 0]).rocm), ["10.0", "10.1", "10.2", "after 10.2"]);
        assert!(Generation::known().contains("27.1 (ROCm 10.1), 27.2 (ROCm 10.2)"));
    }
}
