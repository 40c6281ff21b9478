//! Which words are lent instead of copied, and that everything else stays as it is.

use super::lowering::plain;

#[test]
fn words_are_lent_and_copied_by_whoever_needs_them() {
    for own in ["str::to_owned", "str::to_string"] {
        assert_eq!(
            plain(&format!("a.flat_map(|l| l.s().map({own})).to(out);")),
            format!("a.flat_map_lent(|l,__out|__out.extend(l.s()),{own}).to(&out);")
        );
    }
    assert_eq!(
        plain("a.flat_map(move |l| l.split(sep).map(str::to_owned)).to(out);"),
        "a.flat_map_lent(move|l,__out|__out.extend(l.split(sep)),str::to_owned).to(&out);"
    );
}

#[test]
fn pairs_of_a_lent_word_and_a_literal_are_lent() {
    let pairs = |value: &str| {
        format!(
            "a.flat_map_lent(|l,__out|__out.extend(l.s()),str::to_owned).map_lent(|w|(w,{value}),||{value}).reduce_by_key(f).to(&out);"
        )
    };
    for value in ["1", "1i64", "1.5", "()"] {
        let body = format!(
            "a.flat_map(|l| l.s().map(str::to_owned)).map(|w| (w, {value})).reduce_by_key(f).to(out);"
        );
        assert_eq!(plain(&body), pairs(value));
    }
    // Through a name and parentheses as well.
    assert!(
        plain("let x = a.flat_map(|l| l.s().map(str::to_owned)); x.map(|w| (w, 1)).to(out);")
            .contains("x.map_lent(")
    );
    assert!(
        plain("(a.flat_map(|l| l.s().map(str::to_owned))).map(|w| (w, 1)).to(out);").contains(").map_lent(")
    );
}

#[test]
fn pairs_are_lent_only_where_their_words_are() {
    let is_pair_lent = |body: &str| plain(body).contains(".map_lent(");
    let words = "a.flat_map(|l| l.s().map(str::to_owned))";
    assert!(is_pair_lent(&format!("{words}.map(|w| (w, 1)).to(out);")));
    // Two readers share the words, so the words are real.
    assert!(!is_pair_lent(&format!("let x = {words}; x.map(|w| (w, 1)).to(out); x.to(other);")));
    // A written type is the plain stream's.
    assert!(!is_pair_lent(&format!("let x: Stream<'_, String> = {words}; x.map(|w| (w, 1)).to(out);")));
    // Something else stands between, or gets the words.
    assert!(!is_pair_lent(&format!("{words}.filter(g).map(|w| (w, 1)).to(out);")));
    assert!(!is_pair_lent(&format!("helper({words}).map(|w| (w, 1)).to(out);")));
    assert!(!is_pair_lent("a.map(|w| (w, 1)).to(out);"));
    // In a loop the stream comes from outside of it.
    assert!(!is_pair_lent(&format!("let x = {words}; a.iterate(|l| x.map(|w| (w, 1))).to(out);")));
}

#[test]
fn pairs_that_look_at_the_word_are_not_lent() {
    let map = |function: &str| {
        plain(&format!("a.flat_map(|l| l.s().map(str::to_owned)).map({function}).to(out);"))
            .contains(".map_lent(")
    };
    assert!(map("|w| (w, 1)") && map("|w| (w, ())"));
    for other in [
        "|w| (1, w)",
        "|w| (w.trim(), 1)",
        "|w| (w, w.len())",
        "|w| (w, limit)",
        "|w| (other, 1)",
        "|w| (w, 1, 2)",
        "|w| { (w, 1) }",
        "|w: String| (w, 1)",
        "|(w, _)| (w, 1)",
        "|w, v| (w, 1)",
        "f",
    ] {
        assert!(!map(other), "{other}");
    }
}

#[test]
fn other_spellings_copy_as_they_are_written() {
    assert!(plain("a.flat_map(|l| l.s().map(str::to_owned)).to(out);").contains("flat_map_lent"));
    for other in [
        // Something else than a copy, or not at the end.
        "|l| l.split(' ').map(str::len)",
        "|l| l.split(' ').map(String::from)",
        "|l| l.split(' ').map(|w| w.to_owned())",
        "|l| l.split(' ').map(ToOwned::to_owned)",
        "|l| l.split(' ').map(str::to_owned).take(3)",
        "|l| l.split(' ').filter_map(str::to_owned)",
        // The closure may end elsewhere, or says what it returns, or writes to the emitter itself.
        "|l| { return l.s().map(str::to_owned); }",
        "|l| l.s()?.map(str::to_owned)",
        "|l| -> Vec<String> { l.s().map(str::to_owned) }",
        "|l, out| out.s().map(str::to_owned)",
        "|| x.s().map(str::to_owned)",
        "words_of",
    ] {
        let out = plain(&format!("a.flat_map({other}).map(|w| (w, 1)).to(out);"));
        assert!(!out.contains("_lent"), "{other}: {out}");
    }
    for other in [
        "a.flat_map::<String, _>(|l| l.s().map(str::to_owned))",
        "a.flat_map_values(|l| l.s().map(str::to_owned))",
    ] {
        let out = plain(&format!("{other}.to(out);"));
        assert!(!out.contains("_lent"), "{out}");
    }
}

#[test]
fn what_is_shared_is_lent_up_to_its_name() {
    assert_eq!(
        plain("let x = a.flat_map(|l| l.s().map(str::to_owned)); x.to(out); x.to(other);"),
        "let x=a.flat_map_lent(|l,__out|__out.extend(l.s()),str::to_owned).share();x.again().to(&out);x.again().to(&other);"
    );
}
