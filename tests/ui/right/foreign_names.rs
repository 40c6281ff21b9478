//! Operators of one's own under names that other engines have: they are taken, in `stream!` and outside.

use streaming_runtime::{connect::collect, connect::queue, prelude::*};

trait Own<'s, T: 'static, P: StreamKind> {
    fn print(self) -> Stream<'s, T, P>;
    fn take(self, most: T) -> Stream<'s, T, P>;
    fn enumerate(self) -> Stream<'s, (u64, T), P>;
    fn len(self) -> Stream<'s, T, P>;
}

impl<'s, P: StreamKind> Own<'s, u64, P> for Stream<'s, u64, P> {
    fn print(self) -> Stream<'s, u64, P> {
        self.inspect(|n| println!("{n}")).share()
    }
    fn take(self, most: u64) -> Stream<'s, u64, P> {
        self.filter(move |n| *n < most).share()
    }
    fn enumerate(self) -> Stream<'s, (u64, u64), P> {
        self.key_by(|n| n % 2).share()
    }
    fn len(self) -> Stream<'s, u64, P> {
        // Outside of `stream!`, of another chain, and as what `share` is for.
        self.map(|n| n + 1).share().print()
    }
}

stream!(
    #[batch(secs(1))]
    fn own<numbers: Source<u64>, out: Sink<(u64, u64)>>() {
        numbers.print().take(3).len().enumerate().to(out);
    }
);

#[tokio::test]
async fn ones_own_operator_wins() {
    let (out, all) = collect();
    let clock = ManualClock::new();
    let ports = own::Ports { numbers: queue(vec![vec![1, 2, 3, 4]]), out };
    let mut job = Engine::new().manual_clock(&clock).start(ports).expect("it starts");
    clock.advance(secs(1));
    job.join().await.expect("it ends");
    assert_eq!(all.records(), [(0, 2), (1, 3)]);
}
