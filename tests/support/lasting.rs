//! A sink that outlives its job.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use streaming_runtime::{
    BatchTime, Sink,
    connect::{Batch, ConnectorError, Delivery},
};

/// What was delivered, batch by batch, the records of each in order.
pub type Delivered = BTreeMap<BatchTime, Vec<String>>;

/// A sink that keeps what jobs deliver, one after the other; clones are one sink. A batch that comes again must be as it was.
#[derive(Clone, Debug, Default)]
pub struct Lasting(Arc<Mutex<Delivered>>);

impl Lasting {
    /// All that was delivered.
    pub fn delivered(&self) -> Delivered {
        self.0.lock().expect("no test has panicked").clone()
    }

    /// The records of the last batch.
    pub fn last(&self) -> Vec<String> {
        self.delivered().into_values().next_back().unwrap_or_default()
    }
}

impl<T: Debug + Send + 'static> Sink<T> for Lasting {
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let mut records: Vec<String> = batch.records.iter().map(|record| format!("{record:?}")).collect();
        records.sort();
        let mut delivered = self.0.lock().expect("no test has panicked");
        match delivered.insert(batch.time, records.clone()) {
            Some(before) if before != records => Err(ConnectorError::other(format!(
                "the batch at {} came again with {records:?} for {before:?}",
                batch.time
            ))),
            _ => Ok(()),
        }
    }
}
