//! Each mistake gives one error, at the author's token, with the fix.

use super::{pipeline, said};

const NOTHING: [&str; 0] = [];

/// What is said about a body.
fn about(body: &str) -> Vec<String> {
    said(&pipeline(body))
}

const REST: &str = "b.to(other);";

#[test]
fn right_programs_are_let_be() {
    assert_eq!(about("a.to(out); b.to(other);"), NOTHING);
    assert_eq!(about("let _kept = a.map(f); a.to(out); b.to(other);"), NOTHING);
    assert_eq!(about("let a = a.map(f); a.to(out); b.to(other);"), NOTHING);
    assert_eq!(about("a.map(|b| b.count()).to(out); b.map(|x| { let a = x; a.y() }).to(other);"), NOTHING);
    assert_eq!(about("a.mine(); b.finish(out, other);"), NOTHING);
    assert_eq!(about("finish(a.map(f), out); log!(b, other);"), NOTHING);
    assert_eq!(
        about("let w = a.window(secs(30), secs(10)); w.window(secs(20), secs(20)).to(out); b.to(other);"),
        NOTHING
    );
    assert_eq!(
        about("let w = a.window(size, slide); w.window(secs(7), secs(3)).to(out); b.to(other);"),
        NOTHING
    );
    assert_eq!(about("if let Some(a) = limit { a.x() } a.to(out); b.to(other);"), NOTHING);
}

#[test]
fn a_sink_takes_one_stream() {
    assert_eq!(
        about("a.to(out); b.map(f).to(out); b.to(other);"),
        ["`to`: sink `out` already has a stream: `.union(..)` the two, then `.to(out)` once"]
    );
    assert_eq!(
        about("a.union(b).to(out);"),
        ["`other`: nothing is sent to sink `other`: end a stream with `.to(other)`, or drop the port"]
    );
    assert_eq!(
        about("let out = a.map(f); out.to(out); b.to(other);"),
        ["`out`: `out` is a sink of this pipeline: give this `let` another name"]
    );
}

#[test]
fn a_sink_that_is_only_named_gets_nothing() {
    let nothing =
        ["`other`: nothing is sent to sink `other`: end a stream with `.to(other)`, or drop the port"];
    assert_eq!(about("a.union(b).map(|other| other + 1).to(out);"), nothing);
    assert_eq!(about("a.union(b).map(|x| match x { other => other }).to(out);"), nothing);
    assert_eq!(about("a.union(b).map(|x| x.other.other()).to(out);"), nothing);
    assert_eq!(about("let f = |other| other; a.union(b).map(f).to(out);"), nothing);
    // What code does with it that cannot be seen is looked at when the pipeline is put together.
    assert_eq!(about("a.union(b).to(out); drop(other);"), NOTHING);
    assert_eq!(about("let send = |s| s.to(&other); a.to(out); log!(send, b);"), NOTHING);
    assert_eq!(about("let sink = &other; a.to(out); b.to(sink);"), NOTHING);
}

#[test]
fn a_body_has_one_way_through_it() {
    let leaves = "`return`: `return` cannot leave a pipeline, the graph of streams is fixed when the job starts: decide before the job is started, or per record, with `.filter(..)`";
    for before in [
        "return;",
        "if limit > 3 { return; }",
        "let Some(x) = y else { return };",
        "match limit { 3 => return, _ => {} }",
        "f(return);",
    ] {
        assert_eq!(about(&format!("{before} a.to(out); {REST}")), [leaves], "{before}");
    }
    assert_eq!(about(&format!("a.filter(|x| {{ return x > 3; }}).to(out); {REST}")), NOTHING);
    assert_eq!(
        about(&format!("let f = |x| {{ return x; }}; fn g() {{ return; }} a.map(f).to(out); {REST}")),
        NOTHING
    );
    let depends = "a stream cannot depend on `cfg`, the plan of the pipeline has it either way: put the `cfg` on the whole `stream!`, or on the function that the stream is given to";
    assert_eq!(about(&format!("#[cfg(test)] a.to(out); {REST}")), [format!("`#[cfg(test)]`: {depends}")]);
    assert_eq!(
        about(&format!("#[cfg_attr(x, cfg(test))] let c = a.map(f); c.to(out); {REST}")),
        [format!("`#[cfg_attr(x, cfg(test))]`: {depends}")]
    );
    assert_eq!(about(&format!("#[cfg(test)] helper(a, &out); {REST}")).len(), 1);
    assert_eq!(
        about(&format!("#[cfg(test)] println!(); #[cfg(test)] let x = 3; a.to(out); {REST}")),
        NOTHING
    );
}

#[test]
fn a_stream_ends_in_a_sink_of_the_header() {
    assert_eq!(
        about(&format!("a.to(nowhere); {REST}")),
        [
            "`nowhere`: `nowhere` is no sink of this pipeline: write one of `.to(out)`, `.to(other)`, or declare another `name: Sink<T>` in the header"
        ]
    );
    assert_eq!(about(&format!("let x = b.map(f); a.to(x); {REST}")).len(), 1);
    assert_eq!(about("let mine = custom(&out); a.to(mine); b.to(limit); a.to(out); b.to(other);"), NOTHING);
    // Nothing of the pipeline is in it, so no sink is.
    assert_eq!(about("let mine = console(); a.to(mine); a.to(out); b.to(other);").len(), 1);
}

#[test]
fn a_stream_leads_somewhere() {
    assert_eq!(
        about(&format!("a.map(f).filter(g); {REST}")),
        ["`filter`: this stream goes nowhere: send it on with `.to(..)`, or bind it with `let`"]
    );
    assert_eq!(
        about("let extra = a.map(f); a.to(out); b.to(other);"),
        [
            "`extra`: stream `extra` goes nowhere: send it on with `.to(..)`, or delete it; start its name with `_` to keep it"
        ]
    );
    assert_eq!(about("let (x, y) = a.split(f); x.to(out); b.to(other);").len(), 1);
    assert_eq!(about("let (x, _) = a.split(f); x.to(out); b.to(other);"), NOTHING);
    assert_eq!(
        about("a.to(out); limit.to(other);"),
        ["`b`: nothing reads source `b`: start a stream with `b.`, or drop the port"]
    );
}

#[test]
fn a_closure_sees_records_only() {
    assert_eq!(
        about(&format!("a.map(move |x| b.count()).to(out); {REST}")),
        [
            "`b`: stream `b` cannot be used inside a closure of another: `.join(..)` or `.union(..)` the two streams instead"
        ]
    );
    assert_eq!(about("let y = a.iterate(|l| l.join(b)); y.to(out); b.to(other);"), NOTHING);
}

#[test]
fn control_flow_does_not_see_streams() {
    assert_eq!(
        about(&format!("if limit > 3 {{ a.to(out); }} {REST}")),
        [
            "`a`: stream `a` cannot be used inside `if`, the graph of streams is fixed when the job starts: decide per record, with `.filter(..)` or `.split(..)` and a sink for each part; how many records a batch has is a stream, `.count()`"
        ]
    );
    for keyword in ["for i in 0..3", "while limit > 3", "loop", "match limit { _ =>", "let x = if limit > 3"]
    {
        let end = if keyword.starts_with("match") {
            "} }"
        } else if keyword.starts_with("let") {
            "} else { b };"
        } else {
            "}"
        };
        assert_eq!(about(&format!("{keyword} {{ a.map(f); {end} a.to(out); {REST}")).len(), 1, "{keyword}");
    }
    assert_eq!(about(&format!("a.map(f)?.to(out); {REST}")).len(), 1);
    assert_eq!(about(&format!("return a.to(out); {REST}")).len(), 1);
}

#[test]
fn a_window_is_a_whole_number_of_batches() {
    assert_eq!(
        about(&format!("a.window(secs(12), secs(5)).to(out); {REST}")),
        [
            "`secs(12)`: a window is a whole number of batches, and `secs(12)` is no multiple of the batch interval `secs(5)`: write `secs(10)` or `secs(15)`"
        ]
    );
    assert_eq!(
        about(&format!("a.window(minutes(1), millis(500)).to(out); {REST}")),
        [
            "`millis(500)`: a window is a whole number of batches, and `millis(500)` is no multiple of the batch interval `secs(5)`: write at least `millis(5000)`"
        ]
    );
    assert_eq!(
        about(&format!("let w = a.window(secs(30), secs(10)); w.window(secs(25), secs(10)).to(out); {REST}")),
        [
            "`secs(25)`: a window is a whole number of slides of the window before it, and `secs(25)` is no multiple of its slide `secs(10)`: write `secs(20)` or `secs(30)`"
        ]
    );
    assert_eq!(about(&format!("a.window(secs(0), secs(5)).to(out); {REST}")).len(), 1);
}

#[test]
fn state_has_a_name_of_its_own() {
    assert_eq!(
        about(&format!("a.update_state(f).update_state(g).to(out); {REST}")),
        [
            "`update_state`: a second `update_state` under the name `out`: both keep state, and an edit could swap the two; give one a name of its own, `let name = ...`"
        ]
    );
    assert_eq!(
        about(&format!("let x = a.update_state(f); let x = x.update_state(f); x.to(out); {REST}")).len(),
        1
    );
    // A window holds nothing itself; what reads it has a name of its own.
    assert_eq!(
        about(&format!("a.window(secs(5), secs(5)).join(b.window(secs(5), secs(5))).to(out); {REST}")),
        NOTHING
    );
    // Joins of single batches remember nothing; joins of windows do.
    assert_eq!(about(&format!("a.join(b).join(b).to(out); {REST}")), NOTHING);
    assert_eq!(about(&format!("a.window(secs(5), secs(5)).join(b).join(b).to(out); {REST}")).len(), 1);
}

#[test]
fn absence_is_asked_last() {
    // The stream that does not parse may be the one that is missing.
    assert_eq!(about("let x = a.map(; b.to(other);".replace("map(", "map").as_str()), NOTHING);
    assert_eq!(about("let x = a.; b.to(other);"), NOTHING);
    assert_eq!(
        about("a.map(f);"),
        ["`map`: this stream goes nowhere: send it on with `.to(..)`, or bind it with `let`"]
    );
}

#[test]
fn a_stream_is_named_by_let() {
    assert_eq!(
        about(&format!("x = a.map(f); x.to(out); {REST}")),
        ["`x`: a stream is given its name once, with `let`: write `let x = ...`"]
    );
    assert_eq!(about("let mut n = limit; n = n + 1; a.to(out); b.to(other);"), NOTHING);
}

#[test]
fn what_leaves_a_body_is_blamed_itself() {
    assert!(about(&format!("a.map(f)?.to(out); {REST}"))[0].starts_with("`?`: `?` cannot leave a pipeline"));
    assert!(
        about(&format!("let x = a.await; x.to(out); {REST}"))[0]
            .starts_with("`await`: stream `a` is no future")
    );
}

#[test]
fn nothing_is_cut_into_no_parts() {
    assert_eq!(
        about(&format!("a.map_partitions(0, |part| part).to(out); {REST}")),
        ["`0`: a batch cannot be cut into no parts: write 1 or more"]
    );
    assert_eq!(about(&format!("a.repartition(0).to(out); {REST}")).len(), 1);
    assert_eq!(about(&format!("a.iterate_at_most(0, |x| x.distinct()).to(out); {REST}")).len(), 1);
    assert_eq!(about(&format!("a.repartition(2).to(out); {REST}")), NOTHING);
}

#[test]
fn two_streams_have_two_names() {
    assert_eq!(
        about(&format!("a.split(f).to(out); {REST}")),
        ["`split`: `split` makes two streams: give each a name, `let (some, others) = ...`"]
    );
    assert_eq!(
        about(&format!("let x = a.map_with_state(keeps, f); x.to(out); {REST}")),
        [
            "`map_with_state`: `map_with_state` makes two streams: give each a name, `let (made, states) = ...`"
        ]
    );
    assert_eq!(about(&format!("let (x, _) = (a.split(f)); x.to(out); {REST}")), NOTHING);
}

#[test]
fn what_follows_a_mistake_in_a_loop_is_part_of_it() {
    assert_eq!(
        about(&format!("a.iterate(|x| x.update_state(f).expire_after(t).distinct()).to(out); {REST}")),
        ["`update_state`: `update_state` cannot be repeated: put it before the loop, or behind it"]
    );
}

const ENDS: &str = "`.to(..)` sends it to a sink of its own, `.skip()` drops it and counts, `.fail()` ends the job at the first";

/// Where what fails can go, by its name.
fn ends(name: &str) -> String {
    format!("say where it goes: {}", ENDS.replace("`.", &format!("`{name}.")))
}

#[test]
fn what_fails_goes_somewhere() {
    for end in ["bad.to(other);", "bad.skip(); b.to(other);", "bad.map(g).fail(); b.to(other);"] {
        assert_eq!(about(&format!("let (good, bad) = a.try_map(f); good.to(out); {end} log!(b);")), NOTHING);
    }
    assert_eq!(
        about(&format!("let (good, bad) = a.try_map(f); good.to(out); {REST}")),
        [format!("`bad`: nobody reads what failed, `bad`: {}", ends("bad"))]
    );
    assert_eq!(about(&format!("let (good, _bad) = a.try_map(f); good.to(out); {REST}")).len(), 1);
    for (pattern, at) in [("(good, _)", "_"), ("(good, ..)", ".."), ("_", "_")] {
        let read = if pattern == "_" { "a.to(out);" } else { "good.to(out);" };
        assert_eq!(
            about(&format!("let {pattern} = a.try_map(f); {read} {REST}")),
            [format!("`{at}`: what fails in `try_map` goes nowhere: give it a name, and {}", ends("failed"))]
        );
    }
}

#[test]
fn nothing_comes_after_the_end_of_a_stream() {
    assert_eq!(
        about("a.to(out).to(other);"),
        ["`to`: a stream is sent to one sink at a time: write `a.to(out);` and `a.to(other);`"]
    );
    for (body, operator, end) in [
        ("b.skip().map(f).to(other); a.to(out);", "map", "skip"),
        ("let x = (b.fail()).map(f); a.to(out); x.to(other);", "map", "fail"),
    ] {
        let want = "give the stream before it a name, `let name = ...`, and read it as often as you like";
        assert_eq!(
            about(&format!("{body} log!(a, b, out, other);")),
            [format!("`{operator}`: nothing comes after `{end}`: {want}")]
        );
    }
    assert_eq!(
        about(&format!("a.skip(3).to(out); {REST}")),
        ["`skip`: `skip` takes no arguments: write `.skip()`"]
    );
    assert_eq!(about("a.skip(); b.map(f).fail(); log!(out, other);"), NOTHING);
}

#[test]
fn what_is_tried_has_two_names() {
    let two = ["`try_map`: `try_map` makes two streams: give each a name, `let (made, failed) = ...`"];
    for body in [
        "a.try_map(f).to(out);",
        "a.try_map(f); a.to(out);",
        "let x = a.try_map(f); x.to(out);",
        "let _x = a.try_map(f); a.to(out);",
        "a.union(a.try_map(f)).to(out);",
    ] {
        assert_eq!(about(&format!("{body} {REST}")), two, "{body}");
    }
    assert_eq!(about(&format!("mine(a.try_map(f), out); {REST}")), NOTHING);
    assert_eq!(
        about(&format!("a.iterate(|x| {{ let (y, z) = x.try_map(f); y.union(z) }}).to(out); {REST}")),
        ["`try_map`: `try_map` cannot be repeated: put it before the loop, or behind it"]
    );
}
