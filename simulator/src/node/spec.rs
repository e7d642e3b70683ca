//! What the machine file says of the node beside its GPUs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::Times;
use crate::power::{Noise, Shape};

/// Sources of the whole node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeSpec {
    /// `/sys/cray/pm_counters`.
    pub pm_counters: Option<PmSpec>,
    /// `/sys/class/powercap/intel-rapl:ZONE`, by zone: "0" is a package, "0:0" a part of it.
    pub powercap: BTreeMap<String, ZoneSpec>,
    /// Each read of one of these files takes so long.
    pub read_us: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PmSpec {
    /// Updates a second, and what `raw_scan_hz` shows.
    pub hz: u32,
    /// An update is seen so much later than the time of its values; `[20, 60]`: other at each, reproducibly.
    pub delay_ms: Span,
    /// The first update after machine start.
    pub phase_ms: f64,
    /// `freshness`, and the controller's clock, at machine start.
    pub freshness: u64,
    pub clock_us: u64,
    pub startup: u64,
    pub generation: u64,
    pub power_cap_w: u64,
    /// What the node draws beside processor, memory and accelerators; `initial_j` is the node's.
    pub other: TapSpec,
    /// Nodes of APUs have none of these two.
    pub cpu: Option<TapSpec>,
    pub memory: Option<TapSpec>,
    /// In the order of the board.
    pub accel: Vec<AccelSpec>,
    /// The controller starts again at these times: no update for `restart_s`, then energies from 0 and another `startup`.
    pub restart_at_s: Vec<f64>,
    pub restart_s: f64,
    /// A restart sets freshness and the controller's clock to 0 as well.
    pub restart_clock: bool,
    /// When nothing is updated; what was used then is there afterwards.
    pub stalled_at_s: Option<Times>,
    /// Each so many reads give half of the text.
    pub torn_every: u64,
    /// Files that are not there, and those that may not be read.
    pub missing: Vec<String>,
    pub unreadable: Vec<String>,
}

impl Default for PmSpec {
    fn default() -> Self {
        PmSpec {
            hz: 10,
            delay_ms: Span::Fixed(40.0),
            phase_ms: 0.0,
            freshness: 60_043_284,
            clock_us: 7_810_213_855_886,
            startup: 1_778_580_757_634_187,
            generation: 16,
            power_cap_w: 2894,
            other: TapSpec::default(),
            cpu: None,
            memory: None,
            accel: Vec::new(),
            restart_at_s: Vec::new(),
            restart_s: 2.0,
            restart_clock: false,
            stalled_at_s: None,
            torn_every: 0,
            missing: Vec::new(),
            unreadable: Vec::new(),
        }
    }
}

/// One value, or one between two that is other each time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Span {
    Fixed(f64),
    Between([f64; 2]),
}

/// What a sensor of the board measures.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapSpec {
    pub power: Shape,
    #[serde(default)]
    pub noise: Option<Noise>,
    #[serde(default)]
    pub initial_j: u64,
}

impl Default for TapSpec {
    fn default() -> Self {
        TapSpec { power: Shape::Constant { w: 0.0 }, noise: None, initial_j: 0 }
    }
}

/// An accelerator as the board sees it: `gain` × the package's power + `offset_w`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccelSpec {
    /// Number of a GPU of the package.
    pub gpu: u32,
    #[serde(default = "one")]
    pub gain: f64,
    #[serde(default)]
    pub offset_w: f64,
    #[serde(default)]
    pub initial_j: u64,
}

fn one() -> f64 {
    1.0
}

/// A powercap zone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneSpec {
    /// "package-0", "core", "dram", "psys".
    pub name: String,
    pub power: Shape,
    #[serde(default)]
    pub noise: Option<Noise>,
    /// One count of the register is 2^-unit_bits J: 16 with AMD, 14 with most of Intel's.
    #[serde(default = "sixteen")]
    pub unit_bits: u32,
    /// Width of the register.
    #[serde(default = "thirty_two")]
    pub bits: u32,
    /// Counts at machine start.
    #[serde(default)]
    pub initial: u64,
    #[serde(default = "one")]
    pub refresh_ms: f64,
    /// Every user may read energy_uj, as before 2020.
    #[serde(default = "yes")]
    pub readable: bool,
    /// The register starts again from 0.
    #[serde(default)]
    pub reset_at_s: Vec<f64>,
}

fn sixteen() -> u32 {
    16
}

fn thirty_two() -> u32 {
    32
}

fn yes() -> bool {
    true
}
