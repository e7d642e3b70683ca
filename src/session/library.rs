//! The libamd_smi of a session, if it uses one, and the GPUs that it or the kernel lists.

use super::discovery;
use super::gpus::Gpus;
use super::options::Options;
use crate::amdsmi::releases::rocm_release;
use crate::amdsmi::search_path::{installed_release, SearchPaths};
use crate::amdsmi::{acquire, is_inherited, Library};
use crate::device::{AmdsmiContext, Backend};
use crate::error::{Error, Kind, Result};
use crate::platform::log;
use crate::sysfs;
use crate::topology::visibility::Rules;
use crate::topology::Enumeration;

/// The libamd_smi of a session.
#[derive(Clone, Copy)]
pub struct AmdsmiInfo {
    pub library: &'static Library,
    pub words: [u32; 4],
    pub rocm: &'static str,
}

/// A use of libamd_smi, by a session and by windows and samplers that outlive it.
pub(super) struct LibraryRef {
    library: Option<&'static Library>,
    shut_down: bool,
}

impl Drop for LibraryRef {
    fn drop(&mut self) {
        if let Some(library) = self.library {
            library.release(self.shut_down);
        }
    }
}

/// libamd_smi, or the reason why sysfs serves instead; without one it was asked to.
type Loaded = std::result::Result<(AmdsmiInfo, AmdsmiContext), Option<Error>>;

/// Loads libamd_smi if the backend needs it.
fn load(backend: Backend, places: &SearchPaths, options: &Options) -> Result<Loaded> {
    if backend == Backend::Sysfs {
        return Ok(Err(None));
    }
    if backend == Backend::Auto && is_inherited() {
        return Ok(Err(Some(Error::LibraryInherited)));
    }
    let acquired = sysfs::drm::require_render_nodes(&places.root).and_then(|()| acquire(places, options.init_timeout));
    match acquired {
        Ok((library, version)) => {
            let vendor = AmdsmiInfo { library, words: version.words, rocm: version.generation.rocm };
            Ok(Ok((vendor, AmdsmiContext { library, generation: version.generation })))
        }
        Err(e) if backend == Backend::Auto && !is_own(&e) => Ok(Err(Some(e))),
        Err(e) => Err(e),
    }
}

/// A failure of this process, which lacks descriptors, memory or threads, and not one of libamd_smi.
fn is_own(e: &Error) -> bool {
    matches!(e, Error::Io { .. }) && e.kind() == Kind::NoMemory
}

/// The GPUs of a session, and by what they were found.
pub(super) struct Listed {
    pub gpus: Gpus,
    pub listing: Enumeration,
    /// libamd_smi, if the session uses it.
    pub vendor: Option<AmdsmiInfo>,
    pub lease: LibraryRef,
    /// Why the session does without libamd_smi, if not by choice.
    pub amdsmi_error: Option<Kind>,
}

/// Lists the GPUs by libamd_smi where that is there and can, else by the kernel.
pub(super) fn list_gpus(places: &SearchPaths, backend: Backend, options: &Options) -> Result<Listed> {
    let mut loaded = load(backend, places, options)?;
    let mut lease = lease(&loaded, options);
    let rules = rules(places, options, &loaded)?;
    let by_kernel = || discovery::enumerate_kfd(options, rules, &places.root);
    let listed = match &loaded {
        Ok((vendor, source)) => {
            let (source, options_copy, root) = (*source, options.clone(), places.root.clone());
            let list = move || discovery::enumerate_amdsmi(source, &options_copy, rules, backend, &root);
            vendor.library.call_with_timeout(options.init_timeout, list)
        }
        Err(_) => by_kernel(),
    };
    let (gpus, mut listing) = match listed {
        // A libamd_smi that cannot list GPUs is not used. One that lists other GPUs than the kernel is an error.
        Err(e) if backend == Backend::Auto && loaded.is_ok() && !is_own(&e) && !matches!(e, Error::Ambiguous(_)) => {
            loaded = Err(Some(e));
            lease = self::lease(&loaded, options);
            by_kernel()?
        }
        other => other?,
    };
    let vendor = loaded.as_ref().ok().map(|l| l.0);
    let missing = loaded.err();
    if let Some(why) = &missing {
        listing.trace.insert(0, explain_missing(why.as_ref()));
    }
    Ok(Listed { gpus, listing, vendor, lease, amdsmi_error: missing.flatten().map(|e| e.kind()) })
}

fn lease(loaded: &Loaded, options: &Options) -> LibraryRef {
    LibraryRef { library: loaded.as_ref().ok().map(|l| l.0.library), shut_down: options.shutdown_on_close }
}

/// The visibility rules of the ROCm release that the application runs with. What is found may be of another one: a Python
/// wheel comes with a HIP of its own.
fn rules(places: &SearchPaths, options: &Options, loaded: &Loaded) -> Result<Rules> {
    let of_library = || loaded.as_ref().ok().and_then(|l| rocm_release(l.0.words));
    let release = options.runtime_version.or_else(of_library);
    let rules = Rules::of(if release.is_some() { release } else { installed_release(places)? });
    let given = options.runtime_version;
    Ok(Rules { old_gpus_known: rules.old_gpus_known && given.is_some(), given, ..rules })
}

fn explain_missing(why: Option<&Error>) -> String {
    let Some(e) = why else { return "libamd_smi is not used, as requested; sysfs serves all readings".to_owned() };
    let text = format!("libamd_smi is not used, sysfs serves all readings: {e}");
    log::warning(|| text.clone());
    text
}
