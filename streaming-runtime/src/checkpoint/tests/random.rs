//! Random lives of a job, one after the other on one disk.

use crate::checkpoint::{simulated::Fault, tests::run::Run};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum End {
    Close,
    Leave,
    Kill,
    Crash,
    /// At this call to the storage.
    Fault(u64, Fault),
}

fn ends() -> impl Strategy<Value = End> {
    let faults = prop_oneof![
        4 => Just(Fault::Crash), 1 => Just(Fault::NoSpace), 1 => Just(Fault::Io), 1 => Just(Fault::ShortWrite)
    ];
    prop_oneof![
        1 => Just(End::Close),
        1 => Just(End::Leave),
        1 => Just(End::Kill),
        1 => Just(End::Crash),
        6 => (1..80_u64, faults).prop_map(|(nth, fault)| End::Fault(nth, fault)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn what_was_durable_is_there_after_any_end_and_nothing_is_there_by_half(
        seed: u64,
        lives in prop::collection::vec((0..25_u64, ends()), 1..8),
    ) {
        let mut run = Run::new(seed);
        for (epochs, end) in lives {
            if let End::Fault(nth, fault) = end {
                run.disk.fail_at(nth, fault);
            }
            let result = run.live(epochs, matches!(end, End::Close));
            prop_assert!(result.is_ok() || matches!(end, End::Fault(..)), "{result:?}");
            match end {
                // After an error a process may start again at once, or after the machine did.
                End::Kill | End::Fault(_, Fault::NoSpace) => run.disk.kill(),
                End::Crash | End::Fault(..) => run.disk.restart(),
                End::Close | End::Leave => {}
            }
        }
        run.disk.kill();
        let last = run.live(3, true);
        prop_assert!(last.is_ok(), "{last:?}");
    }

    #[test]
    fn compacted_at_any_time_is_as_never_compacted(seed: u64, lives in prop::collection::vec(1..40_u64, 1..4)) {
        let [with, without] = [true, false].map(|compacts| {
            let mut run = Run::new(seed);
            run.compacts = compacts;
            for &epochs in &lives {
                run.live(epochs, true).expect("the disk is good"); // compares with the model
            }
            run
        });
        prop_assert_eq!(without.compactions, 0);
        let bases = without.disk.files().keys().filter(|name| name.starts_with("base")).count();
        prop_assert_eq!(bases, 0);
        prop_assert_eq!(with.said, without.said);
    }
}

#[test]
fn random_lives_do_compact() {
    let mut run = Run::new(7);
    for _ in 0..4 {
        run.live(60, false).expect("the disk is good");
    }
    assert!(run.compactions > 3, "{}", run.compactions);
}
