//! Calls of operators: what they are given, and what their closures do.

use super::{pipeline, said};

const NOTHING: [&str; 0] = [];

/// What is said about a body.
fn about(body: &str) -> Vec<String> {
    said(&pipeline(body))
}

const REST: &str = "b.to(other);";

#[test]
fn a_closure_stands_where_it_belongs() {
    assert_eq!(
        about(&format!("let (x, y) = a.map_with_state(|k, v, s| None); x.union(y).to(out); {REST}")),
        [
            "`map_with_state`: `map_with_state` takes 2 arguments: write `.map_with_state(idle_for(minutes(30)), |key, value, state| ..)`"
        ]
    );
    assert_eq!(
        about(&format!("a.update_state(|state, values| None).to(out); {REST}")),
        [
            "`update_state`: the closure of `update_state` takes 3 arguments: write `.update_state(|key, state, values| ..)`"
        ]
    );
    assert_eq!(about(&format!("a.iterate_at_most(|x| x.distinct()).to(out); {REST}")).len(), 1);
    assert_eq!(about(&format!("a.iterate_at_most(|x| x.distinct(), 10).to(out); {REST}")).len(), 1);
    assert_eq!(about(&format!("a.transform(|records| records).to(out); {REST}")).len(), 1);
    // A function may stand there.
    assert_eq!(about(&format!("a.transform(sorted).to(out); {REST}")), NOTHING);
    assert_eq!(
        about(&format!("a.transform().to(out); {REST}")),
        ["`transform`: `transform` takes 1 argument: write `.transform(|time, records| ..)`"]
    );
    assert_eq!(about(&format!("a.transform_with(b, |t, x, y| x).to(out); {REST}")), NOTHING);
    assert_eq!(about(&format!("a.iterate_at_most(limit, |x| x.distinct()).to(out); {REST}")), NOTHING);
}

#[test]
fn a_call_has_the_arguments_of_its_operator() {
    for (call, said) in [
        ("reduce(0, |x, y| x + y)", "write `.reduce(|x, y| x + y)`"),
        ("aggregate_by_key(sum(), count())", "write `.aggregate_by_key((sum(), count()))`"),
        ("group_by_key(|x| x.0)", "write `.key_by(|x| x.0).group_by_key()`"),
        ("union(b, b)", "write `.union(b).union(b)`"),
        ("join(b, |x, y| x == y)", ".key_by(|record| ..)"),
        (
            "reduce_by_key(|x, y| x + y, secs(30), secs(10))",
            "write `.window(secs(30), secs(10)).reduce_by_key(|x, y| x + y)`",
        ),
        ("window((secs(10), secs(5)))", "write `.window(secs(10), secs(5))`"),
        ("iterate(10, |x| x.distinct())", "write `.iterate_at_most(10, |stream| ..)`"),
        ("map(|x| x, 1)", "write `.map(|x| (x, 1))`"),
        ("filter(_.0 > 3)", "write `.filter(|word| word.0 > 3)`"),
    ] {
        let all = about(&format!("a.{call}.to(out); {REST}"));
        assert!(all.len() == 1 && all[0].contains(said), "{call}: {all:?}");
    }
    // What a function of the user's returns may be anything.
    assert_eq!(about("all(a).reduce(0, f).to(out); all(b).count(|x| x).to(other);"), NOTHING);
    assert_eq!(about("let s = all(a).map(f); s.reduce(0, f).to(out); b.to(other);"), NOTHING);
    assert_eq!(about(&format!("a.flat_map(|x, out| out.extend(x)).to(out); {REST}")), NOTHING);
}

#[test]
fn a_closure_does_what_its_operator_asks() {
    for (call, said) in [
        ("filter(|x| x > 3)", "write `*x > 3`"),
        ("filter(|x| println!(\"{x:?}\"))", "`bool`"),
        ("map(|x| x.parse::<i64>()?)", ".try_map(|x| ..)"),
        ("filter_map(|x| if x.0 > 3 { (x, 1) } else { None })", "write `Some((x, 1))`"),
        ("key_by(|x| x)", "write `x.clone()`"),
        ("map(|x: &i64| *x)", "write `x: i64`"),
        ("filter(|x: i64| x > 3)", "write `x: &i64`"),
        ("inspect(|x| out.send(x))", "write `.to(out)`"),
        ("filter(|x| stops.contains(x))", "declare a value, `stops: Type`"),
    ] {
        let all = about(&format!("a.{call}.to(out); {REST}"));
        assert!(all.len() == 1 && all[0].contains(said), "{call}: {all:?}");
    }
    for call in [
        "filter(|&x| x > 3)",
        "filter(|x| *x > 3)",
        "filter(|x| x.0 > LIMIT)",
        "filter(|x| { let y = x.0; y.is_some() })",
        "filter(|x| x.0.is_some_and(|x| x > 3))",
        "map(|x| { let y = x.parse::<i64>()?; Ok(y) })",
        "filter_map(|x| x.parse::<i64>().ok())",
        "filter_map(|x| Some(x.checked_add(1)?))",
        "key_by(|x| x.0)",
        "map(|x| helper(x))",
        "map(move |x| x + limit)",
    ] {
        assert_eq!(about(&format!("a.{call}.to(out); {REST}")), NOTHING, "{call}");
    }
}

#[test]
fn what_may_be_right_is_let_be() {
    for body in [
        // A module may be called as a stream is, and a function.
        "a::filter(b).to(out); a.to(other);",
        "fn help() -> i64 { a() } a.to(out); b.to(other);",
        // What functions of the user's return may be a list.
        "let all = many(a); println!(\"{}\", all.len()); all[0].again().to(out); b.to(other);",
        "let (x, y); (x, y) = both(a); b.to(out); x.union(y).to(other);",
        // A name may be bound anew.
        "let to = console(); let to = &out; a.to(to); b.to(other);",
        // A macro of the user's may be called as one that everyone knows.
        "join!(a, b).to(out); debug!(a); b.to(other);",
        // A function is no variable.
        "a.map(|x| apply(&helper, x)).to(out); b.to(other);",
        "a.map(|x| Some(1 + sum(x)).filter(|sum| *sum < 3)).to(out); b.to(other);",
        "a.map(|x| { read!(y); y.len() }).to(out); b.to(other);",
    ] {
        assert_eq!(about(body), NOTHING, "{body}");
    }
}
