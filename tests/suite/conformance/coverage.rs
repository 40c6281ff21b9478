//! Which cases are run, and which are not and why.
//!
//! Both lists are held against what the generator did: a case that stops being run fails here, and so does
//! one that starts to be, until its line is changed with it.

use super::generated::{RUN, SKIPPED};

/// All cases.
const CASES: usize = 322;

/// The cases that have no counterpart, or have it elsewhere.
const ELSEWHERE: &[(&str, usize)] = &[
    ("a compile error here: see the UI tests", 6),
    ("an accident of Spark's", 4),
    // Three lack a checkpoint directory, which no operator needs here; one gives a state's checkpoint interval,
    // which no stream has here.
    ("an error of Spark's start() that nothing here can cause", 4),
    // Spark's own input streams and `transform` functions may return null instead of a dataset; here a batch
    // is an epoch, and there is no epoch without one.
    ("no dataset at all in a batch: every batch here has one, if an empty one", 10),
];

/// The cases that wait for the engine, by the first operator of their programs that is missing. Whoever adds
/// it, in `conformance/generator/operators.rs`, takes it from this list.
const LATER: &[(&str, usize)] = &[
    ("kind `checkpoint_recovery`", 12),
    ("kind `lifecycle`", 26),
    ("kind `ml`", 9),
    ("kind `pid`", 17),
    ("kind `property`", 20),
    ("kind `rate_limiter`", 3),
];

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
