//! Which cases are run, and which are not and why.

use super::generated::{RUN, SKIPPED};

/// All cases.
const CASES: usize = 322;

/// The cases that are not run, by reason: those that never will be, then those that wait for something.
/// Whoever adds what one waits for takes it from this list.
const KNOWN: &[(&str, usize)] = &[];

#[test]
fn conformance_coverage() {
    let total = |counts: &[(&str, usize)]| counts.iter().map(|(_, cases)| cases).sum::<usize>();
    for (title, counts) in [("run", RUN), ("not run", SKIPPED)] {
        println!("{:>5}  {title}", total(counts));
        counts.iter().for_each(|(what, cases)| println!("{cases:>5}    {what}"));
    }
    assert_eq!(total(RUN) + total(SKIPPED), CASES, "each case is run or has a reason not to be");
    let mut known = KNOWN.to_vec();
    known.sort_unstable();
    assert_eq!(SKIPPED, known, "the cases that are not run have changed: change the list with them");
}
