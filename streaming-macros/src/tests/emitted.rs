//! The items as a whole.

use super::{input, pipeline, programs, squeezed};

fn emitted(body: &str) -> String {
    squeezed(&crate::expand(input(&pipeline(body))).to_string())
}

#[test]
fn no_path_leads_out_of_an_item() {
    // A pipeline may stand in a function, whose items no path reaches.
    for program in [programs::WORD_COUNT, programs::ORDERS, programs::COMPONENTS] {
        let out = squeezed(&crate::expand(input(program)).to_string());
        assert!(!["super::", "self::", "crate::"].iter().any(|path| out.contains(path)), "{out}");
    }
}

#[test]
fn an_error_stands_where_it_quiets_rustc() {
    // Inside the body rustc then says nothing about types that nobody told it.
    let out = emitted("let x = a.map(f); b.union(a).to(out); b.to(other);");
    assert!(
        out.contains(
            r#"b.again().at(streaming_runtime::__private::OpId("p/other/to")).to(&other);::core::compile_error!"#
        ),
        "{out}"
    );
    assert!(out.contains("cfg_attr(any(),cfg(miri))"), "{out}");
    // A body without a meaning is hidden, and what parses only half would swallow the error.
    for body in ["if true { a.to(out); } b.to(other);", "a.union(b).to(out); a.to(out); let x = b."] {
        let out = emitted(body);
        assert!(out.trim_end().ends_with("}") && !out.contains("};::core::compile_error!"), "{out}");
    }
    assert!(emitted("if true { a.to(out); } b.to(other);").contains("cfg_attr(all(),cfg(miri))"));
}

#[test]
fn a_port_may_have_the_pipelines_name() {
    let out = squeezed(
        &crate::expand(input("#[batch(secs(1))] fn p<a: Source<u64>, p: Sink<u64>>() { a.to(p); }"))
            .to_string(),
    );
    assert!(out.contains("enum p<a,p_>"), "{out}");
}

/// What an expansion costs; `cargo run -p benches -- compile` reads the line that this prints.
#[test]
#[ignore = "a measurement"]
fn expansion_time() {
    const TIMES: u32 = 1000;
    let started = std::time::Instant::now();
    for _ in 0..TIMES {
        // The text is read anew each time: what a compiler hands over was read before, so this is an upper bound.
        std::hint::black_box(crate::expand(input(programs::WORD_COUNT)));
    }
    let each = started.elapsed() / TIMES;
    println!("us an expansion: {:.1}", each.as_secs_f64() * 1e6);
}

#[test]
fn what_a_lost_body_would_have_imported_is_imported() {
    let out = emitted(
        "let m: HashMap<u64, Vec<Click>> = HashMap::new(); let f = |x| x; if limit > 3 { a.map(parse).to(out); } b.map(f).to(other); info!(x);",
    );
    for name in ["HashMap", "Vec", "Click", "parse", "info"] {
        assert!(out.contains(&format!("use {name} as _;")), "{name}: {out}");
    }
    for name in ["u64", "f", "limit", "x", "m", "out"] {
        assert!(!out.contains(&format!("use {name} as _;")), "{name}: {out}");
    }
    assert!(!emitted("a.to(out); b.to(other); parse(3);").contains("use parse as _"));
}
