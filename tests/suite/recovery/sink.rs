//! A sink that lasts longer than its job, and sees what is delivered twice.

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
pub(crate) type Delivered = BTreeMap<BatchTime, Vec<String>>;

/// Clones are one sink.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lasting(Arc<Mutex<Delivered>>);

impl Lasting {
    pub(crate) fn delivered(&self) -> Delivered {
        self.0.lock().expect("no test has panicked").clone()
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
