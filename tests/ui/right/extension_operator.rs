//! An operator of one's own is a method of an extension trait.

use streaming_runtime::{Record, prelude::*};

trait Sample<'s, T: 'static> {
    /// Every `nth` record.
    fn every(self, nth: u64) -> Stream<'s, T>;
}

impl<'s, T: Record> Sample<'s, T> for Stream<'s, T> {
    fn every(self, nth: u64) -> Stream<'s, T> {
        let mut seen = 0;
        let is_due = move |_: &T| {
            seen += 1;
            seen % nth == 0
        };
        self.filter(is_due).share()
    }
}

stream!(
    #[batch(secs(1))]
    fn sampled<words: Source<String>, out: Sink<String>, long: Sink<String>>(nth: u64) {
        let some = words.map(|word| word.to_uppercase()).every(nth);
        some.every(2).to(out);
        some.filter(|word| word.len() > 3).to(long);
    }
);

#[test]
fn an_operator_of_ones_own_has_an_id() {
    assert!(sampled::OPERATORS.contains(&"sampled/some/every"), "{:?}", sampled::OPERATORS);
    let _ = |words: streaming_runtime::connect::ChannelSource<String>| {
        let (out, long) = (streaming_runtime::connect::console(), streaming_runtime::connect::console());
        Engine::new().start(sampled::Ports { words, out, long, nth: 2 })
    };
}
