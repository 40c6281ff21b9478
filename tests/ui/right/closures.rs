//! What may stand where an operator takes a closure.

use streaming_runtime::prelude::*;

fn doubled(n: u64) -> u64 {
    2 * n
}

fn digits(n: u64) -> Vec<u64> {
    n.to_string().bytes().map(|digit| u64::from(digit - b'0')).collect()
}

stream!(
    #[batch(secs(1))]
    fn closures<numbers: Source<u64>, words: Source<String>, out: Sink<u64>, parsed: Sink<u64>>(most: u64) {
        let small = move |n: &u64| *n < most;
        let kept = numbers.map(doubled).filter(small).flat_map(digits).map(|n: u64| -> u64 { n + 1 });
        kept.reduce(u64::max).to(out);
        // The sink says what is parsed.
        words.filter_map(|word| word.parse().ok()).to(parsed);
    }
);

#[test]
fn functions_and_closures_are_one() {
    use streaming_runtime::connect::{channel, console};
    let (_sender, numbers) = channel::<u64>(8);
    let (_sender, words) = channel::<String>(8);
    let ports = closures::Ports { numbers, words, out: console(), parsed: console(), most: 9 };
    let _ = || Engine::new().start(ports);
}
