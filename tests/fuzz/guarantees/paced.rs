//! Sources that are asked for each batch.

use streaming_runtime::{
    connect::{collect, queue},
    prelude::*,
};

stream!(
    #[batch(millis(20))]
    fn copied<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

/// Batches close early, by the system's clock, and a worker may find its queue drained in the midst of what is sent.
#[tokio::test]
async fn what_is_given_for_a_batch_is_in_that_batch() {
    let given: Vec<Vec<i64>> = (0..20).map(|n| (0..6000).map(|i| 6000 * n + i).collect()).collect();
    let (out, all) = collect();
    let engine = Engine::new().workers(3).close_early(true);
    let mut job = engine.start(copied::Ports { numbers: queue(given.clone()), out }).expect("it starts");
    job.join().await.expect("it ends with its source");
    let came = all.batches().into_iter().map(|batch| batch.records).filter(|records| !records.is_empty());
    let came: Vec<Vec<i64>> = came
        .map(|mut records| {
            records.sort_unstable();
            records
        })
        .collect();
    let sizes: Vec<usize> = came.iter().map(Vec::len).collect();
    assert!(came == given, "batches of 6000 came as {sizes:?}");
}
