//! The ROCm releases that have a simulated library, and how each behaves. Sources: the table of versions and the numbered
//! sections of the behaviour facts; what no source says is marked "inferred".

/// What happens inside the library when several threads read metrics at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// The table is read once per process, and GPUs with the same table version share it (6.0).
    Frozen,
    /// Read each time into one object per table version, without a lock (6.1 to 26.1).
    Shared,
    /// As `Shared`, and two threads inside kill the process (6.3.0 to 6.3.2).
    Crash,
    /// An object of its own for each call.
    Own,
}

#[derive(Debug)]
pub struct Release {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// Words of amdsmi_get_lib_version.
    pub words: [u32; 4],
    pub build: &'static str,
    pub soname: u32,
    /// Key of this release in the layout facts.
    pub layouts: &'static str,
    /// Structs whose layout differs from what `layouts` says.
    pub overrides: &'static [(&'static str, &'static str)],
    pub sharing: Sharing,
    /// How long a table is kept, unless AMDSMI_GPU_METRICS_CACHE_MS says otherwise.
    pub cache_ms: u64,
}

const HEADER_27: &str = "27.1-header(transcribed)";
/// Not in that transcription; as AMD's binding of 27.0 has them.
const IN_27: [(&str, &str); 2] = [("amdsmi_board_info_t", "L5"), ("amdsmi_vram_usage_t", "L1")];

macro_rules! releases {
    ($($name:literal $aliases:expr, $words:expr, $build:literal, $soname:literal, $layouts:expr, $over:expr, $sharing:ident, $cache:literal;)*) => {
        pub const RELEASES: &[Release] = &[$(Release {
            name: $name, aliases: &$aliases, words: $words, build: $build, soname: $soname, layouts: $layouts,
            overrides: &$over, sharing: Sharing::$sharing, cache_ms: $cache,
        }),*];
    };
}

releases! {
    // name  aliases             words           build       so  layouts          overrides  sharing cache
    "6.0.0" ["6.0"],        [23, 4, 0, 0],  "23.4.0.0", 23, "6.0.0",         [],        Frozen, 0;
    "6.0.2" [],             [23, 4, 0, 0],  "23.4.0.0", 23, "6.0.2",         [],        Frozen, 0;
    "6.1.0" [],             [24, 5, 0, 0],  "24.5.0.0", 24, "6.1.0",         [],        Shared, 0;
    "6.1.1" [],             [24, 5, 1, 0],  "24.5.1.0", 24, "6.1.1",         [],        Shared, 0;
    "6.1.2" ["6.1"],        [24, 5, 2, 0],  "24.5.2.0", 24, "6.1.2",         [],        Shared, 0;
    "6.2.0" [],             [24, 6, 2, 0],  "24.6.2.0", 24, "6.2.0",         [],        Shared, 0;
    "6.2.4" ["6.2"],        [24, 6, 3, 0],  "24.6.3.0", 24, "6.2.4",         [],        Shared, 0;
    "6.3.1" [],             [24, 7, 1, 0],  "24.7.1.0", 24, "6.3.1",         [],        Crash,  0;
    "6.3.3" ["6.3"],        [25, 1, 0, 0],  "25.1.0.0", 25, "6.3.3",         [],        Shared, 0;
    "6.4.0" [],             [25, 25, 3, 0], "25.3.0",   25, "6.4.0",         [],        Shared, 0;
    "6.4.1" [],             [25, 25, 4, 0], "25.4.0",   25, "6.4.1",         [],        Shared, 0;
    "6.4.3" ["6.4"],        [25, 25, 5, 1], "25.5.1",   25, "6.4.3",         [],        Shared, 100;
    "7.0.2" ["7.0"],        [26, 0, 2, 0],  "26.0.2",   26, "7.0.2",         [],        Shared, 1;
    "7.1.0" [],             [26, 1, 0, 0],  "26.1.0",   26, "26.1-header",   [],        Shared, 1;
    "7.1.1" ["7.1"],        [26, 2, 0, 0],  "26.2.0",   26, "26.2.0-header", [],        Own,    1;
    "7.2.0" ["7.2"],        [26, 2, 1, 0],  "26.2.1",   26, "26.2.1-header", [],        Own,    1;
    "7.12"  [],             [26, 3, 0, 0],  "26.3.0",   26, "26.3-header",   [],        Own,    1;
    "7.13"  [],             [26, 4, 0, 0],  "26.4.0",   26, "26.4-header",   [],        Own,    1;
    "7.14"  [],             [26, 5, 0, 0],  "26.5.0",   26, "26.5-header",   [],        Own,    1;
    // 27.0 has the members of 27.1 but for the younger ones (AMD's binding of it, tests/python/bindings.sh).
    "10.0"  ["10"],         [27, 0, 0, 0],  "27.0.0",   27, HEADER_27,
        [("amdsmi_enumeration_info_t", "L2"), ("amdsmi_asic_info_t", "L8"), ("amdsmi_driver_info_t", "L3"), IN_27[0], IN_27[1]],
                                                                                        Own,    1;
    "10.1"  [],             [27, 1, 0, 0],  "27.1.0",   27, HEADER_27,       IN_27,     Own,    1;
    // Its header was not seen; its changelog names no struct (inferred: as 27.1).
    "10.2"  [],             [27, 2, 0, 0],  "27.2.0",   27, HEADER_27,       IN_27,     Own,    1;
}

impl Release {
    pub fn find(name: &str) -> Option<&'static Release> {
        RELEASES.iter().find(|r| r.name == name || r.aliases.contains(&name))
    }

    /// The layout of a struct in this release.
    pub fn layout(&self, name: &str) -> Option<crate::facts::Layout> {
        let id = self.overrides.iter().find(|o| o.0 == name).map(|o| o.1);
        crate::facts::Layout::amdsmi(name, self.layouts, id)
    }

    /// The newest gpu_metrics revision that it can read (inferred from the growth of its own copy of the table).
    pub fn newest_metrics(&self) -> (u8, u8) {
        let minor = [((7, 12), 9), ((7, 0), 8), ((6, 4), 7), ((6, 3), 6), ((6, 1), 5)];
        (1, minor.iter().find(|((a, b), _)| self.at_least(*a, *b, 0)).map_or(4, |m| m.1))
    }

    /// Whether it can read a table: 1.1 and later up to its newest, those of APUs since it has room for them, 1.0 only lately
    /// (inferred from its sources).
    pub fn reads_metrics(&self, revision: (u8, u8)) -> bool {
        match revision {
            (1, 0) => self.words[0] >= 27,
            (1, _) => revision <= self.newest_metrics(),
            (2, 4) | (3, 0) => self.modern(),
            _ => false,
        }
    }

    /// For how long the last table is given for one that cannot be read; None: for ever (run: 24.7.1 and 25.5.1 stop after
    /// 0.6 s, 26.4.0 does not; the neighbours inferred).
    pub fn repeats_for(&self) -> Option<std::time::Duration> {
        (self.at_least(6, 3, 0) && !self.at_least(7, 0, 0)).then_some(std::time::Duration::from_millis(600))
    }

    /// A handle of an earlier life answers NOT_FOUND; in the others its address may be another GPU's by then (section 7).
    pub fn knows_stale_handles(&self) -> bool {
        self.at_least(6, 4, 0) && !self.at_least(7, 0, 0)
    }

    /// init ends the process where a render node is no DRM device (two releases do; which, inferred from their need of DRM).
    pub fn aborts_on_masked_node(&self) -> bool {
        self.at_least(6, 3, 0) && !self.at_least(7, 0, 0)
    }

    /// Version as a number that orders releases: 6.1.2 is (6, 1, 2).
    fn at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        let mut parts = self.name.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        (next(), next(), next()) >= (major, minor, patch)
    }

    /// The 26.4 code base and later: status follows content, no DRM needed for readings.
    pub fn modern(&self) -> bool {
        self.words[0] >= 27 || (self.words[0] == 26 && self.words[1] >= 4)
    }

    /// Power caps in W instead of µW (section 5).
    pub fn caps_in_watts(&self) -> bool {
        !self.at_least(6, 1, 2)
    }

    /// Bytes of the buffer that the cap file is read into (section 5).
    pub fn cap_digits(&self) -> usize {
        if self.at_least(6, 3, 0) {
            15
        } else {
            9
        }
    }

    /// amdsmi_get_lib_version answers NOT_INIT before init (section 1).
    pub fn version_needs_init(&self) -> bool {
        !self.at_least(6, 4, 0)
    }

    /// init and shut_down are counted (section 7).
    pub fn counts_init(&self) -> bool {
        self.at_least(7, 0, 2)
    }

    /// init never ends when /sys/class/drm has no card (section 7).
    pub fn hangs_without_cards(&self) -> bool {
        self.at_least(6, 2, 0) && !self.at_least(6, 4, 0)
    }

    /// init fails when /sys/class/drm is missing although the module is there (section 7).
    pub fn needs_drm_class(&self) -> bool {
        !self.at_least(7, 0, 0)
    }

    /// Sockets are named by the full PCI address instead of domain:bus:device (section 9).
    pub fn socket_has_function(&self) -> bool {
        self.name == "6.0.0"
    }

    /// Secondary partitions have no power, energy or cap (section 9).
    pub fn secondary_partition_refuses(&self) -> bool {
        self.at_least(6, 4, 1)
    }

    /// UUIDs without DRM access are the same for every GPU (section 9).
    pub fn uuid_needs_drm(&self) -> bool {
        !self.at_least(6, 4, 0)
    }

    /// Second byte of the UUID is ff (section 9; between 26.0 and 26.3 inferred).
    pub fn uuid_has_ff(&self) -> bool {
        !self.modern()
    }

    /// "Not available" in u32 fields of power_info (section 3).
    pub fn power_na32(&self) -> u64 {
        if self.modern() {
            0xFFFF_FFFF
        } else {
            0xFFFF
        }
    }

    pub fn power_na64(&self) -> u64 {
        if self.modern() {
            u64::MAX
        } else {
            0xFFFF
        }
    }

    /// socket_power is written (section 3: present but untouched in 6.4).
    pub fn writes_socket_power(&self) -> bool {
        self.at_least(7, 0, 0)
    }

    /// "Not available" in clk_info (section 6: 65535 up to ROCm 10.0).
    pub fn clock_na(&self) -> u64 {
        if self.at_least(10, 1, 0) {
            0xFFFF_FFFF
        } else {
            0xFFFF
        }
    }

    /// The level with the star is missing from min_clk and max_clk (run: 25.5.1; its neighbours inferred).
    pub fn skips_starred_level(&self) -> bool {
        self.at_least(6, 4, 0) && !self.at_least(7, 0, 0)
    }

    /// Setters answer NOT_SUPPORTED in a virtual machine (section 5).
    pub fn vm_refuses_setters(&self) -> bool {
        !self.at_least(7, 1, 0)
    }

    /// The symbols carry a version (section 10).
    pub fn symbol_version(&self) -> Option<&'static str> {
        self.modern().then_some("AMDSMI_1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundaries_of_the_facts() {
        let r = |n| Release::find(n).unwrap();
        assert!(r("6.1.1").caps_in_watts() && !r("6.1.2").caps_in_watts());
        assert!(r("6.3.3").version_needs_init() && !r("6.4.0").version_needs_init());
        assert!(!r("7.12").modern() && r("7.13").modern() && r("10.0").modern());
        assert!(!r("6.4.3").counts_init() && r("7.0").counts_init());
        assert!(
            !r("6.1.2").hangs_without_cards() && r("6.2.0").hangs_without_cards() && !r("6.4.0").hangs_without_cards()
        );
        assert_eq!((r("10.0").clock_na(), r("10.2").clock_na()), (0xFFFF, 0xFFFF_FFFF));
    }
}
