//! Names that could meet: each thing keeps its own.

use streaming_runtime::prelude::*;

stream!(
    /// A pipeline with the name of its sink.
    #[batch(secs(1))]
    fn counts<numbers: Source<u64>, counts: Sink<(u64, i64)>>() {
        let counted = numbers.count_by_value();
        counted.to(counts);
    }
);

stream!(
    /// A closure's own `lines` is not the stream, and a shadowed name is the newer one.
    #[batch(secs(1))]
    fn shadows<lines: Source<String>, out: Sink<u64>>() {
        let lines = lines.filter(|lines| !lines.is_empty());
        let lines = lines.map(|line| line.len() as u64);
        lines.to(out);
    }
);

/// What stands in a body may have methods of the runtime's names.
struct Grid;

impl Grid {
    fn at(&self, n: u64) -> u64 {
        n
    }
    fn share(&self) -> u64 {
        1
    }
}

stream!(
    #[batch(secs(1))]
    fn methods<numbers: Source<u64>, out: Sink<u64>>() {
        let kept = numbers.map(|n| Grid.at(n) + Grid.share());
        kept.to(out);
    }
);

#[test]
fn ports_are_fields() {
    use streaming_runtime::connect::{channel, console};
    let (_sender, source) = channel::<u64>(8);
    let _ = || Engine::new().start(counts::Ports { numbers: source, counts: console() });
    let (_sender, lines) = channel::<String>(8);
    let _ = || Engine::new().start(shadows::Ports { lines, out: console() });
    let (_sender, numbers) = channel::<u64>(8);
    let _ = || Engine::new().start(methods::Ports { numbers, out: console() });
}
