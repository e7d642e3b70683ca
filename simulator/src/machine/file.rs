//! The machine file as serde sees it. The README of this directory describes it for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counter::Counter;
use super::fault::{Fault, FileFaults};
use crate::node::NodeSpec;
use crate::power::{Noise, Shape};

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSpec {
    #[serde(default)]
    pub description: String,
    /// Some of its tables or sensors do not show what is true, as those of the real parts do not.
    #[serde(default)]
    pub irregular: bool,
    /// The amdgpu module is loaded.
    #[serde(default = "yes")]
    pub amdgpu: bool,
    /// /sys/class/kfd and /dev/kfd exist.
    #[serde(default = "yes")]
    pub kfd: bool,
    #[serde(default)]
    pub drm: DrmClass,
    #[serde(default)]
    pub dri: Dri,
    /// A graphics chip of another vendor is card0, as on most servers.
    #[serde(default = "yes")]
    pub vga: bool,
    /// Programs read the moving files through a preloaded library that makes them at each read.
    #[serde(default = "yes")]
    pub preload: bool,
    /// CPU nodes that KFD numbers before the GPUs.
    #[serde(default = "two")]
    pub cpu_nodes: u32,
    /// Setters answer NO_PERM, as for every user but root.
    #[serde(default)]
    pub unprivileged: bool,
    /// The machine is a virtual one.
    #[serde(default, alias = "vm")]
    pub guest: bool,
    /// Year and month of the kernel's amdgpu, for what it did differently before.
    #[serde(default = "kernel")]
    pub kernel: String,
    #[serde(default)]
    pub init: Init,
    /// Other version words than the release's.
    #[serde(default)]
    pub version: Option<[u32; 4]>,
    #[serde(default)]
    pub missing_symbols: Vec<String>,
    /// This many bytes 0x5A are written behind each struct, as if it had grown.
    #[serde(default)]
    pub overrun: usize,
    #[serde(default)]
    pub stdout_noise: bool,
    #[serde(default)]
    pub stderr_noise: bool,
    /// Log reading calls as well.
    #[serde(default)]
    pub log_reads: bool,
    /// Table revisions stay as the file says, even if the release's library cannot read them.
    #[serde(default)]
    pub strict_metrics: bool,
    /// Faults of calls that concern no GPU.
    #[serde(default)]
    pub fault: BTreeMap<String, Fault>,
    #[serde(default = "driver_version")]
    pub driver_version: String,
    /// What measures the node beside the GPUs.
    #[serde(default)]
    pub node: NodeSpec,
    pub gpu: BTreeMap<String, GpuSpec>,
}

fn kernel() -> String {
    "2026-06".to_string()
}

fn two() -> u32 {
    2
}

fn driver_version() -> String {
    "6.8.5".to_string()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum DrmClass {
    #[default]
    Cards,
    /// The directory is there and holds no card.
    Empty,
    /// There is no such directory.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Dri {
    #[default]
    Ok,
    Missing,
    /// Not readable for this user.
    Denied,
}

#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Init {
    pub status: u32,
    pub hang: bool,
    pub delay_ms: u64,
    /// A line on stderr, as the library prints why it fails.
    pub stderr: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuSpec {
    #[serde(default)]
    pub model: String,
    /// The GPU is not in the machine at all.
    #[serde(default)]
    pub absent: bool,
    pub name: String,
    pub bdf: String,
    /// 16 hex digits.
    pub unique_id: String,
    pub device_id: u32,
    #[serde(default)]
    pub subvendor: u32,
    #[serde(default)]
    pub subsystem_id: u32,
    #[serde(default)]
    pub rev_id: u32,
    #[serde(default)]
    pub oam_id: u32,
    /// Rank in the order in which the driver finds the GPUs: order of DRM minors and KFD nodes. Default: as in the file.
    #[serde(default)]
    pub probe: Option<u32>,
    /// Number of the (first) KFD node, DRM card and render node; default: consecutive in probe order.
    #[serde(default)]
    pub kfd_node: Option<u32>,
    #[serde(default)]
    pub card: Option<u32>,
    #[serde(default)]
    pub render_minor: Option<u32>,
    /// KFD's gpu_id; default: made from the unique_id.
    #[serde(default)]
    pub gpu_id: Option<u32>,
    #[serde(default)]
    pub access: Access,
    /// Dies with the same number are one package; default: a package of its own.
    #[serde(default)]
    pub package: Option<u32>,
    #[serde(default)]
    pub die: DieRole,
    #[serde(default = "spx")]
    pub compute_partition: String,
    #[serde(default = "nps1")]
    pub memory_partition: String,
    #[serde(default = "one")]
    pub partitions: u32,
    /// libamd_smi shows the partition in the PCI function, as it does with some drivers, not in bits 31:28.
    #[serde(default)]
    pub partition_is_function: bool,
    /// unique_id of each partition in KFD; default: all the GPU's.
    #[serde(default)]
    pub partition_unique_ids: Vec<String>,
    /// Revision of gpu_metrics: "1.3" to "1.9", or "none" for no file.
    pub metrics: String,
    pub power_sensor: PowerSensor,
    /// The power that gpu_metrics has, where it is another one than hwmon's.
    #[serde(default)]
    pub table_power_sensor: Option<PowerSensor>,
    /// What gpu_metrics has instead of the power.
    #[serde(default)]
    pub table_power_w: Option<u16>,
    /// An APU's GPU: sensor `edge` only, temperatures and power of the whole chip.
    #[serde(default)]
    pub integrated: bool,
    /// gpu_metrics has the PCIe link.
    #[serde(default = "yes")]
    pub pcie: bool,
    /// Runtime power management has it suspended when the machine starts.
    #[serde(default)]
    pub suspended: Suspended,
    /// So long after it has resumed its power reads 0.
    #[serde(default = "two_seconds")]
    pub resume_s: f64,
    pub power: Shape,
    #[serde(default)]
    pub noise: Option<Noise>,
    /// The firmware's average power is the mean over so many seconds.
    #[serde(default)]
    pub average_s: f64,
    #[serde(default)]
    pub counter: Counter,
    pub caps: Caps,
    pub temps: Temps,
    pub clocks: Clocks,
    /// pp_od_clk_voltage has the section OD_RANGE; the drivers of MI200 and MI300 leave it out.
    #[serde(default = "yes")]
    pub od_range: bool,
    /// A bound outside of the range that may be set is refused.
    #[serde(default)]
    pub od_checks_range: bool,
    /// Level auto leaves the bounds of pp_od_clk_voltage in force (Radeon).
    #[serde(default)]
    pub od_outlasts_auto: bool,
    /// Lines OD_VDDGFX_OFFSET, with the range in mV.
    #[serde(default)]
    pub vddgfx_offset: Option<[i32; 2]>,
    #[serde(default = "activity")]
    pub activity: [u32; 2],
    /// gfx, soc, mem in mV where the metrics have them.
    #[serde(default)]
    pub voltages: Option<[u32; 3]>,
    #[serde(default)]
    pub compute_units: u32,
    #[serde(default)]
    pub gfx_target: u32,
    #[serde(default)]
    pub simd_count: u32,
    /// KFD's capability word (bits 13:12 are the doorbell type).
    #[serde(default = "doorbell_two")]
    pub capability: u32,
    #[serde(default)]
    pub vram_mb: u64,
    #[serde(default)]
    pub fault: BTreeMap<String, Fault>,
    /// Faults of the GPU's files, by file name.
    #[serde(default)]
    pub file: BTreeMap<String, FileFaults>,
}

fn spx() -> String {
    "SPX".to_string()
}

fn nps1() -> String {
    "NPS1".to_string()
}

fn one() -> u32 {
    1
}

fn two_seconds() -> f64 {
    2.0
}

fn activity() -> [u32; 2] {
    [0, 0]
}

fn doorbell_two() -> u32 {
    0x2000
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    #[default]
    Ok,
    /// sysfs is readable, the render node is missing (ENOENT).
    NoRender,
    /// Device cgroup: gpu_id and properties answer EPERM, the render node is missing; libamd_smi drops the GPU.
    Hidden,
    /// The node's gpu_id answers EACCES.
    NodeDenied,
    /// The render node answers EACCES.
    Denied,
    /// The render node is another device than a DRM one, as where a container masks it with /dev/null.
    Masked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Suspended {
    #[default]
    No,
    /// Reading a file that asks the hardware resumes it (kernels up to about 6.12).
    Resumes,
    /// Reading such a file answers EPERM.
    Refuses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum DieRole {
    /// The only die of its package.
    #[default]
    Single,
    Primary,
    /// Reports no power and no energy.
    Secondary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerSensor {
    /// Averaged by the firmware (MI100, MI200).
    Average,
    /// The current value (MI300 and later).
    Current,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    #[serde(default = "yes")]
    pub present: bool,
    pub cap_w: f64,
    pub default_w: f64,
    #[serde(default)]
    pub min_w: f64,
    pub max_w: f64,
}

/// Millidegrees; what is left out has no sensor.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Temps {
    pub edge: Option<i64>,
    pub hotspot: Option<i64>,
    pub mem: Option<i64>,
    pub vrsoc: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    pub gfx: ClockSpec,
    pub mem: ClockSpec,
    #[serde(default)]
    pub soc: Option<ClockSpec>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockSpec {
    /// MHz now.
    pub now: u32,
    /// Lines of pp_dpm_*.
    pub levels: Vec<u32>,
    /// The range that may be set (OD_RANGE); none: not settable.
    #[serde(default)]
    pub range: Option<[u32; 2]>,
    /// Bounds in force when nothing is set, if they are not the range.
    #[serde(default)]
    pub unset: Option<[u32; 2]>,
    /// Range of OD_SCLK_OFFSET: the clock can be shifted by so many MHz, and not be bounded.
    #[serde(default)]
    pub offset: Option<[i32; 2]>,
    /// pp_dpm has the clock of the moment as a line of its own between the first level and the others.
    #[serde(default)]
    pub current_line: bool,
}
