//! Revision 1.9 describes itself: a count, then for each attribute a word that encodes it and its values, with no gaps.

use super::revisions::{Field, Layout, SELF_DESCRIBING};
use super::{at, layout_of, TableError, CLOCKS};

/// Where the first attribute begins.
const FIRST: usize = 8;

/// The shortest attribute: its word and one byte.
const SHORTEST: usize = 9;

/// The places of the attributes that are of use here.
pub(super) fn layout(bytes: &[u8]) -> Result<Layout, TableError> {
    parse_attributes(bytes, |_, _| {})
}

/// The walk has to end where the table ends. `visit` gets each word and its place.
fn parse_attributes(bytes: &[u8], mut visit: impl FnMut(usize, u64)) -> Result<Layout, TableError> {
    let count = at::<4>(bytes, 4)
        .map(i32::from_le_bytes)
        .ok_or(TableError::Attributes("it ends before its first attribute"))?;
    let most = bytes.len().saturating_sub(FIRST) / SHORTEST;
    let count = usize::try_from(count).ok().filter(|c| *c <= most);
    let count = count.ok_or(TableError::Attributes("it says that it has more attributes than fit into it"))?;

    let (mut layout, mut here) = (SELF_DESCRIBING, FIRST);
    for _ in 0..count {
        let word = at::<8>(bytes, here)
            .map(u64::from_le_bytes)
            .ok_or(TableError::Attributes("it ends inside an attribute"))?;
        let instances = (word & 0x3FF) as usize;
        let (id, kind) = ((word >> 10 & 0x3FF) as u16, (word >> 20 & 0xF) as u8);
        // Bits 24 to 31 are the unit, which the driver gets wrong for some: the id tells.
        if word >> 32 != 0 || kind > 7 || instances == 0 {
            return Err(TableError::Attributes("an attribute's description has bits that mean nothing"));
        }
        visit(here, word);
        let start = here + 8;
        here = start + (instances << (kind >> 1));
        if here > bytes.len() {
            return Err(TableError::Attributes("it ends inside an attribute"));
        }
        let Some((place, array)) = field_for(&mut layout, id) else { continue };
        if place.at != 0 {
            return Err(TableError::Attributes("an attribute stands twice in it"));
        }
        // Several values where one was meant: what each of them is, nobody said.
        let count = if instances == 1 || array { instances.min(CLOCKS) as u8 } else { 0 };
        *place = Field { at: start as u16, kind, count };
    }
    if here == bytes.len() {
        Ok(layout)
    } else {
        Err(TableError::Attributes("it does not end where its attributes end"))
    }
}

/// The place that an attribute has in a layout, and whether it may have several values.
fn field_for(layout: &mut Layout, id: u16) -> Option<(&mut Field, bool)> {
    let place = match id {
        0 => &mut layout.hotspot_c,
        1 => &mut layout.memory_c,
        2 => &mut layout.vrsoc_c,
        3 => &mut layout.current_power,
        4 => &mut layout.graphics_activity,
        5 => &mut layout.memory_activity,
        7 => &mut layout.energy,
        8 => &mut layout.driver_time_ns,
        9 => &mut layout.accumulations,
        32 => &mut layout.firmware_time_10ns,
        33 => return Some((&mut layout.graphics_mhz, true)),
        37 => &mut layout.memory_mhz,
        _ => return None,
    };
    Some((place, false))
}

/// The words of a table. Where another one has the same words at the same places, a walk would come to the same places
/// too; and a walk takes longer, as the place of a word hangs on the word before it.
#[derive(Debug)]
pub(super) struct AttributeFingerprint {
    pub layout: Layout,
    size: usize,
    words: Vec<(usize, u64)>,
}

impl AttributeFingerprint {
    /// `None` for all other revisions, and for what is malformed.
    pub fn of(bytes: &[u8]) -> Option<AttributeFingerprint> {
        if bytes.get(2..4)? != [1, 9] || layout_of(bytes, &mut None).is_err() {
            return None;
        }
        // Size, revision and count.
        let mut words = vec![(0, at(bytes, 0).map(u64::from_le_bytes)?)];
        let layout = parse_attributes(bytes, |place, word| words.push((place, word))).ok()?;
        Some(AttributeFingerprint { layout, size: bytes.len(), words })
    }

    pub fn is_that_of(&self, bytes: &[u8]) -> bool {
        let same = |(place, word): &(usize, u64)| at(bytes, *place).map(u64::from_le_bytes) == Some(*word);
        bytes.len() == self.size && self.words.iter().all(same)
    }
}
