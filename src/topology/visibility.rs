//! The GPUs that HIP shows, from `ROCR_VISIBLE_DEVICES`, `HIP_VISIBLE_DEVICES` and `CUDA_VISIBLE_DEVICES`. Pure.
//!
//! ROCr and HIP parse these variables one after the other, each by its own rules. The rules are reproduced exactly. Sources:
//! amd_filter_device.cpp and amd_topology.cpp of ROCr, flags.cpp, rocdevice.cpp and hip_context.cpp of HIP (clr), in
//! ROCm/rocm-systems. Values are bytes, as an environment may contain any.

use std::fmt::Write as _;

/// The properties of a GPU that the rules need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gpu {
    /// The KFD unique_id; 0 if there is none.
    pub unique_id: u64,
    /// How the runtimes support it.
    pub support: Support,
}

/// How the runtimes support a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Support {
    #[default]
    Full,
    /// ROCr numbers and supports it; HIP drops it.
    RocrOnly,
    /// ROCr numbers it and drops it.
    None,
    /// Its doorbells are those of gfx8 and older: what ROCr does depends on the release.
    OldDoorbell {
        /// HIP supports it where ROCr does: gfx8, not gfx7.
        in_hip: bool,
    },
}

/// The values of the variables; `None` if a variable is not set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Masks {
    pub rocr: Option<Vec<u8>>,
    pub hip: Option<Vec<u8>>,
    pub cuda: Option<Vec<u8>>,
    /// What `HSA_OVERRIDE_GFX_VERSION` is for a KFD node, by its number.
    pub gfx_overrides: Vec<(u32, Vec<u8>)>,
}

/// What ROCr does with a GPU that has old doorbells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldGpus {
    /// It is an agent (ROCm 6.x and earlier). HIP shows gfx8, which clr leaves out for OpenCL only (`runtimeRocSupported` in
    /// device.hpp), and drops gfx7, which is not in the table of device.cpp.
    Counted,
    /// ROCr does not start with one in the machine (ROCm 7.0 to 7.2).
    Fatal,
    /// ROCr numbers it and drops it (<https://github.com/ROCm/rocm-systems/pull/4936>, merged in 2026).
    Skipped,
}

/// What differs between releases of ROCm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// An empty HIP or CUDA variable hides all GPUs (ROCm 5.5 and later), or counts as not set.
    pub empty_hides: bool,
    /// HIP's variable takes UUIDs (ROCm 6.2 and later).
    pub uuid_in_hip: bool,
    pub old_gpus: OldGpus,
    /// The application's release is known, and that of it; otherwise it is what the release that was found does, or the
    /// newest one.
    pub old_gpus_known: bool,
    /// An empty `HSA_OVERRIDE_GFX_VERSION` is malformed, and any other generation is taken (ROCm 7.2 and earlier). Which
    /// release was the first with <https://github.com/ROCm/rocm-systems/pull/5686> is not known.
    pub override_as_is: bool,
    /// The application's release, where it is known.
    pub given: Option<[u32; 2]>,
}

impl Rules {
    /// The rules of a release (major, minor).
    #[must_use]
    pub fn of(release: Option<[u32; 2]>) -> Rules {
        let given = release;
        let release = release.unwrap_or([u32::MAX; 2]);
        Rules {
            given,
            override_as_is: release <= [7, 2],
            empty_hides: release >= [5, 5],
            uuid_in_hip: release >= [6, 2],
            old_gpus: match release {
                [(..=6), _] => OldGpus::Counted,
                [7, 0..=2] => OldGpus::Fatal,
                _ => OldGpus::Skipped,
            },
            // Between 7.2, which does not start (rocm-systems#6883), and 10.0 it is not known which release was the first
            // with the change; an unknown release may be any.
            old_gpus_known: release <= [7, 2] || (10..u32::MAX).contains(&release[0]),
        }
    }
}

/// Major and minor of a ROCm release such as "6.4.1", or "6.4.1-83" as `.info/version` has it.
#[must_use]
pub fn parse_release(text: &str) -> Option<[u32; 2]> {
    let (numbers, build) = text.split_once('-').unwrap_or((text, "0"));
    let parts: Vec<&str> = numbers.split('.').collect();
    let plain = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    if !(2..=3).contains(&parts.len()) || !parts.iter().all(plain) || build.is_empty() {
        return None;
    }
    Some([parts[0].parse().ok()?, parts[1].parse().ok()?])
}

/// Why a list is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskedOut {
    /// The process can access no GPU.
    NoGpus,
    /// A variable is set and empty.
    EmptyMask,
    /// The first entry of a variable is invalid.
    Stopped,
    /// The runtime fails to initialise.
    RuntimeFails,
}

/// The GPUs that HIP shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaskOutcome {
    /// Indices of GPUs, in HIP's order.
    pub list: Vec<usize>,
    /// Set if and only if the list is empty.
    pub nothing: Option<MaskedOut>,
    /// The steps, one line each.
    pub trace: Vec<String>,
}

/// The invalid entry that ends a variable's list.
struct MaskError {
    position: usize,
    token: String,
    why: &'static str,
}

/// Applies the masks to the GPUs that the process can access, given in KFD order.
#[must_use]
pub fn visible_gpus(gpus: &[Gpu], masks: &Masks, rules: Rules) -> MaskOutcome {
    let mut out = MaskOutcome::default();
    match out.apply(gpus, masks, rules) {
        Ok((list, empty)) => {
            out.nothing = list.is_empty().then_some(empty);
            out.list = list;
        }
        Err(nothing) => out.nothing = Some(nothing),
    }
    out
}

/// GPUs that are left, and why there is none if there is none.
type Selected = (Vec<usize>, MaskedOut);

impl MaskOutcome {
    fn apply(&mut self, gpus: &[Gpu], masks: &Masks, rules: Rules) -> Result<Selected, MaskedOut> {
        if gpus.is_empty() {
            return Err(MaskedOut::NoGpus);
        }
        self.note_old_gpus(gpus, rules)?;
        let (selected, empty) = self.apply_rocr(gpus, masks)?;
        let taken = |i: &usize| match gpus[*i].support {
            Support::Full | Support::RocrOnly => true,
            Support::OldDoorbell { .. } => rules.old_gpus == OldGpus::Counted,
            Support::None => false,
        };
        // Of those with old doorbells only what ROCr takes comes so far.
        let is_in_hip = |i: &usize| matches!(gpus[*i].support, Support::Full | Support::OldDoorbell { in_hip: true });
        let agents = self.keep("ROCr", selected, taken);
        let (chosen, empty) = self.apply_hip((agents, empty), gpus, masks, rules);
        Ok((self.keep("HIP", chosen, is_in_hip), empty))
    }

    /// What a GPU older than gfx9 in the machine does to all.
    fn note_old_gpus(&mut self, gpus: &[Gpu], rules: Rules) -> Result<(), MaskedOut> {
        const DOUBT: &str = "; whether the application's ROCm does so is not known (see the option runtime_version), and others count it, do not start or skip it";
        let is_old = |g: &Gpu| matches!(g.support, Support::OldDoorbell { .. });
        let Some(i) = gpus.iter().position(is_old) else { return Ok(()) };
        let consequence = match rules.old_gpus {
            OldGpus::Counted => "ROCm 6.x and earlier count it, and HIP shows it if it is gfx8",
            OldGpus::Fatal => "ROCm 7.0 to 7.2 does not start with one in the machine, hidden or not",
            OldGpus::Skipped => "ROCm 10.0 and later skip it",
        };
        let doubt = if rules.old_gpus_known { "" } else { DOUBT };
        self.trace.push(format!("GPU {i} of the KFD order is older than gfx9: {consequence}{doubt}"));
        match rules.old_gpus {
            OldGpus::Fatal => Err(MaskedOut::RuntimeFails),
            OldGpus::Counted | OldGpus::Skipped => Ok(()),
        }
    }

    fn apply_rocr(&mut self, gpus: &[Gpu], masks: &Masks) -> Result<Selected, MaskedOut> {
        const NAME: &str = "ROCR_VISIBLE_DEVICES";
        let Some(mask) = &masks.rocr else { return Ok(((0..gpus.len()).collect(), MaskedOut::NoGpus)) };
        if mask.is_empty() {
            self.trace.push(format!("{NAME} is set and empty: it hides all GPUs"));
            return Err(MaskedOut::EmptyMask);
        }
        match rocr(mask, gpus) {
            Err(position) => {
                let value = escape_lossy(mask);
                let why = "which makes the initialisation of ROCr fail";
                self.trace.push(format!("{NAME}={value}: entry {position} is empty, {why}"));
                Err(MaskedOut::RuntimeFails)
            }
            Ok((list, stop)) => {
                self.note_mask(NAME, mask, list.len(), "of the KFD order", stop.as_ref());
                let empty = if list.is_empty() { MaskedOut::Stopped } else { MaskedOut::NoGpus };
                Ok((list, empty))
            }
        }
    }

    /// HIP's variable, or where HIP treats that as not set CUDA's.
    fn apply_hip(&mut self, (agents, empty): Selected, gpus: &[Gpu], masks: &Masks, rules: Rules) -> Selected {
        let variables = [("HIP_VISIBLE_DEVICES", &masks.hip), ("CUDA_VISIBLE_DEVICES", &masks.cuda)];
        let set = |(name, raw)| Some((name, raw, effective_value(Option::as_deref(raw), rules)?));
        let Some((name, raw, mask)) = variables.into_iter().find_map(set) else { return (agents, empty) };
        let (list, stop) = hip(&mask, &agents, gpus, rules);
        let was_empty = raw.as_ref().is_some_and(Vec::is_empty);
        if was_empty {
            self.trace.push(format!("{name} is set and empty: it hides all GPUs"));
        } else {
            self.note_mask(name, &mask, list.len(), "of the remaining ones", stop.as_ref());
        }
        match list.is_empty() && !agents.is_empty() {
            true if was_empty => (list, MaskedOut::EmptyMask),
            true => (list, MaskedOut::Stopped),
            false => (list, empty),
        }
    }

    /// Those that a runtime supports.
    fn keep(&mut self, runtime: &str, from: Vec<usize>, is_supported: impl Fn(&usize) -> bool) -> Vec<usize> {
        let before = from.len();
        let list: Vec<usize> = from.into_iter().filter(is_supported).collect();
        if list.len() < before {
            self.trace.push(format!("{runtime} drops {} of them as unsupported", before - list.len()));
        }
        list
    }

    fn note_mask(&mut self, name: &str, mask: &[u8], kept: usize, of: &str, stop: Option<&MaskError>) {
        let mut line = format!("{name}={}: selects {kept} {of}", escape_lossy(mask));
        if let Some(error) = stop {
            let _ = write!(line, "; the list ends at entry {} (\"{}\"): {}", error.position, error.token, error.why);
        }
        self.trace.push(line);
    }
}

/// ROCr's rules for `ROCR_VISIBLE_DEVICES`. `Err`: the position of an empty entry, for which ROCr throws.
fn rocr(mask: &[u8], gpus: &[Gpu]) -> Result<(Vec<usize>, Option<MaskError>), usize> {
    let mut list = Vec::new();
    for (k, token) in tokens(mask).into_iter().take(gpus.len()).enumerate() {
        let token = trim(token, is_space).to_ascii_uppercase();
        if token.is_empty() {
            return Err(k + 1);
        }
        let found = if token[0] == b'G' { rocr_uuid(&token, gpus) } else { rocr_index(&token, gpus.len()) };
        let found = found.and_then(|i| if list.contains(&i) { Err("this GPU is already in the list") } else { Ok(i) });
        match found {
            Ok(i) => list.push(i),
            Err(why) => return Ok((list, Some(MaskError { position: k + 1, token: escape_lossy(&token), why }))),
        }
    }
    Ok((list, None))
}

/// "GPU-" and at least one digit, a prefix of exactly one UUID.
fn rocr_uuid(token: &[u8], gpus: &[Gpu]) -> Result<usize, &'static str> {
    if !(5..=20).contains(&token.len()) {
        return Err("not a UUID (\"GPU-\" and 1 to 16 hex digits)");
    }
    let matches = |gpu: &Gpu| gpu.unique_id != 0 && format!("GPU-{:016X}", gpu.unique_id).as_bytes().starts_with(token);
    let mut hits = gpus.iter().enumerate().filter(|(_, gpu)| matches(gpu));
    match (hits.next(), hits.next()) {
        (Some((i, _)), None) => Ok(i),
        (None, _) => Err("no GPU has this UUID"),
        _ => Err("more than one GPU has a UUID with this prefix"),
    }
}

/// `strtol` with base 0, truncated to 32 bits as in ROCr.
fn rocr_index(token: &[u8], count: usize) -> Result<usize, &'static str> {
    let value = strtol_base_0(token).ok_or("not a number")? as i32;
    usize::try_from(value).ok().filter(|v| *v < count).ok_or("there is no GPU with this number")
}

/// `strtol` with base 0; `None` unless the token is exactly one number. Saturates as in C.
fn strtol_base_0(token: &[u8]) -> Option<i64> {
    let (negative, rest) = match token {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, token),
    };
    let (base, digits) = match rest {
        [b'0', b'X' | b'x', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => (16, rest),
        [b'0', ..] => (8, rest),
        _ => (10, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for d in digits {
        let d = i64::from(char::from(*d).to_digit(base)?);
        let signed = if negative { -d } else { d };
        let limit = if negative { i64::MIN } else { i64::MAX };
        value = value.checked_mul(base.into()).and_then(|v| v.checked_add(signed)).unwrap_or(limit);
    }
    Some(value)
}

/// A variable's value as HIP reads it: without surrounding quotes; `None` if HIP treats it as not set.
fn effective_value(raw: Option<&[u8]>, rules: Rules) -> Option<Vec<u8>> {
    let raw = raw?;
    if raw.is_empty() {
        // HIP replaces an empty value by a blank, which is then an invalid entry.
        return rules.empty_hides.then(|| b" ".to_vec());
    }
    // No other blank counts here: a carriage return after the quotes leaves them in place.
    let unquoted = match trim(raw, |b| *b == b' ') {
        [b'"', middle @ .., b'"'] => middle,
        _ => raw,
    };
    (!unquoted.is_empty()).then(|| unquoted.to_vec())
}

/// HIP's rules for `HIP_VISIBLE_DEVICES` and `CUDA_VISIBLE_DEVICES`, over the GPUs that ROCr selected.
fn hip(mask: &[u8], agents: &[usize], gpus: &[Gpu], rules: Rules) -> (Vec<usize>, Option<MaskError>) {
    let mut list = Vec::new();
    for (k, token) in tokens(mask).into_iter().enumerate() {
        let by_uuid = rules.uuid_in_hip && contains(token, b"GPU-");
        let found = if by_uuid {
            let has = |i: &usize| contains(uuid(gpus[*i].unique_id).as_bytes(), token);
            agents.iter().position(has).ok_or("no remaining GPU has this UUID")
        } else {
            let number = std::str::from_utf8(token).ok().and_then(|t| t.parse::<usize>().ok());
            // Without blanks, sign or leading zeros.
            let canonical = number.filter(|n| n.to_string().as_bytes() == token).ok_or("not a plain number");
            canonical.and_then(|n| if n < agents.len() { Ok(n) } else { Err("there is no GPU with this number") })
        };
        match found {
            Ok(n) if list.contains(&agents[n]) => {}
            Ok(n) => list.push(agents[n]),
            Err(why) => return (list, Some(MaskError { position: k + 1, token: escape_lossy(token), why })),
        }
    }
    (list, None)
}

/// A GPU's UUID in ROCr's form.
#[must_use]
pub fn uuid(unique_id: u64) -> String {
    if unique_id == 0 {
        "GPU-XX".to_owned()
    } else {
        format!("GPU-{unique_id:016x}")
    }
}

/// What a UUID says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uuid {
    pub id: u64,
    /// It has the form of amd-smi.
    pub is_of_amdsmi: bool,
    /// Only in that form, and not in that of older releases.
    pub partition: Option<u32>,
}

/// Reads a UUID: "GPU-" and 16 hex digits of any case, the digits alone (hipDeviceGetUuid), or amd-smi's form
/// "IIPPDDDD-0000-1000-80II-IIIIIIIIIIII", in which the digits I are the id and P the partition or ff.
#[must_use]
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let hex = |t: &str| t.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u64::from_str_radix(t, 16).ok()).flatten();
    let is_of_amdsmi = text.len() == 36 && text.is_ascii();
    let mut partition = None;
    let id = if is_of_amdsmi {
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|g| g.len()).collect();
        (lengths == [8, 4, 4, 4, 12] && groups.iter().all(|g| hex(g).is_some())).then_some(())?;
        partition = hex(&text[2..4]).filter(|p| *p != 0xFF).map(|p| p as u32);
        hex(&format!("{}{}{}", &text[0..2], &text[21..23], groups[4]))?
    } else {
        let digits = if text.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("GPU-")) { &text[4..] } else { text };
        (digits.len() == 16).then(|| hex(digits)).flatten()?
    };
    (id != 0).then_some(Uuid { id, is_of_amdsmi, partition })
}

/// The entries between commas; a trailing comma adds none.
fn tokens(mask: &[u8]) -> Vec<&[u8]> {
    let mut pieces: Vec<&[u8]> = mask.split(|b| *b == b',').collect();
    if pieces.last().is_some_and(|p| p.is_empty()) {
        pieces.pop();
    }
    pieces
}

/// Removes blanks at both ends.
fn trim(token: &[u8], is_blank: impl Fn(&u8) -> bool) -> &[u8] {
    let start = token.iter().position(|b| !is_blank(b)).unwrap_or(token.len());
    let end = token.iter().rposition(|b| !is_blank(b)).map_or(start, |e| e + 1);
    &token[start..end]
}

/// C's `isspace`.
pub(super) fn is_space(b: &u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r')
}

fn contains(text: &[u8], piece: &[u8]) -> bool {
    piece.is_empty() || text.windows(piece.len()).any(|w| w == piece)
}

/// Text for messages; invalid UTF-8 is replaced.
pub(super) fn escape_lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().to_string()
}

#[cfg(test)]
mod tests;
