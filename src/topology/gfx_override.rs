//! `HSA_OVERRIDE_GFX_VERSION`, and with the number of a KFD node behind it. Pure.
//!
//! The lowest layer of the runtime reads it of each GPU before there are any masks, and fails for all GPUs where it cannot
//! parse one. Source: `topology_sysfs_get_node_props` in libhsakmt's topology.c, in ROCm/rocm-systems.

use super::visibility::{escape_lossy, is_space, Rules};
use crate::sysfs::kfd::Node;

const NAME: &str = "HSA_OVERRIDE_GFX_VERSION";

/// Whether the runtime starts; the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Starts {
    Yes,
    Perhaps,
    No,
}

/// What a value does to the start of the runtime, and a line that says so; `None`: nothing.
#[must_use]
pub fn effect(node: &Node, value: &[u8], rules: Rules) -> Option<(Starts, String)> {
    // It is not read of a GPU without an instruction set.
    if node.gfx_target == Some(0) {
        return None;
    }
    let is_other = |major| node.gfx_target.is_some_and(|gfx| gfx / 10_000 != major);
    let shown = escape_lossy(value);
    // As containers and shell scripts leave it (<https://github.com/ROCm/ROCR-Runtime/issues/354>).
    let empty = format!("{NAME} is set and empty: HIP of ROCm 7.2 and earlier shows no GPU");
    match (value, parse(value)) {
        ([], _) if rules.override_as_is => Some((Starts::No, format!("{empty}; unset it"))),
        ([], _) => Some((
            Starts::Perhaps,
            format!("{empty}, and which is the application's is not known here (see the option runtime_version); unset it"),
        )),
        (_, None) => Some((Starts::No, format!("{NAME}={shown} has not the form 10.3.0: HIP shows no GPU"))),
        (_, Some(major)) if !rules.override_as_is && is_other(major) => Some((
            Starts::Perhaps,
            format!("{NAME}={shown} is of another generation than the GPU of KFD node {}: HIP later than ROCm 7.2 may show no GPU", node.number),
        )),
        _ => None,
    }
}

/// The generation of the instruction set, as `sscanf` with "%u.%u.%u" to the end of the text.
fn parse(text: &[u8]) -> Option<u32> {
    const MOST: [u32; 3] = [63, 255, 255];
    let parts: Vec<&[u8]> = text.split(|b| *b == b'.').collect();
    let numbers = parts.iter().map(|part| unsigned(part)).collect::<Option<Vec<u32>>>()?;
    let fits = numbers.len() == MOST.len() && numbers.iter().zip(MOST).all(|(n, most)| *n <= most);
    fits.then(|| numbers[0])
}

/// C's "%u": blanks and a sign may come first, and what 64 bits hold is cut to 32.
fn unsigned(text: &[u8]) -> Option<u32> {
    let text = text.iter().position(|b| !is_space(b)).map_or(&text[..0], |first| &text[first..]);
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: u64, d: &u8| sum.checked_mul(10).and_then(|sum| sum.checked_add(u64::from(d - b'0')));
    let number = digits.iter().try_fold(0_u64, add);
    Some(number.map_or(u32::MAX, |n| if negative { n.wrapping_neg() } else { n } as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What sscanf of glibc makes of them.
    #[test]
    fn values_as_the_runtime_reads_them() {
        let of = |text: &str| parse(text.as_bytes());
        for (text, major) in [
            ("10.3.0", 10),
            ("11.0.2", 11),
            ("0.0.0", 0),
            ("63.255.255", 63),
            (" 9.\t4.\n2", 9),
            ("+9.04.002", 9),
            ("-0.0.0", 0),
            ("4294967305.0.0", 9),
        ] {
            assert_eq!(of(text), Some(major), "{text:?}");
        }
        for text in [
            "",
            " ",
            "gfx1030",
            "1030",
            "10.3",
            "10.3.",
            "10.3.0 ",
            "10.3.0\n",
            "10.3.0.0",
            "10.3.x",
            "\"10.3.0\"",
            "10 .3.0",
            "10,3,0",
            "0x9.0.0",
            "64.0.0",
            "9.256.0",
            "9.0.256",
            "-1.0.0",
            "99999999999999999999999.0.0",
            "..",
        ] {
            assert_eq!(of(text), None, "{text:?}");
        }
    }
}
