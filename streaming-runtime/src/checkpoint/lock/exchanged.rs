//! Operators that seem to have exchanged their names.
//!
//! State belongs to names, so an edit that gives the name of one operator to another of the same shape gives it the state as well. With
//! each name the checkpoint has the operator's mark: a fingerprint of what is upstream of it, up to the sources, and of its own call.
//! If only the mark changed, the program was edited. If another operator has that mark now, names were most likely exchanged: between two
//! operators, among three, or by a rename whose old name is used for something new. Then the author has to say.

use crate::checkpoint::lock::{
    carry::{Refusal, fits_shape},
    shape::OperatorState,
};

/// The operators whose state seems to belong to another name now. `kept` are old and new ids; what is declared to be
/// renamed, or `confirmed` to keep its state, is not asked about.
pub(crate) fn exchanged(
    old: &[OperatorState],
    new: &[OperatorState],
    kept: &[(String, String)],
    confirmed: &[String],
) -> Vec<Refusal> {
    let find = |operators: &[OperatorState], id: &str| {
        operators.iter().find(|operator| operator.id == id && !operator.mark.is_empty()).cloned()
    };
    let is_renamed = |id: &str| kept.iter().any(|(from, to)| to == id && from != id);
    let is_there = |id: &&String| new.iter().any(|operator| operator.id == **id);
    let unknown = confirmed.iter().filter(|id| !is_there(id)).map(|id| Refusal {
        id: id.clone(),
        was: None,
        is: None,
        why: format!("`.keeps({id:?})` is declared, and the program has no stateful operator of that id"),
        fix: "correct the name, or remove the declaration".to_owned(),
    });
    let mut refusals: Vec<Refusal> = unknown.collect();
    for (id, _) in kept.iter().filter(|(from, to)| from == to && !confirmed.contains(from)) {
        let (Some(was), Some(is)) = (find(old, id), find(new, id)) else { continue };
        if was.mark == is.mark {
            continue;
        }
        tracing::info!(operator = id, "it is made in another way than when its state was written");
        let looks_like_it = |other: &&OperatorState| {
            let before = find(old, &other.id);
            if other.id == *id || is_renamed(&other.id) || fits_shape(&was.shape, &other.shape).is_err() {
                return false;
            }
            match before {
                Some(before) if before.mark == other.mark => false,
                // The calls were changed, too, but each now reads what the other did.
                Some(before) if inputs(&other.mark) == inputs(&was.mark) => {
                    other.mark == was.mark
                        || (inputs(&is.mark) == inputs(&before.mark) && inputs(&is.mark) != inputs(&was.mark))
                }
                _ => other.mark == was.mark,
            }
        };
        if let Some(other) = new.iter().find(looks_like_it) {
            refusals.push(Refusal {
                id: id.clone(),
                was: Some(was.shape.clone()),
                is: Some(is.shape.clone()),
                why: format!("it is made in another way now, and `{}` as it was", other.id),
                fix: format!(
                    "if the names were exchanged, give them back; to rename, choose a name that is not taken and declare \
                     `.renamed({id:?}, ..)`; if `{id}` is to keep its state, declare `.keeps({id:?})`"
                ),
            });
        }
    }
    refusals
}

/// The part of a mark that describes what is upstream.
fn inputs(mark: &str) -> &str {
    mark.rsplit_once('-').map_or(mark, |(inputs, _)| inputs)
}

/// The mark of the state of a name: of the calls that it is made in, and of its operator. `marks` are lines of `id mark`.
pub(crate) fn mark_of(marks: &[&str], name: &str) -> String {
    // The further copies of a window that several operators keep.
    let name = name.split('#').next().unwrap_or(name);
    let is_in = |id: &str| name.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let mut around: Vec<_> =
        marks.iter().filter_map(|line| line.split_once(' ')).filter(|(id, _)| is_in(id)).collect();
    around.sort_by_key(|(id, _)| id.len());
    around.iter().map(|(_, mark)| *mark).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Initial;

    /// Operators of one shape, as `id mark`.
    fn operators(lines: &[&str]) -> Vec<OperatorState> {
        let shape = "keys of (String, i64)";
        let of = |line: &&str| {
            let (id, mark) = line.split_once(' ').expect("the test's own");
            let (shape, initial) = (shape.parse().expect("a shape"), Initial::default());
            OperatorState { id: id.to_owned(), shape, mark: mark.to_owned(), initial }
        };
        lines.iter().map(of).collect()
    }

    /// The ids that are asked about, where all that are in both programs go on, and what is renamed `from -> to`.
    fn asked(old: &[&str], new: &[&str], renamed: &[(&str, &str)], confirmed: &[&str]) -> Vec<String> {
        let (old, new) = (operators(old), operators(new));
        let both = old.iter().filter(|was| new.iter().any(|is| is.id == was.id));
        let mut kept: Vec<_> = both.map(|both| (both.id.clone(), both.id.clone())).collect();
        kept.extend(renamed.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())));
        let confirmed: Vec<_> = confirmed.iter().map(|id| (*id).to_owned()).collect();
        exchanged(&old, &new, &kept, &confirmed).into_iter().map(|refusal| refusal.id).collect()
    }

    #[test]
    fn names_that_were_exchanged_are_asked_about() {
        let both = &["p/a x-f", "p/b y-g"];
        assert_eq!(asked(both, both, &[], &[]), [""; 0]);
        assert_eq!(asked(both, &["p/a y-g", "p/b x-f"], &[], &[]), ["p/a", "p/b"]);
        assert_eq!(asked(both, &["p/a y-g", "p/b x-f"], &[], &["p/a"]), ["p/b"]);
        assert_eq!(asked(both, &["p/a y-g", "p/b x-f"], &[], &["p/a", "p/b"]), [""; 0]);
        assert_eq!(asked(both, both, &[], &["p/c"]), ["p/c"], "a word for nobody");
        // Of one stream, by their calls.
        assert_eq!(asked(&["p/a x-f", "p/b x-g"], &["p/a x-g", "p/b x-f"], &[], &[]), ["p/a", "p/b"]);
        // One call was mended in the same edit, or both.
        assert_eq!(asked(both, &["p/a y-h", "p/b x-f"], &[], &[]), ["p/a", "p/b"]);
        assert_eq!(asked(both, &["p/a y-h", "p/b x-i"], &[], &[]), ["p/a", "p/b"]);
        let three = asked(&["p/a x-f", "p/b y-g", "p/c z-h"], &["p/a y-g", "p/b z-h", "p/c x-f"], &[], &[]);
        assert_eq!(three, ["p/a", "p/b", "p/c"]);
    }

    #[test]
    fn a_name_that_something_new_has_taken_is_asked_about() {
        assert_eq!(asked(&["p/a x-f"], &["p/a y-g", "p/b x-f"], &[], &[]), ["p/a"]);
        // The author who declares a renaming has checked.
        assert_eq!(asked(&["p/a x-f", "p/c z-h"], &["p/a y-g", "p/b x-f"], &[("p/c", "p/b")], &[]), [""; 0]);
    }

    #[test]
    fn a_program_that_was_mended_goes_on() {
        let both = &["p/a x-f", "p/b y-g"];
        assert_eq!(asked(both, &["p/a x-h", "p/b y-g"], &[], &[]), [""; 0]);
        assert_eq!(asked(both, &["p/a x-h", "p/b y-i"], &[], &[]), [""; 0]);
        assert_eq!(asked(both, &["p/a z-f", "p/b y-g", "p/c x-i"], &[], &[]), [""; 0]);
        // Two that are alike, of which one is mended.
        assert_eq!(asked(&["p/a x-f", "p/b x-f"], &["p/a x-h", "p/b x-f"], &[], &[]), [""; 0]);
        // What was written by a release that knew no marks.
        assert_eq!(asked(&["p/a ", "p/b "], both, &[], &[]), [""; 0]);
    }

    #[test]
    fn the_mark_of_a_state_is_of_all_around_it() {
        let marks = ["p/a/map 1-1", "p/s/totals 2-2", "p/s/totals/sums/update_state 3-3", "p/w/window 4-4"];
        assert_eq!(mark_of(&marks, "p/s/totals/sums/update_state"), "2-2/3-3");
        assert_eq!(mark_of(&marks, "p/s/totals/aggregate"), "2-2");
        assert_eq!(mark_of(&marks, "p/w/window#2"), "4-4");
        assert_eq!(mark_of(&marks, "p/s/totals_too"), "");
    }
}
