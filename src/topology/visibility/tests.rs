use super::*;
use proptest::prelude::*;

fn machine(facts: &serde_json::Value, name: &str) -> (Vec<String>, Vec<Gpu>) {
    let key = &name[..1];
    let only: Option<Vec<&str>> = name.split_once('[').map(|(_, r)| r.split(']').next().unwrap().split(',').collect());
    let mut names = Vec::new();
    let mut gpus = Vec::new();
    for g in facts["machines"][key]["gpus"].as_array().unwrap() {
        let (label, id) = (g[0].as_str().unwrap(), g[3].as_str().unwrap());
        if only.as_ref().is_some_and(|o| !o.contains(&label)) {
            continue;
        }
        let old = u64::from_str_radix(id.split(' ').next().unwrap(), 16).unwrap();
        let unique_id = if label == "T1b" && name.contains("new") { 0xBBBB_0000_0000_0002 } else { old };
        let support = match label {
            "L" => Support::None,
            "N" => Support::RocrOnly,
            "Z8" => Support::OldDoorbell { in_hip: true },
            _ => Support::Full,
        };
        names.push(label.to_owned());
        gpus.push(Gpu { unique_id, support });
    }
    (names, gpus)
}

#[test]
fn every_vector() {
    let facts: serde_json::Value =
        serde_json::from_str(include_str!("../../../simulator/vendor-data/visible-devices.json")).unwrap();
    let mut run = 0;
    for v in facts["vectors"].as_array().unwrap() {
        // EACCES is handled before these rules, when the topology is read.
        if v["machine"].as_str().unwrap().contains("EACCES") {
            continue;
        }
        let (names, gpus) = machine(&facts, v["machine"].as_str().unwrap());
        let env = |name: &str| v["env"][name].as_str().map(|t| t.as_bytes().to_vec());
        let masks = Masks {
            rocr: env("ROCR_VISIBLE_DEVICES"),
            hip: env("HIP_VISIBLE_DEVICES"),
            cuda: env("CUDA_VISIBLE_DEVICES"),
            ..Masks::default()
        };
        let rule = |name: &str| v["rules"][name].as_bool().unwrap_or(true);
        let rules = Rules {
            empty_hides: rule("empty_hides"),
            uuid_in_hip: rule("uuid_ok"),
            old_gpus: if rule("fatal_doorbell") { OldGpus::Fatal } else { OldGpus::Skipped },
            ..Rules::of(None)
        };
        let out = visible_gpus(&gpus, &masks, rules);
        let got: Vec<_> = out.list.iter().map(|i| names[*i].as_str()).collect();
        let want: Vec<_> = v["expect"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
        assert_eq!(got, want, "{v}\n{:?}", out.trace);
        assert_eq!(out.nothing == Some(MaskedOut::RuntimeFails), v["init_error"].as_bool().unwrap(), "{v}");
        assert_eq!(out.nothing.is_some(), got.is_empty(), "{v}");
        run += 1;
    }
    assert!(run >= 70, "only {run} vectors");
}

#[test]
fn numbers_as_c_reads_them() {
    for (text, want) in [
        ("0", Some(0)),
        ("0X1F", Some(31)),
        ("0X", None),
        ("08", None),
        ("017", Some(15)),
        ("-", None),
        ("+", None),
        ("+5", Some(5)),
        ("4294967297", Some(4_294_967_297)),
        ("99999999999999999999", Some(i64::MAX)),
        ("-99999999999999999999", Some(i64::MIN)),
        ("1 ", None),
    ] {
        assert_eq!(strtol_base_0(text.as_bytes()), want, "{text}");
    }
    let four = [Gpu { unique_id: 1, support: Support::Full }; 4];
    // Narrowed to 32 bits: device 1.
    assert_eq!(rocr(b"4294967297", &four).unwrap().0, [1]);
}

#[test]
fn uuids_as_programs_write_them() {
    let of = |is_of_amdsmi, partition| Some(Uuid { id: 0x67C6_3AC3_C3C6_37F9, is_of_amdsmi, partition });
    for (text, uuid) in [
        ("GPU-67c63ac3c3c637f9", of(false, None)),
        ("gpu-67C63AC3C3C637F9", of(false, None)),
        ("67c63ac3c3c637f9", of(false, None)),
        ("67ff740f-0000-1000-80c6-3ac3c3c637f9", of(true, None)),
        ("6705740F-0000-1000-80C6-3AC3C3C637F9", of(true, Some(5))),
    ] {
        assert_eq!(parse_uuid(text), uuid, "{text}");
    }
    for text in [
        "",
        "GPU-",
        "GPU-67c6",
        "GPU-0000000000000000",
        "GPU-XX",
        "+7c63ac3c3c637f9",
        "67ff740f-0000-1000-80c6-3ac3c3c637fx",
        "67ff740f-0000-1000-80c63-ac3c3c637f9",
    ] {
        assert_eq!(parse_uuid(text), None, "{text}");
    }
}

#[test]
fn the_trace_names_the_invalid_entry() {
    let gpus = [Gpu { unique_id: 1, support: Support::Full }; 3];
    let masks = Masks { rocr: Some(b"2,x,0".to_vec()), hip: Some(b"7".to_vec()), cuda: None, ..Masks::default() };
    let out = visible_gpus(&gpus, &masks, Rules::of(None));
    assert_eq!(out.nothing, Some(MaskedOut::Stopped));
    assert!(out.trace[0].contains("entry 2 (\"X\"): not a number"), "{:?}", out.trace);
    assert!(out.trace[1].contains("entry 1 (\"7\")"), "{:?}", out.trace);
    let first = |rocr: &str| {
        let masks = Masks { rocr: Some(rocr.into()), ..Masks::default() };
        visible_gpus(&gpus, &masks, Rules::of(None)).trace.remove(0)
    };
    assert!(first("0,1,,2").contains("entry 3 is empty"), "{}", first("0,1,,2"));
    assert!(first("GPU-1234").contains("no GPU has this UUID"), "{}", first("GPU-1234"));
    assert!(first("GPU-0").contains("more than one GPU"), "{}", first("GPU-0"));
}

/// HIP removes quotes that have nothing but spaces around them; ROCr's blanks are those of `isspace`.
#[test]
fn quotes_and_blanks() {
    let gpus = [Gpu { unique_id: 1, support: Support::Full }; 2];
    let shown = |rocr: Option<&str>, hip: Option<&str>| {
        let bytes = |text: Option<&str>| text.map(|t| t.as_bytes().to_vec());
        visible_gpus(
            &gpus,
            &Masks { rocr: bytes(rocr), hip: bytes(hip), cuda: None, ..Masks::default() },
            Rules::of(None),
        )
        .list
    };
    assert_eq!(shown(None, Some("  \"1,0\" ")), [1, 0]);
    for value in ["\"1,0\"\r", "\"1,0\"\n", "\t\"1,0\"", "\"1,0\"\t", "\"1,0\" x", "\""] {
        assert_eq!(shown(None, Some(value)), [0; 0], "{value:?}");
    }
    assert_eq!(shown(Some(" 1\t,\r0\n"), None), [1, 0]);
}

/// What is done about a GPU older than gfx9 shifts the numbers in HIP's mask, and is in the trace.
#[test]
fn old_gpus_count_where_the_release_counts_them() {
    let masks = Masks { hip: Some(b"0".to_vec()), ..Masks::default() };
    for (release, in_hip, list, trace) in [
        ("6.4.3", true, vec![0], "HIP shows it if it is gfx8"),
        ("6.4.3", false, vec![], "HIP drops 1 of them"),
        ("7.13", true, vec![1], "is not known"),
        ("10.0", true, vec![1], "ROCm 10.0 and later skip it"),
    ] {
        let gpus = [Support::OldDoorbell { in_hip }, Support::Full].map(|support| Gpu { unique_id: 1, support });
        let out = visible_gpus(&gpus, &masks, Rules::of(parse_release(release)));
        assert_eq!(out.list, list, "{release}: {:?}", out.trace);
        assert!(out.trace.iter().any(|line| line.contains(trace)), "{release}: {:?}", out.trace);
    }
}

/// A mask is the reason only where it hides something, and where what it leaves is shown otherwise.
#[test]
fn why_there_is_none() {
    let nothing = |support, rocr: Option<&str>, hip: Option<&str>| {
        let bytes = |text: Option<&str>| text.map(|t| t.as_bytes().to_vec());
        let masks = Masks { rocr: bytes(rocr), hip: bytes(hip), cuda: None, ..Masks::default() };
        visible_gpus(&[Gpu { unique_id: 1, support }], &masks, Rules::of(None)).nothing
    };
    assert_eq!(nothing(Support::None, None, Some("")), Some(MaskedOut::NoGpus), "nothing is left to hide");
    assert_eq!(nothing(Support::RocrOnly, None, Some("0")), Some(MaskedOut::NoGpus), "HIP drops it");
    assert_eq!(nothing(Support::Full, None, Some("")), Some(MaskedOut::EmptyMask));
    assert_eq!(nothing(Support::Full, Some(""), None), Some(MaskedOut::EmptyMask));
    assert_eq!(nothing(Support::Full, None, Some("x")), Some(MaskedOut::Stopped));
    assert_eq!(
        nothing(Support::Full, Some("x"), Some("")),
        Some(MaskedOut::Stopped),
        "the first variable is the reason"
    );
    assert_eq!(nothing(Support::Full, None, Some("0")), None);
}

#[test]
fn rules_of_releases() {
    let of = |text| {
        let rules = Rules::of(Some(parse_release(text).unwrap()));
        (rules.empty_hides, rules.uuid_in_hip, rules.old_gpus, rules.old_gpus_known)
    };
    assert_eq!(of("5.4.3"), (false, false, OldGpus::Counted, true));
    assert_eq!(of("5.5.0"), (true, false, OldGpus::Counted, true));
    assert_eq!(of("6.1.2-83"), (true, false, OldGpus::Counted, true));
    assert_eq!(of("6.2"), (true, true, OldGpus::Counted, true));
    assert_eq!(of("7.0.0"), (true, true, OldGpus::Fatal, true));
    assert_eq!(of("7.2.4"), (true, true, OldGpus::Fatal, true));
    assert_eq!(of("7.13"), (true, true, OldGpus::Skipped, false));
    assert_eq!(of("10.0.0"), (true, true, OldGpus::Skipped, true));
    let unknown = Rules::of(None);
    assert_eq!((unknown.empty_hides, unknown.old_gpus, unknown.old_gpus_known), (true, OldGpus::Skipped, false));
    for text in
        ["", "6", "6.", ".4", "6.x", "six", "6.4.1.2", "6.4-", "-6.4", "6,4", " 6.4", "6.4 ", "+6.4", "6.99999999999"]
    {
        assert_eq!(parse_release(text), None, "{text:?}");
    }
}

fn any_gpu() -> impl Strategy<Value = Gpu> {
    let old = any::<bool>().prop_map(|in_hip| Support::OldDoorbell { in_hip });
    let support =
        prop_oneof![8 => Just(Support::Full), 1 => Just(Support::RocrOnly), 1 => Just(Support::None), 1 => old];
    (prop_oneof![1 => Just(0), 1 => Just(7_u64), 4 => any::<u64>()], support)
        .prop_map(|(unique_id, support)| Gpu { unique_id, support })
}

/// Masks as users and launchers write them, and arbitrary bytes.
fn any_mask() -> impl Strategy<Value = Option<Vec<u8>>> {
    let token = prop_oneof![
        4 => (0_u32..10).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<u64>().prop_map(|n| format!("GPU-{n:016x}").into_bytes()),
        1 => prop::sample::select(vec!["", " ", "GPU-", "gpu-7", "GPU-XX", "-1", "0x2", "08", "\"", "1-3", "all"]).prop_map(|t| t.as_bytes().to_vec()),
        1 => prop::collection::vec(1_u8.., 0..6),
    ];
    prop::option::of(prop::collection::vec(token, 0..6).prop_map(|t| t.join(&b',')))
}

proptest! {
    #![proptest_config(crate::cases::seeded(2000))]

    #[test]
    fn never_panics_never_twice(
        gpus in prop::collection::vec(any_gpu(), 0..10),
        rocr in any_mask(), hip in any_mask(), cuda in any_mask(),
        release in prop::option::of((4_u32..12, 0_u32..16)),
    ) {
        let rules = Rules::of(release.map(|(major, minor)| [major, minor]));
        let out = visible_gpus(&gpus, &Masks { rocr, hip, cuda, ..Masks::default() }, rules);
        let mut seen = std::collections::HashSet::new();
        prop_assert!(out.list.iter().all(|i| *i < gpus.len() && seen.insert(*i)));
        prop_assert_eq!(out.nothing.is_some(), out.list.is_empty());
    }

    /// ROCR_VISIBLE_DEVICES alone, set to the UUIDs of the visible GPUs, gives the same list.
    #[test]
    fn uuids_of_the_visible_give_the_same_list(
        ids in prop::collection::hash_set(1_u64.., 1..10),
        rocr in any_mask(), hip in any_mask(), cuda in any_mask(),
    ) {
        let gpus: Vec<Gpu> = ids.into_iter().map(|unique_id| Gpu { unique_id, support: Support::Full }).collect();
        let first = visible_gpus(&gpus, &Masks { rocr, hip, cuda, ..Masks::default() }, Rules::of(None));
        let uuids: Vec<String> = first.list.iter().map(|i| uuid(gpus[*i].unique_id)).collect();
        let again = visible_gpus(&gpus, &Masks { rocr: Some(uuids.join(",").into_bytes()), ..Masks::default() }, Rules::of(None));
        prop_assert_eq!(again.list, first.list);
    }
}
