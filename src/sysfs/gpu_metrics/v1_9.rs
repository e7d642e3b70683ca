//! Revision 1.9 is self-describing: a count, then for each attribute a 64-bit encoding and its values, without padding.
//!
//! Source: `AMDGPU_METRICS_ENC_*` in drivers/gpu/drm/amd/include/kgd_pp_interface.h, attribute list in
//! drivers/gpu/drm/amd/pm/swsmu/smu13/smu_v13_0_6_ppt.h.

use super::bytes::{at, u64_at, PAGE};
use super::revisions::{Field, Layout, CLOCKS, SELF_DESCRIBING};
use crate::sysfs::error::TableError;

/// Offset of the first attribute.
const FIRST: usize = 8;

/// Size of the shortest attribute: its encoding and one byte.
const SHORTEST: usize = 9;

/// The layout that a table describes.
pub(super) fn layout(bytes: &[u8]) -> Result<Layout, TableError> {
    parse_attributes(bytes, |_, _| {})
}

/// Parses all attributes; the last one must end where the table ends. `visit` gets the offset and value of each encoding.
fn parse_attributes(bytes: &[u8], mut visit: impl FnMut(usize, u64)) -> Result<Layout, TableError> {
    let count = at::<4>(bytes, 4)
        .map(i32::from_le_bytes)
        .ok_or(TableError::Attributes("it ends before its first attribute"))?;
    let max_count = bytes.len().saturating_sub(FIRST) / SHORTEST;
    let count = usize::try_from(count).ok().filter(|c| *c <= max_count);
    let count = count.ok_or(TableError::Attributes("its attribute count exceeds its size"))?;

    let (mut layout, mut offset) = (SELF_DESCRIBING, FIRST);
    for _ in 0..count {
        let encoding = u64_at(bytes, offset).ok_or(TableError::Attributes("it ends inside an attribute"))?;
        let instances = (encoding & 0x3FF) as usize;
        let (id, kind) = ((encoding >> 10 & 0x3FF) as u16, (encoding >> 20 & 0xF) as u8);
        // Bits 24 to 31 are the unit, which the driver gets wrong for some attributes: the id implies the unit.
        if encoding >> 32 != 0 || kind > 7 || instances == 0 {
            return Err(TableError::Attributes("an attribute's encoding has undefined bits"));
        }
        visit(offset, encoding);
        let values = offset + 8;
        offset = values + (instances << (kind >> 1));
        if offset > bytes.len() {
            return Err(TableError::Attributes("it ends inside an attribute"));
        }
        let Some((field, is_array)) = field_for(&mut layout, id) else { continue };
        if field.at != 0 {
            return Err(TableError::Attributes("an attribute occurs twice"));
        }
        // An unexpected array is ignored.
        let count = if instances == 1 || is_array { instances.min(CLOCKS) as u8 } else { 0 };
        *field = Field { at: values as u16, kind, count };
    }
    if offset == bytes.len() {
        Ok(layout)
    } else {
        Err(TableError::Attributes("it does not end where its attributes end"))
    }
}

/// The field of an attribute, and whether it may be an array.
fn field_for(layout: &mut Layout, id: u16) -> Option<(&mut Field, bool)> {
    let field = match id {
        0 => &mut layout.hotspot_c,
        1 => &mut layout.memory_c,
        2 => &mut layout.vrsoc_c,
        3 => &mut layout.current_power,
        4 => &mut layout.graphics_activity,
        5 => &mut layout.memory_activity,
        7 => &mut layout.energy,
        8 => &mut layout.driver_time_ns,
        9 => &mut layout.accumulations,
        10..=14 => layout.limited.get_mut(usize::from(id) - 10)?,
        32 => &mut layout.firmware_time_10ns,
        33 => return Some((&mut layout.graphics_mhz, true)),
        37 => &mut layout.memory_mhz,
        _ => return None,
    };
    Some((field, false))
}

/// The encodings of a table and their offsets. A table with the same ones has the same layout; comparing them is faster
/// than parsing, because each parsed offset depends on the encoding before it.
#[derive(Debug)]
pub(super) struct AttributeFingerprint {
    pub layout: Layout,
    size: usize,
    encodings: Vec<(usize, u64)>,
}

impl AttributeFingerprint {
    /// `None` for a malformed table and for all other revisions.
    pub fn of(bytes: &[u8]) -> Option<AttributeFingerprint> {
        let [size_low, size_high, major, minor] = at(bytes, 0)?;
        let size = usize::from(u16::from_le_bytes([size_low, size_high]));
        if (major, minor) != (1, 9) || size != bytes.len() || size >= PAGE {
            return None;
        }
        // The header and the attribute count.
        let mut encodings = vec![(0, u64_at(bytes, 0)?)];
        let layout = parse_attributes(bytes, |offset, encoding| encodings.push((offset, encoding))).ok()?;
        Some(AttributeFingerprint { layout, size, encodings })
    }

    pub fn matches(&self, bytes: &[u8]) -> bool {
        let same = |(offset, encoding): &(usize, u64)| u64_at(bytes, *offset) == Some(*encoding);
        bytes.len() == self.size && self.encodings.iter().all(same)
    }
}
