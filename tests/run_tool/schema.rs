//! A JSON against its schema in docs/tools: no member that is not documented, none that is missing, of the right types.

use serde_json::Value;

pub fn holds(value: &Value, schema: &str) {
    let path = super::common::root().join("docs/tools").join(schema);
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    check(value, &schema, "report");
}

/// Each flag that a report may have is there by its name in the header. Whether a domain is in the total is a member of its own.
#[test]
fn every_flag_has_a_name() {
    let text = |file: &str| std::fs::read_to_string(super::common::root().join(file)).unwrap();
    let (header, tool) = (text("include/zeus_amd.h"), text("tools/zeus-amd-run/measure.c"));
    let structs = ["GPU_ENERGY", "TOTAL_ENERGY", "NODE_ENERGY", "NODE_TOTAL", "LIMITED_TIME"];
    let flags = header.lines().filter_map(|line| {
        let (owner, flag) = line.strip_prefix("#define ZEUS_AMD_")?.split_once("_FLAG_")?;
        structs.contains(&owner).then(|| flag.split_once("_BIT ").unwrap().0)
    });
    let (_, named) = tool.split_once("flag_words[] = {").unwrap();
    let (named, _) = named.split_once("};").unwrap();
    let mut count = 0;
    for flag in flags.filter(|&flag| flag != "IN_TOTAL") {
        count += 1;
        assert!(named.contains(&format!("_FLAG_{flag}_BIT, \"{}\",", flag.to_lowercase())), "{flag}");
    }
    assert!(count > 20, "{count}");
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("a schema with {other}"),
    }
}

fn check(value: &Value, schema: &Value, at: &str) {
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().map(|k| k.as_str().unwrap()).collect(),
        _ => vec![],
    };
    assert!(kinds.is_empty() || kinds.iter().any(|kind| is_of(value, kind)), "{at} is {value}, not of {kinds:?}");
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at} is {value}, none of {words:?}");
    }
    assert!(!kinds.is_empty() || schema["enum"].is_array(), "{at} has no type");
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().unwrap() {
            assert!(object.contains_key(name.as_str().unwrap()), "{at} has no {name}");
        }
        for (name, member) in object {
            let known = &schema["properties"][name];
            assert!(known.is_object(), "{at}.{name} is in no schema");
            check(member, known, &format!("{at}.{name}"));
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check(item, &schema["items"], &format!("{at}[]"));
    }
}
