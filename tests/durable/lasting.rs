//! A sink that lasts longer than its job.

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

    /// The records of the last batch.
    pub(crate) fn last(&self) -> Vec<String> {
        self.delivered().into_values().next_back().unwrap_or_default()
    }
}

impl<T: Debug + Send + 'static> Sink<T> for Lasting {
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let mut records: Vec<String> = batch.records.iter().map(|record| format!("{record:?}")).collect();
        records.sort();
        self.0.lock().expect("no test has panicked").insert(batch.time, records);
        Ok(())
    }
}
