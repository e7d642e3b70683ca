use super::*;
use crate::topology::package::{self, *};

fn pci(bus: u8) -> PciAddress {
    PciAddress { domain: 0, bus, device: 0, function: 0 }
}

fn node(number: u32, bus: u8) -> Node {
    Node {
        number,
        gpu_id: 1000 + u64::from(number),
        pci: pci(bus),
        partition_bits: 0,
        unique_id: u64::from(bus),
        device_id: 0x74A1,
        render_minor: 128,
        doorbell: Some(2),
        gfx_target: Some(90_402),
        xgmi_peer: None,
        access: Access::Open,
    }
}

fn nodes(gpus: Vec<Node>) -> KfdNodes {
    KfdNodes::Nodes { gpus, hidden: Vec::new(), has_device: true }
}

fn seen(bus: u8, kfd: Option<u32>, hip_id: Option<u32>) -> AmdsmiGpu {
    AmdsmiGpu { pci: Some(pci(bus)), partition: 0, kfd: kfd.map(|n| (n, 1000 + u64::from(n))), hip_id }
}

fn join(seen: &[AmdsmiGpu], kfd: KfdNodes) -> Result<Enumeration> {
    enumerate(seen, kfd, &Masks::default(), Rules::of(None))
}

fn handles(l: &Enumeration) -> Vec<Option<usize>> {
    l.places.iter().map(|p| p.amdsmi).collect()
}

#[test]
fn node_order_wins_over_pci_order() {
    let kfd = || nodes(vec![node(4, 0xC9), node(7, 0x09)]);
    let by_node = join(&[seen(0x09, Some(7), Some(3)), seen(0xC9, Some(4), Some(0))], kfd()).unwrap();
    assert_eq!((handles(&by_node), by_node.order), (vec![Some(1), Some(0)], Order::Kfd));
    let by_address = join(&[seen(0x09, None, None), seen(0xC9, None, None)], kfd()).unwrap();
    assert_eq!(handles(&by_address), handles(&by_node));
    let one_missing = join(&[seen(0x09, Some(7), None)], kfd()).unwrap();
    assert_eq!(handles(&one_missing), [None, Some(0)]);
    assert_eq!(one_missing.visible, [0, 1]);
}

#[test]
fn without_kfd_ranks_or_pci() {
    let ranked = join(&[seen(0x09, None, Some(3)), seen(0xC9, None, Some(0))], KfdNodes::Absent).unwrap();
    assert_eq!((handles(&ranked), ranked.order), (vec![Some(1), Some(0)], Order::Enumeration));
    let pci = join(&[seen(0xC9, None, None), seen(0x09, None, None)], KfdNodes::Absent).unwrap();
    assert_eq!((handles(&pci), pci.order, pci.order_uncertain), (vec![Some(1), Some(0)], Order::Pci, true));
}

#[test]
fn disagreement_is_an_error() {
    let e = join(&[seen(0x09, Some(4), None)], nodes(vec![node(4, 0xC9)])).unwrap_err().to_string();
    assert!(e.contains("0000:c9:00.0") && e.contains("0000:09:00.0"), "{e}");
    let mut other_id = seen(0xC9, Some(4), None);
    other_id.kfd = Some((4, 5));
    assert!(join(&[other_id], nodes(vec![node(4, 0xC9)])).is_err());
}

#[test]
fn access_follows_the_runtime() {
    let with = |access| {
        let mut second = node(5, 0x22);
        second.access = access;
        let both = [seen(0x11, Some(4), None), seen(0x22, Some(5), None)];
        join(&both, nodes(vec![node(4, 0x11), second])).unwrap()
    };
    assert_eq!(with(Access::Open).visible, [0, 1]);
    let masked = with(Access::OtherDevice);
    assert_eq!((masked.visible.as_slice(), masked.order_uncertain), (&[0, 1][..], true));
    assert!(masked.trace.iter().any(|line| line.contains("renderD")), "{:?}", masked.trace);
    let skipped = with(Access::Missing);
    assert_eq!((skipped.visible.as_slice(), skipped.unmasked.as_slice()), (&[0][..], &[Some(0), None][..]));
    let refused = with(Access::Refused);
    assert_eq!((refused.visible.len(), refused.zero), (0, Some(NoGpuReason::NoAccess)));
    let unreadable = join(&[], KfdNodes::Unreadable("/dev/kfd: Permission denied".into())).unwrap();
    assert_eq!(unreadable.zero, Some(NoGpuReason::NoAccess));
    assert!(unreadable.trace[0].contains("/dev/kfd"));
}

#[test]
fn runtime_support_by_kind() {
    let of = |doorbell, gfx_target| runtime_support(&Node { doorbell, gfx_target, ..node(1, 1) });
    assert_eq!(of(Some(2), Some(90_402)), Support::Full);
    assert_eq!(of(Some(1), Some(80_003)), Support::OldDoorbell { in_hip: true });
    assert_eq!(of(Some(1), None), Support::OldDoorbell { in_hip: true });
    assert_eq!(of(Some(0), Some(80_002)), Support::OldDoorbell { in_hip: true });
    assert_eq!(of(Some(0), Some(70_001)), Support::OldDoorbell { in_hip: false });
    assert_eq!(of(Some(0), None), Support::OldDoorbell { in_hip: false });
    assert_eq!(of(Some(2), Some(0)), Support::None);
    assert_eq!(of(Some(2), Some(80_003)), Support::RocrOnly);
    assert_eq!(of(None, None), Support::Full);
    assert_eq!(of(Some(2), Some(130_000)), Support::Full);
}

#[test]
fn dies_and_partitions() {
    assert!(has_two_dies(Some(0x7408), "AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2"));
    assert!(!has_two_dies(Some(0x740F), "AMD Instinct MI210"));
    assert!(has_two_dies(None, "AMD Instinct MI250X"));
    let place = |number: u32, bus, partition, xgmi_peer| {
        let node = Node { xgmi_peer, ..node(number, bus) };
        GpuLocation { pci: pci(bus), partition, node: Some(node), amdsmi: None }
    };
    let (primary, secondary, single) = ((true, true), (true, false), (false, true));
    let listing = |places: &[GpuLocation], hidden: &[u32]| Enumeration {
        places: places.to_vec(),
        order: Order::Kfd,
        visible: Vec::new(),
        unmasked: Vec::new(),
        zero: None,
        hidden: hidden.to_vec(),
        order_uncertain: false,
        trace: Vec::new(),
    };
    let roles = |places: &[GpuLocation], dies: &[(bool, bool)]| package::roles(&listing(places, &[]), dies);
    let four: Vec<GpuLocation> = (0..4_u8).map(|i| place(i.into(), i, 0, None)).collect();
    let alternating = roles(&four, &[primary, secondary, primary, secondary]);
    assert_eq!(alternating[1], Role::SecondaryDie { primary: Some(Primary::Listed(0)) });
    assert_eq!(alternating[3], Role::SecondaryDie { primary: Some(Primary::Listed(2)) });
    // With hidden GPUs, neighbours may be of two packages.
    let hidden = package::roles(&listing(&four, &[9]), &[primary, secondary, primary, secondary]);
    assert_eq!(hidden[1], Role::SecondaryDie { primary: None });
    // The dies alternate, so GPU 0 is the primary die.
    let odd = roles(&four[..3], &[primary, single, secondary]);
    assert_eq!(odd[2], Role::SecondaryDie { primary: Some(Primary::Listed(0)) });
    let unclear = roles(&four, &[primary, primary, secondary, secondary]);
    assert_eq!(unclear[2], Role::SecondaryDie { primary: None });
    let linked: Vec<GpuLocation> =
        [(0, 3), (1, 2), (2, 1), (3, 0)].map(|(n, to)| place(n, n as u8, 0, Some(to))).into();
    let crossed = roles(&linked, &[primary, primary, secondary, secondary]);
    assert_eq!(crossed[2], Role::SecondaryDie { primary: Some(Primary::Listed(1)) });
    assert_eq!(crossed[3], Role::SecondaryDie { primary: Some(Primary::Listed(0)) });
    // A link identifies its ends even if one of them is hidden.
    let one = [place(5, 5, 0, Some(4))];
    let alone = |hidden: &[u32]| package::roles(&listing(&one, hidden), &[secondary])[0];
    assert_eq!(alone(&[3, 4]), Role::SecondaryDie { primary: Some(Primary::Hidden(4)) });
    assert_eq!(alone(&[3]), Role::SecondaryDie { primary: None });
    let cpx = [place(1, 9, 0, None), place(2, 9, 1, None)];
    assert_eq!(roles(&cpx, &[single, single])[1], Role::SecondaryPartition { first: Some(0) });
}

/// The first override that the runtime cannot take ends it, as it fails for all GPUs.
#[test]
fn an_override_that_cannot_be_parsed_leaves_no_gpu() {
    let of = |overrides: &[(u32, &str)], release| {
        let masks = Masks {
            gfx_overrides: overrides.iter().map(|(node, text)| (*node, text.as_bytes().to_vec())).collect(),
            ..Masks::default()
        };
        let both = nodes(vec![node(4, 0x11), node(5, 0x22)]);
        let listing = enumerate(&[], both, &masks, Rules::of(release)).unwrap();
        let fails = listing.zero == Some(NoGpuReason::Masked(MaskedOut::RuntimeFails));
        assert_eq!(
            (listing.visible.is_empty(), listing.unmasked == [None, None]),
            (fails, fails),
            "{:?}",
            listing.trace
        );
        (fails, listing.order_uncertain, listing.trace.join("\n").contains("HSA_OVERRIDE_GFX_VERSION"))
    };
    let old = Some([7, 2]);
    for release in [old, Some([10, 0]), None] {
        assert_eq!(of(&[], release), (false, false, false));
        assert_eq!(of(&[(4, "9.4.2"), (5, "9.0.10")], release), (false, false, false));
        assert_eq!(of(&[(4, "9.4.2"), (5, "gfx942")], release), (true, false, true));
    }
    assert_eq!(of(&[(5, "")], old), (true, false, true));
    assert_eq!(of(&[(5, "")], Some([7, 13])), (false, true, true));
    assert_eq!(of(&[(5, "")], None), (false, true, true));
    assert_eq!(of(&[(4, ""), (5, "x")], None), (true, false, true));
    assert_eq!(of(&[(5, "10.3.0")], old), (false, false, false));
    assert_eq!(of(&[(5, "10.3.0")], None), (false, true, true));
}

/// Which indices GPUs have behind one that is newer than the application's ROCm depends on that.
#[test]
fn recent_gpus_beside_others() {
    let uncertain = |targets: &[u32], release| {
        let of = |(n, gfx): (usize, &u32)| Node { gfx_target: Some(*gfx), ..node(n as u32, n as u8) };
        let all = targets.iter().enumerate().map(of).collect();
        enumerate(&[], nodes(all), &Masks::default(), Rules::of(release)).unwrap().order_uncertain
    };
    for (targets, none, six, seven, ten) in [
        (&[120_001, 110_000][..], true, true, false, false), // RX 9070, W7900
        (&[110_501, 110_000], true, true, false, false),
        (&[90_500, 90_402], true, true, false, false),
        (&[120_500, 90_500], true, true, true, false),
        (&[120_001, 120_001], false, false, false, false),
        (&[110_000, 100_306, 90_402], false, false, false, false),
    ] {
        let all = [None, Some([6, 4]), Some([7, 2]), Some([10, 0])].map(|release| uncertain(targets, release));
        assert_eq!(all, [none, six, seven, ten], "{targets:?}");
    }
}
