//! What the body becomes.

use super::{ids, lowered};

/// Leaves the operators' names out, where a test is about something else.
pub fn plain(body: &str) -> String {
    let mut out = lowered(body);
    while let Some(start) = out.find(".at(rt::__private::OpId(") {
        let end = out[start..].find("))").expect("an id ends") + start + 2;
        out.replace_range(start..end, "");
    }
    out
}

#[test]
fn operators_are_named_and_sinks_are_borrowed() {
    assert_eq!(
        lowered("a.map(f).to(out);"),
        r#"a.at(rt::__private::OpId("p/out/map")).map(f).at(rt::__private::OpId("p/out/to")).to(&out);"#
    );
}

#[test]
fn a_stream_that_is_used_once_stays_lazy() {
    assert_eq!(plain("let x = a.map(f); x.to(out);"), "let x=a.map(f);x.to(&out);");
}

#[test]
fn a_stream_that_is_used_twice_is_shared() {
    assert_eq!(
        plain("let x = a.map(f); x.filter(g).to(out); x.union(b).to(other);"),
        "let x=a.map(f).share();x.again().filter(g).to(&out);x.again().union(b).to(&other);"
    );
}

#[test]
fn a_source_is_shared_as_it_is() {
    assert_eq!(
        plain("a.to(out); a.union(b).to(other);"),
        "a.again().to(&out);a.again().union(b).to(&other);"
    );
}

#[test]
fn shadowing_starts_a_new_count() {
    assert_eq!(
        plain("let x = a.map(f); let x = x.map(g); x.union(b).to(out);"),
        "let x=a.map(f);let x=x.map(g);x.union(b).to(&out);"
    );
    assert_eq!(plain("a.map(|a| a).to(out);"), "a.map(|a|a).to(&out);");
}

#[test]
fn parts_of_a_split_are_real_already() {
    assert_eq!(
        plain("let (x, y) = a.split(f); x.union(y).to(out); x.to(other);"),
        "let(x,y)=a.split(f);x.again().union(y).to(&out);x.again().to(&other);"
    );
}

#[test]
fn code_of_the_users_sees_plain_streams() {
    let helper = r#".call(rt::__private::OpId("p/out/helper"))"#;
    assert_eq!(
        plain("let x = a.map(f); helper(x, 3).to(out);"),
        format!("let x=a.map(f);helper(x{helper},3).to(&out);")
    );
    assert_eq!(plain("helper(a.map(f)).to(out);"), format!("helper(a.map(f){helper}).to(&out);"));
    assert_eq!(plain("helper(a).to(out);"), format!("helper(a{helper}).to(&out);"));
    let inner = r#".call(rt::__private::OpId("p/out/inner"))"#;
    assert_eq!(plain("helper(inner(a)).to(out);"), format!("helper(inner(a{inner}){helper}).to(&out);"));
    let mine = r#".call(rt::__private::OpId("p/out/mine"))"#;
    assert_eq!(plain("a.map(f).mine(3).to(out);"), format!("a.map(f){mine}.mine(3).to(&out);"));
    assert_eq!(
        lowered("a.map(f).mine(b.map(g)).to(out);"),
        concat!(
            r#"a.at(rt::__private::OpId("p/out/map")).map(f).call(rt::__private::OpId("p/out/mine"))"#,
            r#".mine(b.at(rt::__private::OpId("p/out/map#2")).map(g).call(rt::__private::OpId("p/out/mine"))).at(rt::__private::OpId("p/out/to")).to(&out);"#
        )
    );
    assert_eq!(
        plain("let x: Stream<'_, u64> = a.map(f); x.to(out);"),
        "let x:Stream<'_,u64>=a.map(f).share();x.to(&out);"
    );
    assert_eq!(plain("let v = vec(); v.push((a.map(f), 1));"), "let v=vec();v.push((a.map(f).share(),1));");
}

#[test]
fn flat_map_sends_what_borrows_before_the_record_goes() {
    assert_eq!(
        plain("a.flat_map(|l| l.split()).to(out);"),
        "a.flat_map(|l,__out|__out.extend(l.split())).to(&out);"
    );
    assert_eq!(
        plain("a.flat_map(move |l| { let n = 1; [l, n] }).to(out);"),
        "a.flat_map(move|l,__out|__out.extend({let n=1;[l,n]})).to(&out);"
    );
    assert_eq!(
        plain("a.flat_map_values(|v| [v]).to(out);"),
        "a.flat_map_values(|v,__out|__out.extend([v])).to(&out);"
    );
    // A `return` of an inner closure leaves that closure only.
    assert_eq!(
        plain("a.flat_map(|l| l.map(|x| return x)).to(out);"),
        "a.flat_map(|l,__out|__out.extend(l.map(|x|return x))).to(&out);"
    );
}

#[test]
fn flat_map_keeps_functions_and_early_returns_whole() {
    let kept = |f: &str| format!("a.flat_map(|__record,__out|__out.extend_with(__record,{f})).to(&out);");
    assert_eq!(plain("a.flat_map(numbers).to(out);"), kept("numbers"));
    assert_eq!(plain("a.flat_map(|l| { return vec![l]; }).to(out);"), kept("|l|{return vec![l];}"));
    assert_eq!(plain("a.flat_map(|l| Some(l?.x)).to(out);"), kept("|l|Some(l?.x)"));
    assert_eq!(plain("a.flat_map(|l| -> Vec<u8> { vec![] }).to(out);"), kept("|l|->Vec<u8>{vec![]}"));
    // With two parameters the author writes to the emitter.
    assert_eq!(
        plain("a.flat_map(|l, out| out.extend(l)).to(out);"),
        "a.flat_map(|l,out|out.extend(l)).to(&out);"
    );
}

#[test]
fn ordinary_rust_passes_through() {
    let body = "let n=limit+1;if n>3{println!(\"{n}\");}let s=text.map(|a|a.flat_map(f));a.filter(move|x|x.1>n).to(&out);";
    assert_eq!(plain(&body.replace("&out", "out")), body);
}

#[test]
fn loops_bring_outer_streams_in() {
    assert_eq!(
        lowered("let x = a.distinct(); let y = x.iterate(|l| { let z = l.join(b); z.union(x) }); y.to(out);"),
        concat!(
            r#"let x=a.at(rt::__private::OpId("p/x/distinct")).distinct().share();"#,
            r#"let y=x.again().at(rt::__private::OpId("p/y/iterate")).iterate(|__scope,l|{"#,
            r#"let z=l.at(rt::__private::OpId("p/y/loop/z/join")).join(b.again().enter(__scope));"#,
            r#"z.at(rt::__private::OpId("p/y/loop/union")).union(x.again().enter(__scope)).share()});"#,
            r#"y.at(rt::__private::OpId("p/out/to")).to(&out);"#
        )
    );
}

#[test]
fn a_stream_enters_loop_by_loop() {
    let body = lowered(
        "let y = a.iterate(|l| { let z = l.iterate(|m| m.join(b).union(l)); z.distinct() }); y.to(out);",
    );
    assert!(body.contains("iterate(|__scope1,m|"), "{body}");
    assert!(body.contains(".join(b.again().enter(__scope).enter(__scope1))"), "{body}");
    assert!(body.contains(".union(l.again().enter(__scope1))"), "{body}");
}

#[test]
fn ids_do_not_depend_on_the_order_of_statements() {
    let first = ["let x = a.map(f).filter(g);", "let y = b.map(f).map(g);"];
    let last = ["x.reduce_by_key(f).to(out);", "y.filter(g).to(other);"];
    let mut one = ids(&[first[0], first[1], last[0], last[1]].concat());
    let mut two = ids(&[first[1], last[1], first[0], last[0]].concat());
    one.sort();
    two.sort();
    assert_eq!(one, two);
    assert_eq!(
        one,
        [
            "p/other/filter",
            "p/other/to",
            "p/out/reduce_by_key",
            "p/out/to",
            "p/x/filter",
            "p/x/map",
            "p/y/map",
            "p/y/map#2"
        ]
    );
}

#[test]
fn what_does_not_parse_hides_nothing() {
    assert_eq!(
        plain("let x = a.; let y = b.map(f).; x.to(out); y.to(other)"),
        "let x=a.;let y=b.map(f).share().;x.to(&out);y.to(&other);"
    );
    // The missing `;` stays missing: rustc reports it.
    assert_eq!(
        plain("let x = a.map(f) let y = b.map(g); x.to(out); y.to(other)"),
        "let x=a.map(f)let y=b.map(g);x.to(&out);y.to(&other);"
    );
    assert_eq!(plain("let x = a.map(f)"), "let x=a.map(f)");
    assert_eq!(
        plain("#[x] let x = a.map(f); if let Some(n) = limit {} x.to(out);"),
        "#[x]let x=a.map(f);if let Some(n)=limit{}x.to(&out);"
    );
    assert_eq!(plain("let x = a.map(f) x.to(out); b.to(other);"), "let x=a.map(f)x.to(&out);b.to(&other);");
}

#[test]
fn what_fails_ends_under_its_name() {
    let body = "let (good, bad) = a.map(f).try_map(g); good.to(out); bad.map(h).skip(); b.to(other);";
    assert_eq!(
        plain(body),
        "let(good,bad)=a.map(f).try_map(g);good.to(&out);bad.map(h).skip();b.to(&other);"
    );
    assert_eq!(
        ids(body),
        ["p/good+bad/map", "p/good+bad/try_map", "p/out/to", "p/bad/map", "p/bad/skip", "p/other/to"]
    );
}
