//! What a machine's files do when something is wrong with them: each fault has its own answer, and none is a number.

use std::path::Path;
use zeus_amd::sysfs::gpu_metrics::MetricsFile;
use zeus_amd::sysfs::hwmon::Hwmon;
use zeus_amd::sysfs::SysfsError;
use zeus_amd::sysfs::TableError;
use zeus_amd::Kind;
use zeus_amd_sim::Sim;

const FOLDER: &str = "ZEUS_AMD_TEST_FOLDER";

/// The kernel's refusals reach only a process that is started inside the machine: this test is its own child there.
#[test]
fn refusals() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return inside(Path::new(&folder));
    }
    for (errno, code, kind) in [
        ("EPERM", libc::EPERM, Kind::Busy),
        ("EBUSY", libc::EBUSY, Kind::Busy),
        ("EAGAIN", libc::EAGAIN, Kind::Busy),
        ("ENODEV", libc::ENODEV, Kind::DeviceLost),
        ("EOPNOTSUPP", libc::EOPNOTSUPP, Kind::NotSupported),
        ("EACCES", libc::EACCES, Kind::NoPermission),
        ("ETIME", libc::ETIME, Kind::Io),
        ("EIO", libc::EIO, Kind::Io),
    ] {
        let of = |file: &str| format!("all.file.{file} = {{ read = \"{errno}\" }}");
        let sim = Sim::start("mi300x-8", "none", &[of("gpu_metrics"), of("power1_input")]).unwrap();
        let failure = SysfsError::Os(code);
        assert_eq!(failure.kind(), kind);
        let said = ask(&sim);
        let want = format!("energy {:?}, power {:?}", Err::<u64, _>(failure), Err::<u64, _>(failure));
        assert!(said.contains(&want), "{errno}: {said}, not {want}");
    }
    // A read that is interrupted is tried again for a while, and not for ever.
    let sim = Sim::start("mi300x-8", "none", &["all.file.gpu_metrics = { read = \"EINTR\" }"]).unwrap();
    let (said, failure) = (ask(&sim), SysfsError::Os(libc::EINTR));
    assert_eq!(failure.kind(), Kind::Busy);
    assert!(said.contains(&format!("energy {:?}", Err::<u64, _>(failure))), "{said}");
    // And without a fault the child reads what there is.
    let said = ask(&Sim::start("mi300x-8", "none", &[] as &[&str]).unwrap());
    assert!(said.contains("energy Ok(Some(") && said.contains("power Ok(412000000)"), "{said}");
}

fn ask(sim: &Sim) -> String {
    let gpu = &sim.machine().gpus()[0];
    let folder = sim.dir().join("sys/bus/pci/devices").join(gpu.bdf.to_string());
    let mut child = sim.command(std::env::current_exe().unwrap());
    let out = child.args(["--exact", "faults::refusals", "--nocapture"]).env(FOLDER, folder).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn inside(folder: &Path) {
    let file = MetricsFile::open(&folder.join("gpu_metrics")).unwrap();
    let power = Hwmon::new(folder, false).instant_power_uw();
    println!("energy {:?}, power {power:?}", file.read_with(|t| t.energy()));
}

/// Tables that are none.
#[test]
fn contents() {
    let check = |content: &str, is: &dyn Fn(Result<(), SysfsError>) -> bool| {
        for revision in ["1.3", "1.6", "1.9"] {
            let content = format!("all.file.gpu_metrics = {{ content = \"{content}\" }}");
            let sim =
                Sim::start("mixed-2", "none", &[content.clone(), format!("all.metrics = \"{revision}\"")]).unwrap();
            for gpu in sim.machine().gpus() {
                let path = sim.dir().join("sys/bus/pci/devices").join(gpu.bdf.to_string()).join("gpu_metrics");
                let got = MetricsFile::open(&path).unwrap().read_with(|t| {
                    let m = t.metrics();
                    assert_eq!(
                        (m.energy, m.current_power_mw, m.average_power_mw, m.hotspot_c),
                        (None, None, None, None)
                    );
                });
                assert!(is(got), "{content} {revision}: {got:?}");
            }
        }
    };
    let no_table = |got| matches!(got, Err(SysfsError::Table(TableError::Size { .. })));
    check("empty", &|got| got == Err(SysfsError::Empty));
    check("truncated", &no_table);
    check("oversized", &no_table);
    check("ones", &no_table);
    check("zeros", &no_table);
    check("size", &no_table);
    check("revision", &|got| got == Err(SysfsError::Table(TableError::Revision { major: 99, minor: 99 })));
    // A table as it should be, with nothing filled in; only that of 1.9 describes nothing then.
    check("unavailable", &|got| matches!(got, Ok(()) | Err(SysfsError::Table(TableError::Attributes(_)))));
}
