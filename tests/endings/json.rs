//! Times go out as they are.

use streaming_runtime::{
    ManualClock,
    connect::{channel, collect},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.to(out);
    }
);

#[tokio::test]
async fn the_times_of_batches_are_exact() {
    // At about the time of today, a float has a quarter of a microsecond left for milliseconds.
    let clock = ManualClock::new();
    clock.advance(std::time::Duration::from_nanos(1_796_056_561_849_999_876));
    let ((sender, numbers), (out, copied)) = (channel(8), collect());
    let engine = Engine::new().manual_clock(&clock).close_early(true);
    let mut job = engine.start(copy::Ports { numbers, out }).expect("it starts");
    for n in 0..10_u64 {
        clock.advance(std::time::Duration::from_nanos(12_345_677));
        sender.send_tracked(n).await.expect("it runs").await.expect("it is delivered");
        let last = copied.batches().pop().expect("there is one").time;
        let json = serde_json::to_string(&job.metrics()).expect("plain values");
        assert!(json.contains(&format!("\"last_batch\":{},", last.as_millis())), "{json}");
        assert!(json.contains(&format!("\"last_batch_nanos\":{},", last.as_nanos())), "{json}");
        let why = serde_json::to_string(&job.explain()).expect("plain values");
        assert!(why.contains(&format!("\"delivered\":{},", last.as_millis())), "{why}");
    }
    job.stop().await.expect("it stops");
}
