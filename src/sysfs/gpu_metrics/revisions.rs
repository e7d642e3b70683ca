//! Field offsets of each revision of `gpu_metrics`, for x86-64 and aarch64.
//!
//! Source: `struct gpu_metrics_v*` in drivers/gpu/drm/amd/include/kgd_pp_interface.h.

use crate::energy::LIMITS;

/// Largest number of graphics clocks in one table.
pub const CLOCKS: usize = 8;

/// Types of values, numbered as in revision 1.9 (`AMDGPU_METRICS_TYPE_*`).
pub(super) const U16: u8 = 2;
const U32: u8 = 4;
pub(super) const U64: u8 = 6;

/// A field of the table: one value, several values of one type, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub at: u16,
    /// Type number: u8, s8, u16, s16, u32, s32, u64, s64.
    pub kind: u8,
    pub count: u8,
}

impl Field {
    const NONE: Field = Field { at: 0, kind: 0, count: 0 };

    pub fn is_present(self) -> bool {
        self.count > 0
    }

    pub fn bytes(self) -> usize {
        1 << (self.kind >> 1)
    }

    pub fn signed(self) -> bool {
        self.kind & 1 == 1
    }
}

const fn u16_at(at: u16) -> Field {
    Field { at, kind: U16, count: 1 }
}

const fn eight_u16_at(at: u16) -> Field {
    Field { at, kind: U16, count: CLOCKS as u8 }
}

const fn u32_at(at: u16) -> Field {
    Field { at, kind: U32, count: 1 }
}

/// Consecutive values of their own.
const fn five_u32_at(at: u16) -> [Field; LIMITS] {
    [u32_at(at), u32_at(at + 4), u32_at(at + 8), u32_at(at + 12), u32_at(at + 16)]
}

const fn u64_at(at: u16) -> Field {
    Field { at, kind: U64, count: 1 }
}

/// The layout of one revision: the offsets of the values that this library uses, and their units.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "testing"), allow(dead_code))] // Tests check all offsets; readings use some.
pub(super) struct Layout {
    /// Total size in bytes; 0 if it varies.
    pub size: u16,
    pub energy: Field,
    pub driver_time_ns: Field,
    pub firmware_time_10ns: Field,
    pub average_power: Field,
    pub current_power: Field,
    /// Unit of these powers, in milliwatts.
    pub power_mw: u16,
    pub edge_c: Field,
    pub hotspot_c: Field,
    pub memory_c: Field,
    pub vrsoc_c: Field,
    pub graphics_mhz: Field,
    pub graphics_average_mhz: Field,
    pub memory_mhz: Field,
    pub memory_average_mhz: Field,
    pub graphics_activity: Field,
    pub memory_activity: Field,
    /// Number of activity units in one percent.
    pub activity_per_percent: u16,
    pub throttle: Field,
    /// The driver does not set the throttle status and leaves it 0.
    pub zero_throttle_is_missing: bool,
    pub throttle_independent: Field,
    pub accumulations: Field,
    /// Accumulations in which a limit held: PROCHOT, PPT, socket, voltage regulators, memory.
    pub limited: [Field; LIMITS],
}

const EMPTY: Layout = Layout {
    size: 0,
    energy: Field::NONE,
    driver_time_ns: Field::NONE,
    firmware_time_10ns: Field::NONE,
    average_power: Field::NONE,
    current_power: Field::NONE,
    power_mw: 1000,
    edge_c: Field::NONE,
    hotspot_c: Field::NONE,
    memory_c: Field::NONE,
    vrsoc_c: Field::NONE,
    graphics_mhz: Field::NONE,
    graphics_average_mhz: Field::NONE,
    memory_mhz: Field::NONE,
    memory_average_mhz: Field::NONE,
    graphics_activity: Field::NONE,
    memory_activity: Field::NONE,
    activity_per_percent: 1,
    throttle: Field::NONE,
    zero_throttle_is_missing: false,
    throttle_independent: Field::NONE,
    accumulations: Field::NONE,
    limited: [Field::NONE; LIMITS],
};

/// Filled by the parser of revision 1.9.
pub(super) const SELF_DESCRIBING: Layout = EMPTY;

// GPUs before MI300: average power, one clock of each kind.

static V1_0: Layout = Layout {
    size: 80,
    driver_time_ns: u64_at(8),
    edge_c: u16_at(16),
    hotspot_c: u16_at(18),
    memory_c: u16_at(20),
    vrsoc_c: u16_at(24),
    graphics_activity: u16_at(28),
    memory_activity: u16_at(30),
    average_power: u16_at(34),
    energy: u32_at(36),
    graphics_average_mhz: u16_at(40),
    memory_average_mhz: u16_at(44),
    graphics_mhz: u16_at(54),
    memory_mhz: u16_at(58),
    throttle: u32_at(68),
    ..EMPTY
};

const V1_1_BASE: Layout = Layout {
    edge_c: u16_at(4),
    hotspot_c: u16_at(6),
    memory_c: u16_at(8),
    vrsoc_c: u16_at(12),
    graphics_activity: u16_at(16),
    memory_activity: u16_at(18),
    average_power: u16_at(22),
    energy: u64_at(24),
    driver_time_ns: u64_at(32),
    graphics_average_mhz: u16_at(40),
    memory_average_mhz: u16_at(44),
    graphics_mhz: u16_at(54),
    memory_mhz: u16_at(58),
    throttle: u32_at(68),
    ..EMPTY
};
static V1_1: Layout = Layout { size: 96, ..V1_1_BASE };
static V1_2: Layout = Layout { size: 104, firmware_time_10ns: u64_at(96), ..V1_1_BASE };
static V1_3: Layout =
    Layout { size: 120, firmware_time_10ns: u64_at(96), throttle_independent: u64_at(112), ..V1_1_BASE };

// MI300 and later: current power, one graphics clock for each compute die (XCC).

const V1_4_BASE: Layout = Layout {
    hotspot_c: u16_at(4),
    memory_c: u16_at(6),
    vrsoc_c: u16_at(8),
    current_power: u16_at(10),
    graphics_activity: u16_at(12),
    memory_activity: u16_at(14),
    ..EMPTY
};
static V1_4: Layout = Layout {
    size: 288,
    energy: u64_at(24),
    driver_time_ns: u64_at(32),
    throttle: u32_at(40),
    zero_throttle_is_missing: true,
    firmware_time_10ns: u64_at(232),
    graphics_mhz: eight_u16_at(240),
    memory_mhz: u16_at(280),
    ..V1_4_BASE
};
static V1_5: Layout = Layout {
    size: 360,
    energy: u64_at(88),
    driver_time_ns: u64_at(96),
    throttle: u32_at(104),
    zero_throttle_is_missing: true,
    firmware_time_10ns: u64_at(304),
    graphics_mhz: eight_u16_at(312),
    memory_mhz: u16_at(352),
    ..V1_4_BASE
};
// An earlier 1.6 with 384 bytes and other offsets was reverted before a release; the size distinguishes the two.
static V1_6: Layout = Layout {
    size: 1664,
    energy: u64_at(16),
    driver_time_ns: u64_at(24),
    accumulations: u32_at(32),
    limited: five_u32_at(36),
    firmware_time_10ns: u64_at(256),
    graphics_mhz: eight_u16_at(264),
    memory_mhz: u16_at(304),
    ..V1_4_BASE
};
static V1_7: Layout = Layout {
    size: 2208,
    energy: u64_at(24),
    driver_time_ns: u64_at(32),
    accumulations: u32_at(40),
    limited: five_u32_at(44),
    firmware_time_10ns: u64_at(288),
    graphics_mhz: eight_u16_at(296),
    memory_mhz: u16_at(336),
    ..V1_4_BASE
};
/// As 1.7, with more partition statistics at the end.
static V1_8: Layout = Layout { size: 3872, ..V1_7 };

// APUs. They have no energy counter. The units of powers and activities in 2.0 to 2.3 depend on the ASIC's driver, so these
// fields are left out.

static V2_0: Layout = Layout {
    size: 120,
    driver_time_ns: u64_at(8),
    graphics_average_mhz: u16_at(68),
    memory_average_mhz: u16_at(72),
    graphics_mhz: u16_at(80),
    memory_mhz: u16_at(84),
    throttle: u32_at(112),
    ..EMPTY
};
const V2_1_BASE: Layout = Layout {
    driver_time_ns: u64_at(32),
    graphics_average_mhz: u16_at(64),
    memory_average_mhz: u16_at(68),
    graphics_mhz: u16_at(76),
    memory_mhz: u16_at(80),
    throttle: u32_at(108),
    ..EMPTY
};
static V2_1: Layout = Layout { size: 120, ..V2_1_BASE };
static V2_2: Layout = Layout { size: 128, throttle_independent: u64_at(120), ..V2_1_BASE };
static V2_3: Layout = Layout { size: 152, throttle_independent: u64_at(120), ..V2_1_BASE };
/// In milliwatts and hundredths of a percent.
static V2_4: Layout = Layout {
    size: 168,
    throttle_independent: u64_at(120),
    average_power: u16_at(40),
    power_mw: 1,
    graphics_activity: u16_at(28),
    activity_per_percent: 100,
    ..V2_1_BASE
};
static V3_0: Layout = Layout {
    size: 264,
    graphics_activity: u16_at(42),
    driver_time_ns: u64_at(104),
    average_power: u32_at(112),
    power_mw: 1,
    graphics_average_mhz: u16_at(174),
    memory_average_mhz: u16_at(186),
    ..EMPTY
};

/// The layout of a revision with fixed offsets.
pub(super) fn of(revision: (u8, u8)) -> Option<&'static Layout> {
    Some(match revision {
        (1, 0) => &V1_0,
        (1, 1) => &V1_1,
        (1, 2) => &V1_2,
        (1, 3) => &V1_3,
        (1, 4) => &V1_4,
        (1, 5) => &V1_5,
        (1, 6) => &V1_6,
        (1, 7) => &V1_7,
        (1, 8) => &V1_8,
        (2, 0) => &V2_0,
        (2, 1) => &V2_1,
        (2, 2) => &V2_2,
        (2, 3) => &V2_3,
        (2, 4) => &V2_4,
        (3, 0) => &V3_0,
        _ => return None,
    })
}
