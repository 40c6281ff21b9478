//! Programs that change between two runs.

use crate::checkpoint::{
    CheckpointError, Edits, open,
    simulated::Fault,
    tests::{
        run::Run,
        work::{State, Work},
    },
};
use std::sync::Arc;

fn rename(old: &str, new: &str) -> Edits {
    Edits { rename: [(old.to_owned(), new.to_owned())].into(), ..Edits::default() }
}

fn forget(old: &str) -> Edits {
    Edits { forget: [old.to_owned()].into(), ..Edits::default() }
}

/// A job with batches that are not delivered, so that they run again.
fn run(seed: u64) -> Run {
    let mut run = Run::new(seed);
    // No base that would keep the sinks from having lost as much.
    run.compacts = false;
    run.live(30, false).expect("the disk is good");
    run.compacts = true;
    run.sinks_lose = 3 + 2 * seed;
    run
}

/// The state of an operator as of the head.
fn found(run: &Run, id: &str) -> (u64, State) {
    let opened = open(Arc::new(run.disk.clone())).expect("the disk is good");
    let (head, _) = opened.head().expect("there are batches");
    (head, State::of(&opened.restore(Some(head), Edits::default()).expect("no edits").0, &[id]))
}

fn expected(work: &Work, id: &str, head: u64) -> State {
    let mut state = work.state(Some(head));
    state.panes.retain(|(of, _, _), _| of == id);
    state.keys.retain(|(of, _), _| of == id);
    state
}

#[test]
fn a_renamed_operator_keeps_its_state_across_crashes_and_compactions() {
    let mut run = run(1);
    run.work.operators[1] = "totals";
    run.edits = rename("keys", "totals");
    for lived in 0..3 {
        run.live(30, lived == 1).expect("the disk is good"); // checks the state by its new name
        run.sinks_lose = 0;
        run.disk.restart();
    }
    assert!(run.compactions > 2);
    run.edits = Edits::default();
    run.live(1, true).expect("the edits need not be given again");
    let (head, state) = found(&run, "totals");
    assert_eq!(state, expected(&run.work, "totals", head));
    assert!(!state.keys.is_empty());
    assert_eq!(found(&run, "keys").1, State::default());
}

#[test]
fn two_operators_change_names_with_each_other() {
    let mut run = run(2);
    run.work.operators = vec!["ever", "keys", "window"];
    run.edits = Edits {
        rename: [("window", "ever"), ("ever", "window")].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        ..Edits::default()
    };
    run.live(3, false).expect("the disk is good");
    run.edits = Edits::default();
    run.live(30, false).expect("the disk is good");
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let run = run(3);
    let before = run.disk.files();
    let opened = open(Arc::new(run.disk.clone())).expect("the disk is good");
    let at = opened.head().map(|(epoch, _)| epoch);
    let error = opened.restore(at, rename("keys", "window")).expect_err("there is one of that name");
    assert!(matches!(&error, CheckpointError::Incompatible { what } if what.contains("`window`")), "{error}");
    assert_eq!(run.disk.files(), before, "nothing is touched");
}

#[test]
fn a_forgotten_operator_begins_anew_and_batches_that_run_again_are_in_its_state() {
    for seed in 0..8 {
        let mut run = run(seed);
        let opened = open(Arc::new(run.disk.clone())).expect("the disk is good");
        let at = run.at(&opened);
        let (restored, _) = opened.restore(at, forget("keys")).expect("nothing is in the way");
        assert_eq!(State::of(&restored, &["keys"]), State::default());
        assert!(!restored.replay.is_empty(), "some run again");
        drop(restored);
        // From here on the model has the operator under a name of its own, from the first batch that runs again.
        run.edits = forget("keys");
        run.skips_state = true;
        run.live(4, false).expect("the disk is good");
        run.edits = Edits::default();
        let (head, state) = found(&run, "keys");
        let anew = run.work.state_from(at.expect("some are delivered") + 1, head);
        assert_eq!(state.keys, anew.keys);
    }
}

#[test]
fn an_added_operator_has_its_state_from_batches_that_ran_again() {
    for seed in 0..8 {
        let mut run = run(seed);
        let at = run.at(&open(Arc::new(run.disk.clone())).expect("the disk is good")).unwrap_or(0);
        run.work.operators.push("added");
        run.skips_state = true;
        // A crash while they run again, so that some are of the one program and some of the other.
        run.disk.fail_at(8 + seed, Fault::Crash);
        let _ = run.live(10, false);
        run.disk.restart();
        run.live(10, seed % 2 == 0).expect("the disk is good");
        let (head, state) = found(&run, "added");
        let mut anew = run.work.state_from(at + 1, head);
        anew.panes.retain(|(id, _, _), _| id == "added");
        assert_eq!(state.panes, anew.panes, "it says something in each batch");
        for id in ["window", "keys", "ever"] {
            assert_eq!(found(&run, id).1, expected(&run.work, id, head));
        }
    }
}

#[test]
fn an_operator_that_is_gone_keeps_its_state_until_it_is_back() {
    let mut run = run(4);
    let all = run.work.clone();
    run.work.operators = vec!["window", "keys", "other"];
    run.skips_state = true;
    run.live(40, true).expect("the disk is good");
    let (_, state) = found(&run, "ever");
    assert!(!state.panes.is_empty());
    assert!(state.panes.iter().all(|((_, epoch, worker), bytes)| all.state(Some(*epoch)).panes
        [&("ever".to_owned(), *epoch, *worker)]
        == *bytes));
}
