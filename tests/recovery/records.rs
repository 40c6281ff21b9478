//! What the log has of a durable source is not read as records of another type, nor as those of another pipeline.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    BatchTime, Checkpoint, JobError, ManualClock,
    checkpoint::CheckpointError,
    connect::{Batch, ConnectorError, Delivery, channel, durable, queue},
    prelude::*,
};

/// A table that has lost its rows at each start, so that all batches run again.
#[derive(Clone, Default)]
struct Rows(Arc<Mutex<Vec<(i64, i64)>>>);

impl Sink<(i64, i64)> for Rows {
    const DELIVERY: Delivery = Delivery::Transactional;
    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        Ok(None)
    }
    async fn write(&mut self, batch: Batch<(i64, i64)>) -> Result<(), ConnectorError> {
        self.0.lock().expect("no panic").extend(batch.records);
        Ok(())
    }
}

macro_rules! program {
    ($name:ident, $first:ident, $second:ident) => {
        mod $name {
            use super::*;
            #[derive(Clone, Serialize, Deserialize)]
            pub(super) struct Order {
                pub(super) $first: i64,
                pub(super) $second: i64,
            }
            stream!(
                #[batch(secs(1))]
                pub(super) fn noted<orders: Source<Order>, out: Sink<(i64, i64)>>() {
                    orders.map(|order| (order.price, order.amount)).to(out);
                }
            );
        }
    };
}
program!(before, price, amount);
program!(after, amount, price);

#[tokio::test]
async fn records_of_a_durable_source_with_fields_in_another_order() {
    let (directory, clock) = (tempfile::tempdir().expect("temp"), ManualClock::new());
    let engine =
        Engine::new().manual_clock(&clock).checkpoint(Checkpoint::new(directory.path()).exactly_once());
    let rows = Rows::default();
    let (sender, orders) = channel(16);
    let ports = before::noted::Ports { orders: durable(orders), out: rows.clone() };
    let mut job = engine.start(ports).expect("it starts");
    sender.send(before::Order { price: 100, amount: 1 }).await.expect("it runs");
    sender.send(before::Order { price: 200, amount: 2 }).await.expect("it runs");
    drop(sender);
    clock.advance(secs(1));
    job.stop().await.expect("it stops");
    assert_eq!(*rows.0.lock().expect("no panic"), [(100, 1), (200, 2)]);

    let rows = Rows::default();
    let (sender, orders) = channel(16);
    let ports = after::noted::Ports { orders: durable(orders), out: rows.clone() };
    let mut job = engine.start(ports).expect("what does not fit is known later");
    drop(sender);
    clock.advance(secs(5));
    let ended = tokio::time::timeout(secs(10), job.join()).await.expect("it does not hang");
    match ended {
        Err(JobError::Checkpoint(CheckpointError::Incompatible { what })) => {
            assert!(what.contains("source `orders`"), "{what}");
        }
        other => panic!("{other:?}, and the rows are {:?}", rows.0.lock().expect("no panic")),
    }
}

stream!(
    #[batch(secs(1))]
    fn other<orders: Source<(i64, i64)>, out: Sink<(i64, i64)>>() {
        orders.to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn another<orders: Source<(i64, i64)>, out: Sink<(i64, i64)>>() {
        orders.to(out);
    }
);

#[tokio::test]
async fn a_directory_of_another_pipeline_is_refused() {
    let (directory, clock) = (tempfile::tempdir().expect("temp"), ManualClock::new());
    let engine = Engine::new().manual_clock(&clock).checkpoint(directory.path());
    let orders = || queue(vec![vec![(1, 1)]]);
    let mut job = engine.start(other::Ports { orders: orders(), out: Rows::default() }).expect("it starts");
    clock.advance(secs(1));
    job.join().await.expect("it ends well");
    let error = engine.start(another::Ports { orders: orders(), out: Rows::default() });
    let error = error.err().expect("it is the other's");
    assert!(error.to_string().contains("it is of the pipeline `other`, and this is `another`"), "{error}");
}
