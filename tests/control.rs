//! Settings: the right GPU, the right unit, no call when nothing changes, nothing written on bad input.

mod common;

use std::path::PathBuf;
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

const GENERATIONS: [&str; 9] = ["6.0.0", "6.1.1", "6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"];

/// Runs `control.c`; (status, text) of each operation.
fn control(sim: &Sim, masks: &[(&str, &str)], operations: &[&str]) -> Vec<(i32, String)> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = sim.command(PROGRAM.get_or_init(|| common::c_program("control")));
    command.args(operations.iter().flat_map(|o| o.split(' '))).envs(masks.iter().copied());
    let out = command.output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let parse = |l: &str| {
        let mut words = l.splitn(3, ' ').skip(1);
        (words.next().unwrap().parse().unwrap(), words.next().unwrap_or("").to_owned())
    };
    text.lines().map(parse).collect()
}

/// What was asked of the library: (function, gpu of the machine file, arguments).
fn written(sim: &Sim) -> Vec<(String, String, String)> {
    let log = sim.log();
    let set = log.iter().filter(|l| l.contains(" amdsmi_set_"));
    set.map(|l| {
        let call = l.split(" -> ").next().unwrap();
        let w: Vec<&str> = call.splitn(6, ' ').collect();
        (w[3].to_owned(), w[4].to_owned(), w[5].to_owned())
    })
    .collect()
}

fn cap_file(sim: &Sim, gpu: usize) -> u64 {
    let device = sim.dir().join(format!("sys/bus/pci/devices/{}/hwmon", sim.machine().gpus()[gpu].bdf));
    let hwmon = std::fs::read_dir(device).unwrap().next().unwrap().unwrap().path();
    std::fs::read_to_string(hwmon.join("power1_cap")).unwrap().trim().parse().unwrap()
}

/// Under masks, in a machine whose HIP order is not PCI order: exactly that physical GPU, and no other.
#[test]
fn a_limit_hits_exactly_the_gpu_of_the_index() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi350x-8", rocm, &[] as &[&str]).unwrap();
        let truth = sim.machine();
        let before: Vec<u64> = (0..8).map(|i| cap_file(&sim, i)).collect();
        let masks = [("ROCR_VISIBLE_DEVICES", "6,2,5"), ("HIP_VISIBLE_DEVICES", "2,0")];
        let said = control(&sim, &masks, &["limit 1 801000", "read_limit 1 0", "limit 1 801000"]);
        assert_eq!(said, [(0, String::new()), (0, "801000".into()), (0, String::new())], "{rocm}");
        let target = truth.in_hip_order()[6].gpu;
        for (i, old) in before.iter().enumerate() {
            assert_eq!(cap_file(&sim, i), if i == target { 801_000_000 } else { *old }, "{rocm} {i}");
        }
        // One call: microwatts in every release, and none for a limit that is in force already.
        let number = truth.gpus()[target].number.to_string();
        let call = ("amdsmi_set_power_cap".to_owned(), number, "sensor=0 cap=801000000".to_owned());
        assert_eq!(written(&sim), [call.clone()], "{rocm}");
        // Back to the vendor's default, once.
        let said = control(&sim, &masks, &["reset_limit 1 0", "reset_limit 1 0"]);
        assert_eq!(said, [(0, String::new()), (0, String::new())], "{rocm}");
        let default = truth.gpus()[target].default_cap_uw();
        assert_eq!(cap_file(&sim, target), default);
        let reset = (call.0.clone(), call.1.clone(), format!("sensor=0 cap={default}"));
        assert_eq!(written(&sim), [call, reset], "{rocm}");
    }
}

#[test]
fn bad_input_writes_nothing() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi250x-4", rocm, &["gpu.0.caps.min_w = 100"]).unwrap();
        let operations = [
            ("limit 0 0", -1, "0 is not a power limit"),
            ("limit 0 561000", -23, "100 W to 560 W"),
            ("limit 0 99000", -23, "100 W to 560 W"),
            ("limit 0 18446744073709551615", -23, "100 W to 560 W"),
            ("limit 8 300000", -3, "there are 8"),
            ("limit 1 300000", -4, "GPU 0 has it"),
            ("reset_limit 1 0", -4, "GPU 0 has it"),
            ("reset_limit 8 0", -3, "there are 8"),
            ("persistence 0 1", -4, "AMD GPUs have none"),
            ("persistence 0 2", -1, "0 or 1"),
        ];
        let said = control(&sim, &[], &operations.map(|o| o.0));
        for ((operation, status, words), (got, text)) in operations.iter().zip(said) {
            assert_eq!(got, *status, "{rocm} {operation}: {text}");
            assert!(text.contains(words), "{rocm} {operation}: no {words:?} in {text}");
        }
        assert_eq!(written(&sim), [], "{rocm}");
    }
}

#[test]
fn without_rights_the_text_says_who_asked_for_what() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi300x-8", rocm, &["unprivileged = true"]).unwrap();
        let said = control(&sim, &[], &["limit 0 500000", "read_limit 0 0"]);
        assert_eq!(said[0].0, -5, "{rocm}: {}", said[0].1);
        for word in ["GPU 0", "amdsmi_set_power_cap", "(10", "user", "CAP_SYS_ADMIN", "power1_cap"] {
            assert!(said[0].1.contains(word), "{rocm}: no {word} in {}", said[0].1);
        }
        assert_eq!(said[1], (0, "750000".into()), "what can be read still is");
    }
}
