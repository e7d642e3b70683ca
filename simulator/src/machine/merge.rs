//! From TOML text to a machine: model under machine file, patches on top.

use toml::{Table, Value};

use super::file::MachineSpec;

/// Models (what all GPUs of one kind have in common), by the name that `model = "…"` uses.
const MODELS: &[(&str, &str)] = &[
    ("mi100", include_str!("../../models/mi100.toml")),
    ("mi210", include_str!("../../models/mi210.toml")),
    ("mi250x", include_str!("../../models/mi250x.toml")),
    ("mi300x", include_str!("../../models/mi300x.toml")),
    ("mi300a", include_str!("../../models/mi300a.toml")),
    ("mi325x", include_str!("../../models/mi325x.toml")),
    ("mi350x", include_str!("../../models/mi350x.toml")),
    ("mi355x", include_str!("../../models/mi355x.toml")),
    ("mi50", include_str!("../../models/mi50.toml")),
    ("raphael", include_str!("../../models/raphael.toml")),
    ("rx6800", include_str!("../../models/rx6800.toml")),
    ("rx7900", include_str!("../../models/rx7900.toml")),
    ("rx9070", include_str!("../../models/rx9070.toml")),
    ("strix-halo", include_str!("../../models/strix-halo.toml")),
];

/// Layers for GPU N, later ones win: its model, `[all]` of the file, `[gpu.N]` of the file, and `[all]` and `[gpu.N]` of each patch.
pub fn resolve<S: AsRef<str>>(text: &str, patches: &[S]) -> Result<MachineSpec, String> {
    let mut doc = parse(text)?;
    let all = take_table(&mut doc, "all")?;
    let gpus = take_table(&mut doc, "gpu")?;
    let mut resolved = Table::new();
    for (n, gpu) in gpus {
        check_number(&n)?;
        let gpu = as_table(gpu, &format!("gpu.{n}"))?;
        let mut base = model(gpu.get("model").or_else(|| all.get("model")))?;
        merge(&mut base, all.clone());
        merge(&mut base, gpu);
        resolved.insert(n, Value::Table(base));
    }
    for patch in patches {
        let mut patch = parse(patch.as_ref())?;
        let all = take_table(&mut patch, "all")?;
        let gpus = take_table(&mut patch, "gpu")?;
        for (_, gpu) in resolved.iter_mut() {
            if let Value::Table(t) = gpu {
                merge(t, all.clone());
            }
        }
        for (n, gpu) in gpus {
            check_number(&n)?;
            let gpu = as_table(gpu, &format!("gpu.{n}"))?;
            let mut base = match resolved.remove(&n) {
                Some(Value::Table(t)) => t,
                _ => model(gpu.get("model"))?,
            };
            merge(&mut base, gpu);
            resolved.insert(n, Value::Table(base));
        }
        merge(&mut doc, patch);
    }
    doc.insert("gpu".to_string(), Value::Table(resolved));
    doc.try_into().map_err(|e: toml::de::Error| e.to_string())
}

fn parse(text: &str) -> Result<Table, String> {
    text.parse::<Table>().map_err(|e| format!("not valid TOML: {e}"))
}

fn check_number(n: &str) -> Result<(), String> {
    n.parse::<u32>().map(|_| ()).map_err(|_| format!("gpu.{n}: GPUs have numbers"))
}

fn as_table(v: Value, what: &str) -> Result<Table, String> {
    match v {
        Value::Table(t) => Ok(t),
        _ => Err(format!("{what} is not a table")),
    }
}

fn take_table(doc: &mut Table, key: &str) -> Result<Table, String> {
    doc.remove(key).map_or_else(|| Ok(Table::new()), |v| as_table(v, key))
}

fn model(name: Option<&Value>) -> Result<Table, String> {
    let Some(name) = name.and_then(Value::as_str) else { return Ok(Table::new()) };
    let text = MODELS.iter().find(|m| m.0 == name).ok_or_else(|| format!("unknown model {name:?}"))?.1;
    parse(text)
}

/// Deep merge. A table with a `kind` replaces the other as a whole: a square wave keeps nothing of a ramp.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(b)), Value::Table(o)) if !o.contains_key("kind") => merge(b, o),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Machine;

    #[test]
    fn patches_reach_one_gpu_or_all() {
        let m = Machine::load_with(
            "mi300x-8",
            &[
                "all.caps.cap_w = 500",
                "gpu.3.fault.amdsmi_get_power_info = 7\ngpu.3.power = { kind = \"square\", low = 100, high = 200, period_s = 1 }",
                "init.status = 34",
            ],
        )
        .unwrap();
        assert!(m.gpus().iter().all(|g| g.spec.caps.cap_w == 500.0));
        assert_eq!(m.gpus()[3].spec.fault["amdsmi_get_power_info"].detail().status, 7);
        assert_eq!(m.gpus()[3].power_w(0.75), 100.0);
        assert_eq!(m.spec.init.status, 34);
        assert!(m.gpus()[2].spec.fault.is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        let e = Machine::load_with("mi300x-8", &["gpu.0.colour = 1"]).unwrap_err();
        assert!(e.contains("colour"), "{e}");
        assert!(Machine::load_with("mi300x-8", &["gpu.x.fault = {}"]).unwrap_err().contains("numbers"));
        assert!(Machine::load("no-such-machine").is_err());
    }
}
