//! The crate `libdrm_amdgpu_sys`, written by somebody else from the kernel's header, finds the same numbers. It hands out
//! what stands there: what is missing has all bits set in it.

use crate::{table, Random, FIXED};
use libdrm_amdgpu_sys::AMDGPU::{GpuMetrics, MetricsInfo};
use zeus_amd::sysfs::gpu_metrics::{parse, Metrics};

/// All-ones is absent.
fn known<T: Into<u64> + Copy>(raw: T) -> Option<u64> {
    let bits = 8 * std::mem::size_of::<T>() as u32;
    Some(raw.into()).filter(|v| *v != u64::MAX >> (64 - bits))
}

/// Counter and firmware time, which have no getter there.
fn fields(theirs: &GpuMetrics) -> (u8, Option<u64>, Option<u64>) {
    use GpuMetrics as G;
    match theirs {
        G::V1_0(t) => (32, known(t.energy_accumulator), None),
        G::V1_1(t) => (64, known(t.energy_accumulator), None),
        G::V1_2(t) => (64, known(t.energy_accumulator), known(t.firmware_timestamp)),
        G::V1_3(t) => (64, known(t.energy_accumulator), known(t.firmware_timestamp)),
        G::V1_4(t) => (64, known(t.energy_accumulator), known(t.firmware_timestamp)),
        G::V1_5(t) => (64, known(t.energy_accumulator), known(t.firmware_timestamp)),
        _ => (0, None, None),
    }
}

fn as_they_have_it(revision: (u8, u8), theirs: &GpuMetrics) -> Metrics {
    let (energy_bits, energy, firmware_10ns) = fields(theirs);
    let small = |raw: Option<u16>| raw.and_then(known).map(|v| v as u32);
    let celsius = |raw: Option<u16>| raw.and_then(known).map(|v| v as i32);
    // Powers and activities of 2.0 to 2.3 have no certain unit, those of 2.4 are milliwatts and hundredths of a percent.
    let unclear = matches!(revision, (2, 0..=3));
    let wide = revision == (3, 0);
    let average_power = theirs.get_average_socket_power().filter(|_| !unclear).and_then(|raw| match wide {
        true => known(raw),
        false => known(raw as u16),
    });
    let milliwatts = if revision.0 == 1 { 1000 } else { 1 };
    let activity = small(theirs.get_average_gfx_activity()).filter(|_| !unclear);
    let clocks = theirs.get_all_instances_current_gfxclk();
    let one = || std::array::from_fn(|i| if i == 0 { small(theirs.get_current_gfxclk()) } else { None });
    let throttle = theirs.get_throttle_status().and_then(known).map(|v| v as u32);
    Metrics {
        revision,
        energy: energy.filter(|e| *e != 0xFFFF_FFFF),
        energy_bits,
        driver_time_ns: theirs.get_system_clock_counter().and_then(known).filter(|t| *t > 0),
        firmware_time_ns: firmware_10ns.and_then(|t| t.checked_mul(10)).filter(|t| *t > 0),
        average_power_mw: average_power.map(|p| p as u32 * milliwatts),
        current_power_mw: small(theirs.get_current_socket_power()).map(|w| w * 1000),
        edge_c: celsius(theirs.get_temperature_edge()),
        hotspot_c: celsius(theirs.get_temperature_hotspot()),
        memory_c: celsius(theirs.get_temperature_mem()),
        vrsoc_c: celsius(theirs.get_temperature_vrsoc()),
        graphics_mhz: clocks.map_or_else(one, |c| c.map(|c| small(Some(c)))),
        graphics_average_mhz: small(theirs.get_average_gfxclk_frequency()),
        memory_mhz: small(theirs.get_current_uclk()),
        memory_average_mhz: small(theirs.get_average_uclk_frequency()),
        graphics_activity_percent: activity.map(|a| if revision == (2, 4) { a / 100 } else { a }),
        memory_activity_percent: small(theirs.get_average_umc_activity()),
        throttle_status: throttle.filter(|t| *t > 0 || !matches!(revision, (1, 4 | 5))),
        throttle_independent: theirs.get_indep_throttle_status_without_check().and_then(known),
        accumulations: None,
        limited: [None; 5],
    }
}

#[test]
fn another_parser_agrees() {
    let mut random = Random::new();
    let mut compared = 0;
    for revision in FIXED {
        // Those that it does not know.
        if matches!(GpuMetrics::from_raw(&table(revision, 0)), GpuMetrics::Unknown) {
            continue;
        }
        for round in 0..10_000 {
            let mut bytes = table(revision, if round % 2 == 0 { 0 } else { 0xFF });
            match round {
                // Nothing but ones or zeroes.
                0..=1 => {}
                _ if round % 4 < 2 => random.fill(&mut bytes[4..]),
                _ => {
                    let from = 4 + random.below(bytes.len() - 4);
                    let to = from + random.below(bytes.len() - from + 1);
                    random.fill(&mut bytes[from..to]);
                }
            }
            let theirs = GpuMetrics::from_raw(&bytes);
            assert_eq!(
                parse(&bytes),
                Ok(as_they_have_it((revision.0, revision.1), &theirs)),
                "{revision:?}, round {round}: {bytes:02x?}"
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 12 * 10_000);
}
