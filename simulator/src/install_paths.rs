//! Where the files lie that the simulator reads: in the repository or, once it is installed, beside the program.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The simulator's folder in the repository. Builds that are the same wherever they are made give a relative one.
pub const SOURCE: &str = match option_env!("ZEUS_AMD_SIM_SOURCE") {
    Some(folder) => folder,
    None => env!("CARGO_MANIFEST_DIR"),
};

/// The folder of an installed simulator, known by the machine files beside the program.
pub fn installed() -> Option<&'static Path> {
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    let look = || {
        let home = std::env::current_exe().ok()?.parent()?.to_owned();
        home.join("machines").is_dir().then_some(home)
    };
    HOME.get_or_init(look).as_deref()
}

/// The folder of machine files and symbol lists.
pub fn data() -> &'static Path {
    installed().unwrap_or(Path::new(SOURCE))
}
