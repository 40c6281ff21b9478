//! Which cases are run, and which are not and why.
//!
//! Both lists are held against what the generator did: a case that stops being run fails here, and so does
//! one that starts to be, until its line is changed with it.

use super::generated::{RUN, SKIPPED};

/// All cases.
const CASES: usize = 322;

/// The cases that have no counterpart, or have it elsewhere.
const ELSEWHERE: &[(&str, usize)] = &[
    ("a compile error here: see the UI tests", 7),
    ("an accident of Spark's", 4),
    // Five lack a checkpoint directory, which no operator needs here; two give a state's checkpoint interval,
    // which no stream has here. What can keep a job from starting is `StartError`: see `life_cycle` beside this file.
    ("an error of Spark's start() that nothing here can cause", 7),
    // Operators and levels of storage that Spark refuses once a context was started or stopped.
    ("a job's graph is a type: nothing can be added to it, before its start or after", 3),
    // Starting twice or after a stop is rustc's E0382, `ui/wiring/started_twice`; stopping before a start needs a `Job`.
    ("a start makes the job of the ports: no job is there before, and the ports are gone after", 4),
    ("the process has no context: each job is a value of its own, and many run at once", 1),
    // Spark's own input streams and `transform` functions may return null instead of a dataset; here a batch
    // is an epoch, and there is no epoch without one.
    ("no dataset at all in a batch: every batch here has one, if an empty one", 10),
];

/// The cases that wait for the engine, by the first operator of their programs that is missing. Whoever adds
/// it, in `conformance/generator/operators.rs`, takes it from this list.
const LATER: &[(&str, usize)] = &[("kind `ml`", 9), ("kind `property`", 20)];

#[test]
fn conformance_coverage() {
    let total = |counts: &[(&str, usize)]| counts.iter().map(|(_, cases)| cases).sum::<usize>();
    for (title, counts) in [("run", RUN), ("not run", SKIPPED)] {
        println!("{:>5}  {title}", total(counts));
        counts.iter().for_each(|(what, cases)| println!("{cases:>5}    {what}"));
    }
    assert_eq!(total(RUN) + total(SKIPPED), CASES, "each case is run or has a reason not to be");
    let known = [ELSEWHERE, LATER].concat();
    let differs = |these: &[(&str, usize)], those: &[(&str, usize)]| -> Vec<String> {
        let lacking = these.iter().filter(|one| !those.contains(one));
        lacking.map(|(what, cases)| format!("{cases} {what}")).collect()
    };
    let (new, gone) = (differs(SKIPPED, &known), differs(&known, SKIPPED));
    assert!(new.is_empty() && gone.is_empty(), "not listed: {new:#?}\nlisted, and no longer so: {gone:#?}");
}
