use std::time::Duration;

use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::checkpoint::lock::shape::{Initial, Kind};

/// Lines as in a lock.
fn program(lines: &[&str]) -> Vec<OperatorState> {
    let text = format!("pipeline = p\n{}\n", lines.join("\n"));
    read_lock(&text).expect("the test's own").1
}

/// What becomes of the lines of one program in another, in words; declarations are `old -> new` and `-id`.
fn classify(old: &[&str], new: &[&str], declared: &[&str]) -> String {
    let mut said = Declared::default();
    for one in declared {
        match one.split_once(" -> ") {
            Some((from, to)) => said.renamed.push((from.to_owned(), to.to_owned())),
            None => said.forgotten.push(one[1..].to_owned()),
        }
    }
    let (old, new) = (program(old), program(new));
    let outcome = match carry(&old, &new, &said) {
        Ok(carried) => {
            // The same program, started again, goes on with all it has.
            let again = carry(&new, &new, &said).expect("what was accepted once is accepted again");
            assert_eq!(again.kept.len(), new.len(), "{again:?}");
            assert!(again.kept.iter().all(|(old, new)| old == new), "{again:?}");
            assert_eq!((again.forgotten.len(), again.added.len()), (0, 0), "{again:?}");
            let kept = carried.kept.into_iter().map(|(old, new)| match old == new {
                true => format!("kept {old}"),
                false => format!("migrated {old} to {new}"),
            });
            let forgotten = carried.forgotten.into_iter().map(|id| format!("forgot {id}"));
            let added = carried.added.into_iter().map(|id| format!("added {id}"));
            kept.chain(forgotten).chain(added).collect::<Vec<_>>()
        }
        Err(refusals) => refusals.iter().map(|refusal| format!("refused {}", refusal.id)).collect(),
    };
    outcome.join(", ")
}

const COUNTS: &str = "p/counts/update_state = keys of (String, i64)";
const SALES: &str = "p/sales/reduce_by_key = panes for 30s every 10s by reduce_by_key of (String, i64)";
const JOIN: &str = "p/a+b/join = panes for 1m of (u8, (u8, u8))";

/// What is edited; the old and new lines, what is declared, what becomes of it.
type Edit<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [&'a str], &'a str);

#[test]
fn edits_of_programs() {
    let renamed_counts = "p/totals/update_state = keys of (String, i64)";
    let other_counts = "p/counts/update_state = keys of (String, (i64, i64))";
    let sales = |head: &str| format!("p/sales/reduce_by_key = {head} by reduce_by_key of (String, i64)");
    let edits: &[Edit<'_>] = &[
        (
            "nothing",
            &[COUNTS, SALES],
            &[COUNTS, SALES],
            &[],
            "kept p/counts/update_state, kept p/sales/reduce_by_key",
        ),
        ("reorder", &[COUNTS, JOIN], &[JOIN, COUNTS], &[], "kept p/a+b/join, kept p/counts/update_state"),
        ("first start", &[], &[COUNTS], &[], "added p/counts/update_state"),
        (
            "first start, declared before",
            &[],
            &[renamed_counts],
            &["p/counts/update_state -> p/totals/update_state", "-p/x"],
            "added p/totals/update_state",
        ),
        ("add", &[COUNTS], &[COUNTS, JOIN], &[], "kept p/counts/update_state, added p/a+b/join"),
        ("drop", &[COUNTS, JOIN], &[COUNTS], &[], "refused p/a+b/join"),
        (
            "drop, declared",
            &[COUNTS, JOIN],
            &[COUNTS],
            &["-p/a+b/join"],
            "kept p/counts/update_state, forgot p/a+b/join",
        ),
        ("drop, declared and done", &[COUNTS], &[COUNTS], &["-p/a+b/join"], "kept p/counts/update_state"),
        ("drop, declared of another", &[COUNTS, JOIN], &[COUNTS], &["-p/b+a/join"], "refused p/a+b/join"),
        ("rename the binding", &[COUNTS], &[renamed_counts], &[], "refused p/counts/update_state"),
        (
            "rename, declared",
            &[COUNTS],
            &[renamed_counts],
            &["p/counts/update_state -> p/totals/update_state"],
            "migrated p/counts/update_state to p/totals/update_state",
        ),
        (
            "rename, declared and done",
            &[renamed_counts],
            &[renamed_counts],
            &["p/counts/update_state -> p/totals/update_state"],
            "kept p/totals/update_state",
        ),
        (
            "rename from a typo",
            &[COUNTS],
            &[COUNTS, renamed_counts],
            &["p/count/update_state -> p/totals/update_state"],
            "refused p/count/update_state",
        ),
        (
            "rename to a typo",
            &[COUNTS],
            &[renamed_counts],
            &["p/counts/update_state -> p/total/update_state"],
            "refused p/counts/update_state",
        ),
        (
            "rename onto another",
            &[COUNTS, renamed_counts],
            &[renamed_counts],
            &["p/counts/update_state -> p/totals/update_state"],
            "refused p/counts/update_state",
        ),
        (
            "rename and take the name again",
            &[COUNTS],
            &[COUNTS, renamed_counts],
            &["p/counts/update_state -> p/totals/update_state"],
            "refused p/counts/update_state",
        ),
        (
            "rename and forget",
            &[COUNTS],
            &[renamed_counts],
            &["p/counts/update_state -> p/totals/update_state", "-p/counts/update_state"],
            "refused p/counts/update_state",
        ),
        (
            "rename to two",
            &[COUNTS],
            &[renamed_counts, JOIN],
            &["p/counts/update_state -> p/totals/update_state", "p/counts/update_state -> p/a+b/join"],
            "refused p/counts/update_state",
        ),
        (
            "rename and another type",
            &[COUNTS],
            &["p/totals/update_state = keys of u8"],
            &["p/counts/update_state -> p/totals/update_state"],
            "refused p/counts/update_state",
        ),
        (
            "swap of two of one shape",
            &[COUNTS, renamed_counts],
            &[COUNTS, renamed_counts],
            &[
                "p/counts/update_state -> p/totals/update_state",
                "p/totals/update_state -> p/counts/update_state",
            ],
            "refused p/counts/update_state, refused p/totals/update_state",
        ),
        (
            "swap of two shapes",
            &["p/a = keys of u8", "p/b = keys of u16"],
            &["p/a = keys of u16", "p/b = keys of u8"],
            &[],
            "refused p/a, refused p/b",
        ),
        ("other type", &[COUNTS], &[other_counts], &[], "refused p/counts/update_state"),
        (
            "other type, declared",
            &[COUNTS],
            &[other_counts],
            &["-p/counts/update_state"],
            "forgot p/counts/update_state, added p/counts/update_state",
        ),
        (
            "other type, declared and done",
            &[other_counts],
            &[other_counts],
            &["-p/counts/update_state"],
            "kept p/counts/update_state",
        ),
        (
            "other parameters",
            &["p/a = panes by top_k with 2 of u8"],
            &["p/a = panes by top_k with 5 of u8"],
            &[],
            "refused p/a",
        ),
        (
            "parameters that were not written down",
            &["p/a = panes by top_k of u8"],
            &["p/a = panes by top_k with 5 of u8"],
            &[],
            "kept p/a",
        ),
        (
            "parameters that are gone",
            &["p/a = panes by top_k with 2 of u8"],
            &["p/a = panes by top_k of u8"],
            &[],
            "refused p/a",
        ),
        ("other kind", &["p/a = keys of u8"], &["p/a = panes of u8"], &[], "refused p/a"),
        ("other how", &["p/a = panes by sum of u8"], &["p/a = panes by count of u8"], &[], "refused p/a"),
        ("shorter window", &[SALES], &[&sales("panes for 20s every 10s")], &[], "kept p/sales/reduce_by_key"),
        (
            "longer window",
            &[SALES],
            &[&sales("panes for 40s every 10s")],
            &[],
            "refused p/sales/reduce_by_key",
        ),
        (
            "longer window, declared",
            &[SALES],
            &[&sales("panes for 40s every 10s")],
            &["-p/sales/reduce_by_key"],
            "forgot p/sales/reduce_by_key, added p/sales/reduce_by_key",
        ),
        ("window without end", &[SALES], &[&sales("panes every 10s")], &[], "refused p/sales/reduce_by_key"),
        ("an end for a window", &[&sales("panes")], &[SALES], &[], "kept p/sales/reduce_by_key"),
        ("other slide", &[SALES], &[&sales("panes for 30s every 15s")], &[], "kept p/sales/reduce_by_key"),
        ("slide of each batch", &[SALES], &[&sales("panes for 30s")], &[], "kept p/sales/reduce_by_key"),
        (
            "shorter window, other slide",
            &[SALES],
            &[&sales("panes for 10s every 20s")],
            &[],
            "kept p/sales/reduce_by_key",
        ),
        (
            "other slide of parted windows",
            &[&sales("panes for 10s every 1m")],
            &[&sales("panes for 10s every 10s")],
            &[],
            "refused p/sales/reduce_by_key",
        ),
        (
            "shorter parted windows",
            &[&sales("panes for 10s every 1m")],
            &[&sales("panes for 5s every 1m")],
            &[],
            "kept p/sales/reduce_by_key",
        ),
        (
            "window with keys",
            &["p/a = panes and keys for 30s of u8"],
            &["p/a = panes and keys for 20s of u8"],
            &[],
            "refused p/a",
        ),
        (
            "several at once",
            &[COUNTS, SALES, JOIN],
            &[other_counts, SALES, renamed_counts],
            &[],
            "refused p/a+b/join, refused p/counts/update_state",
        ),
    ];
    for (edit, old, new, declared, becomes) in edits {
        assert_eq!(classify(old, new, declared), *becomes, "{edit}");
    }
}

fn refusal(old: &[&str], new: &[&str]) -> String {
    let refusals = carry(&program(old), &program(new), &Declared::default()).expect_err("refused");
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn refusals_say_what_to_do() {
    assert_eq!(
        refusal(&[COUNTS], &["p/counts/update_state = keys of (String, (i64, i64))"]),
        "operator `p/counts/update_state`: its state was `keys of (String, i64)`, and is `keys of (String, (i64, \
         i64))`: declare `.forget(\"p/counts/update_state\")` to begin anew, or give the operator another name"
    );
    assert_eq!(
        refusal(&["p/a = panes for 30s of u8"], &["p/a = panes for 1m of u8"]),
        "operator `p/a`: its state was `panes for 30s of u8`, and is `panes for 1m of u8`; what is older than 30s is \
         gone: declare `.forget(\"p/a\")` to begin anew, or give the operator another name"
    );
    assert_eq!(
        refusal(
            &[COUNTS],
            &[
                "p/counts/x = keys of u8",
                "p/x/y = keys of (String, i64)",
                "p/z/update_state = keys of (String, i64)"
            ]
        ),
        "operator `p/counts/update_state`: its state was `keys of (String, i64)`; the program has no such operator: \
         declare `.renamed(\"p/counts/update_state\", \"p/z/update_state\")`, or \
         `.renamed(\"p/counts/update_state\", \"p/x/y\")`, or `.forget(\"p/counts/update_state\")` if its state may be lost"
    );
    let declared = Declared { renamed: vec![("p/a".to_owned(), "p/b".to_owned())], forgotten: Vec::new() };
    let refusals = carry(&program(&[COUNTS]), &program(&[COUNTS]), &declared).expect_err("refused");
    assert_eq!(
        refusals[0].to_string(),
        "operator `p/a`: `.renamed(\"p/a\", \"p/b\")` is declared, and the checkpoint has no state of `p/a`, nor of \
         `p/b`: correct the name, or remove the declaration"
    );
}

#[test]
fn declarations_that_are_done_are_told() {
    let declared =
        Declared { renamed: vec![("p/a".to_owned(), "p/b".to_owned())], forgotten: vec!["p/c".to_owned()] };
    let now = program(&["p/b = keys of u8"]);
    let carried = carry(&now, &now, &declared).expect("done");
    assert_eq!(carried.done, [".renamed(\"p/a\", \"p/b\")", ".forget(\"p/c\")"]);
}

#[test]
fn a_lock_is_a_text_to_commit() {
    let text = write_lock("p", &program(&[SALES, COUNTS]));
    let (comments, rest): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with('#'));
    assert!(!comments.is_empty());
    assert_eq!(rest, ["pipeline = p", "", COUNTS, SALES]);
    assert_eq!(write_lock("p", &program(&[COUNTS, SALES])), text, "in any order");
}

#[test]
fn locks_that_cannot_be_read_say_where() {
    let read = |text: &str| read_lock(text).expect_err("unreadable").to_string();
    assert_eq!(read(""), "stream.lock lacks its first line, `pipeline = ..`");
    assert_eq!(read(COUNTS), "stream.lock lacks its first line, `pipeline = ..`");
    assert_eq!(read("# x\npipeline = p\nrubbish"), "stream.lock, line 3: neither a comment nor `id = state`");
    assert!(read("pipeline = p\n<<<<<<< HEAD\n").contains("line 2: a merge is not resolved"));
    assert!(read("pipeline = p\na = keys of u8\na = keys of u8").contains("line 3: `a` is there twice"));
    for state in [
        "",
        "keys",
        "key of u8",
        "keysof of u8",
        "panes for of u8",
        "panes for 3 of u8",
        "panes for 1s for 2s of u8",
        "panes for 99999999999999999999h of u8",
    ] {
        let error = read(&format!("pipeline = p\na = {state}"));
        assert!(error.starts_with(&format!("stream.lock, line 2: `{state}` is no state")), "{error}");
    }
}

#[test]
fn names_and_parameters_may_be_words_of_the_format() {
    for word in ["of", "by", "with", "for", "every", "a of b"] {
        let shape = StateShape {
            kind: Kind::Keys,
            span: Some(Duration::from_secs(1)),
            slide: None,
            how: word.to_owned(),
            with: Some(word.to_owned()),
            types: "{ \"x of by\": u8 }".to_owned(),
            fault: None,
            lasts: true,
        };
        assert_eq!(shape.to_string().parse::<StateShape>().expect("as written"), shape);
    }
}

fn duration() -> impl Strategy<Value = Duration> {
    (any::<u16>(), prop::sample::select(vec![1u64, 1_000, 1_000_000, 1_000_000_000, 60_000_000_000]))
        .prop_map(|(n, unit)| Duration::from_nanos(u64::from(n) * unit / 7 * 7))
}

fn shape() -> impl Strategy<Value = StateShape> {
    let kind = prop::sample::select(vec![Kind::Panes, Kind::Keys, Kind::PanesAndKeys]);
    let types = prop_oneof![Just("{ \"x of by\": u8 }".to_owned()), "[ -~]{0,30}"];
    let with = option::of("[^;]{1,9}|[ -~]{1,9}");
    (kind, option::of(duration()), option::of(duration()), "([a-z_]{1,9})?", with, types).prop_map(
        |(kind, span, slide, how, with, types)| StateShape {
            kind,
            span,
            slide,
            how,
            with,
            types,
            fault: None,
            lasts: true,
        },
    )
}

proptest! {
    #[test]
    fn a_shape_is_read_as_it_was_written(shape in shape()) {
        prop_assert_eq!(shape.to_string().parse::<StateShape>().expect("as written"), shape);
    }

    #[test]
    fn a_lock_is_read_as_it_was_written(shapes in vec(("[a-z_]{1,5}(/[a-z_+#0-9]{1,6}){0,2}", shape()), 0..12)) {
        let mut operators: Vec<_> = shapes.into_iter().map(|(id, shape)| OperatorState { id, shape, mark: String::new(), initial: Initial::default() }).collect();
        operators.sort_by(|a, b| a.id.cmp(&b.id));
        operators.dedup_by(|a, b| a.id == b.id);
        let read = read_lock(&write_lock("totals", &operators)).expect("as written");
        prop_assert_eq!(read, ("totals".to_owned(), operators.clone()));
        // And a program goes on from itself with all that it has.
        let carried = carry(&operators, &operators, &Declared::default()).expect("nothing has changed");
        prop_assert_eq!(carried.kept.len(), operators.len());
    }
}
