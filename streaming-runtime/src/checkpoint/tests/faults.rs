//! Each kind of fault at each call of a small run.

use crate::checkpoint::{CheckpointError, simulated::Fault, tests::run::Run};

fn run_with(fault: Fault, nth: u64, machine_too: bool) -> (bool, u64) {
    let mut run = Run::new(3);
    run.live(6, true).expect("the disk is good");
    let before = run.disk.calls();
    run.disk.fail_at(nth, fault);
    let result = run.live(22, true);
    let reached = run.disk.calls() - before >= nth;
    match result {
        Ok(()) => {} // a compaction failed, or nothing did
        Err(CheckpointError::Io { source, doing, .. }) => {
            assert!(!doing.is_empty() && !source.to_string().is_empty());
        }
        Err(error) => panic!("{fault:?} at {nth}: {error:?}"),
    }
    if machine_too {
        run.disk.restart()
    } else {
        run.disk.kill()
    }
    run.live(2, true).unwrap_or_else(|error| panic!("after {fault:?} at {nth}: {error}"));
    run.disk.restart();
    run.live(1, true).unwrap_or_else(|error| panic!("once more after {fault:?} at {nth}: {error}"));
    (reached, run.compactions)
}

#[test]
fn a_fault_at_any_call_is_a_typed_error_and_loses_nothing() {
    for fault in [Fault::NoSpace, Fault::Io, Fault::ShortWrite, Fault::Crash] {
        let mut nth = 1;
        let mut compactions = 0;
        loop {
            let (reached, compacted) = run_with(fault, nth, nth % 2 == 0 || fault == Fault::Crash);
            compactions += compacted;
            if !reached {
                break;
            }
            nth += 1;
        }
        assert!(
            nth > 60 && compactions > nth,
            "the run is long enough: {nth} calls, {compactions} compactions"
        );
    }
}
