//! Each mistake in a header gives one error, at the author's token, with the fix.

use super::said;

const NOTHING: [&str; 0] = [];

#[test]
fn headers() {
    let sinks = "out: Sink<u64>";
    let cases = [
        (
            format!("fn p<a: Source<u64>, {sinks}>()"),
            "`p`: pipeline `p` has no batch interval: write `#[batch(secs(1))]` above it",
        ),
        (
            format!("#[batch(EACH)] fn p<a: Source<u64>, {sinks}>()"),
            "`EACH`: the batch interval is part of the program, so it must be a literal: write the interval out: `#[batch(secs(1))]`, or another number of `millis(..)`, `secs(..)`, `minutes(..)` or `hours(..)`",
        ),
        (
            format!("#[batch(secs(0))] fn p<a: Source<u64>, {sinks}>()"),
            "`secs(0)`: a batch of no length never ends: write at least `#[batch(millis(1))]`",
        ),
        (
            format!("#[batch(secs(1))] fn p<'a, a: Source<u64>, {sinks}>()"),
            "`'a`: a pipeline owns its records, so it has no lifetimes: what stands in `<>` are ports: `name: Source<T>` or `name: Sink<T>`",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source<u64>, const N: usize, {sinks}>()"),
            "`const N: usize`: a pipeline has no constants of its own: put `N: usize` into the `()`",
        ),
        (
            format!("#[batch(secs(1))] fn p<a, {sinks}>()"),
            "`a`: port `a` says neither where it leads nor what it carries: write `a: Source<T>` or `a: Sink<T>`",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Clone, {sinks}>()"),
            "`Clone`: port `a` is neither a source nor a sink: write `a: Source<T>` or `a: Sink<T>`",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source<u64> + Send, {sinks}>()"),
            "`Send`: port `a` is one thing only: write `a: Source<T>` or `a: Sink<T>`, and delete this",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source, {sinks}>()"),
            "`Source`: port `a` carries one type of record: write `a: Source<T>`",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source<u64>, a: Source<u64>, {sinks}>()"),
            "`a`: port `a` is declared twice: rename this one",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source<u64>, {sinks}>(a: u64)"),
            "`a`: `a` is a port already: rename this value",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source<u64>, {sinks}>((x, y): (u64, u64))"),
            "`(x, y)`: give this value a name, `name: Type`, and take it apart in the body",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source<u64>, {sinks}>(&self)"),
            "`&self`: a pipeline belongs to no value: pass what it needs as `name: Type`",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source<u64>, {sinks}>() -> u64"),
            "`-> u64`: a pipeline returns nothing: declare a port `out: Sink<T>` in the `<>` and end a stream with `.to(out)`",
        ),
        (
            format!("#[batch(secs(1))] async fn p<a: Source<u64>, {sinks}>()"),
            "`async`: a pipeline runs on the engine's own workers: delete `async`, and await the job instead",
        ),
        (
            format!("#[batch(secs(1))] fn p<a: Source<u64>, {sinks}>() where u64: Copy"),
            "`where u64: Copy`: a pipeline is not generic, so there is nothing to bound: delete the `where` clause",
        ),
        (
            "#[batch(secs(1))] fn p<a: Source<u64>>()".to_owned(),
            "`p`: a pipeline without a sink has nothing to do: declare a port `name: Sink<T>` in the `<>` of `p`",
        ),
        (
            format!("#[batch(secs(1))] fn p<{sinks}>()"),
            "`p`: pipeline `p` has no source, so nothing ever happens in it: declare a port `name: Source<T>` in its `<>`",
        ),
    ];
    for (header, message) in cases {
        assert_eq!(said(&format!("{header} {{ }}")), [message], "{header}");
    }
}

#[test]
fn what_a_header_carries_is_owned() {
    let with = |record: &str, value: &str| {
        let header = format!("#[batch(secs(1))] fn p<a: Source<{record}>, out: Sink<u64>>(v: {value})");
        said(&format!("{header} {{ a.to(out); }}"))
    };
    assert_eq!(with("&str", "u64"), ["`&str`: a record owns its data: write `String` for `&str`"]);
    assert_eq!(
        with("(u64, &'static [u8])", "u64"),
        ["`&'static [u8]`: a record owns its data: write `Vec<u8>` for `&'static [u8]`"]
    );
    assert_eq!(with("Vec<&Click>", "u64"), ["`&Click`: a record owns its data: write `Click` for `&Click`"]);
    assert_eq!(
        with("Cow<'a, str>", "u64"),
        ["`'a`: a record owns its data, and nothing else lives for `'a`: take a type without it"]
    );
    assert_eq!(
        with("u64", "Option<&str>"),
        ["`&str`: a value outlives whoever starts the pipeline: write `String` for `&str`"]
    );
    for (record, value) in [
        ("Cow<'static, str>", "&'static str"),
        ("u64", "fn(&str) -> u64"),
        ("u64", "Arc<dyn Fn(&str) -> u64 + Send + Sync>"),
        ("u64", "Box<dyn for<'a> Look<'a>>"),
    ] {
        assert_eq!(with(record, value), NOTHING, "{record}, {value}");
    }
}

#[test]
fn what_is_missing_around_a_header_hides_nothing_else() {
    let ports = "a: Source<u64>, out: Sink<u64>";
    assert_eq!(
        said(&format!("#[batch(secs(1))] fn p<{ports}> {{ a.to(out); }}")),
        ["`{`: run-time values stand in `()` behind the ports: write `fn p<..>()`"]
    );
    assert_eq!(
        said(&format!("#[batch(secs(1))] fn p<{ports}>();")),
        ["`;`: a pipeline has a body: write `{ .. }` behind its header"]
    );
    assert_eq!(
        said(&format!("#[batch(secs(1))] fn p<{ports}>() {{ a.to(out); }} fn q() {{}}")),
        ["`fn`: a `stream!` holds one pipeline: give what follows a `stream!` of its own"]
    );
    assert_eq!(
        said("#[batch(secs(1))] fn p<out: Sink<u64>>(a: Source<u64>) { a.to(out); }"),
        [
            "`Source<u64>`: `Source` says that `a` is a port, and ports stand in the `<>`: write `fn p<a: Source<u64>>(..)`"
        ]
    );
}
