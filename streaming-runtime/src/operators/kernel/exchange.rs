//! Records that go to the worker that owns them.
//!
//! As timely's `Exchange`, but what is between two workers does not know the type of the records: a channel, within the process
//! and to other processes, is much code, which is so compiled once and not once a type. It costs an allocation a message, which
//! has a whole buffer of records. On the wire between processes a message is what timely makes of it.

use std::{any::Any, io::Write, marker::PhantomData, rc::Rc};

use serde::{Serialize, de::DeserializeOwned};
use timely::{
    Accountable,
    bytes::arc::Bytes,
    communication::{Pull, Push},
    container::CapacityContainerBuilder,
    dataflow::channels::{
        ContainerBytes, Message,
        pact::{LogPuller, LogPusher, ParallelizationContract},
        pushers::{Exchange as Distributing, exchange::DrainContainerDistributor},
    },
    logging::TimelyLogger,
    worker::Worker,
};

use crate::ids::Epoch;

/// Each record goes to the worker of the number that `owner` gives for it, modulo how many workers there are.
pub(crate) struct Exchange<T, F> {
    owner: F,
    records: PhantomData<fn(T)>,
}

impl<T, F: FnMut(&T) -> u64 + 'static> Exchange<T, F> {
    pub(crate) fn new(owner: F) -> Self {
        Exchange { owner, records: PhantomData }
    }
}

impl<T, F> ParallelizationContract<Epoch, Vec<T>> for Exchange<T, F>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    F: FnMut(&T) -> u64 + 'static,
{
    type Pusher =
        Distributing<Epoch, ParcelPusher<T>, DrainContainerDistributor<CapacityContainerBuilder<Vec<T>>, F>>;
    type Puller = ParcelPuller<T>;

    fn connect(
        self,
        worker: &Worker,
        identifier: usize,
        address: Rc<[usize]>,
        logging: Option<TimelyLogger>,
    ) -> (Self::Pusher, Self::Puller) {
        let (pushers, parcels) = parcels(worker, identifier, address, logging);
        let pushers = pushers.into_iter().map(|parcels| ParcelPusher { parcels, records: PhantomData });
        let distributor = DrainContainerDistributor::new(self.owner, worker.peers());
        (Distributing::new(pushers.collect(), distributor), ParcelPuller { parcels, message: None })
    }
}

type ParcelsOut = LogPusher<Box<dyn Push<Message<Epoch, Parcel>>>>;
type ParcelsIn = LogPuller<Box<dyn Pull<Message<Epoch, Parcel>>>>;

/// A channel between all workers.
fn parcels(
    worker: &Worker,
    identifier: usize,
    address: Rc<[usize]>,
    logging: Option<TimelyLogger>,
) -> (Vec<ParcelsOut>, ParcelsIn) {
    let (pushers, puller) = worker.allocate(identifier, address);
    let pushers = pushers
        .into_iter()
        .enumerate()
        .map(|(target, pusher)| LogPusher::new(pusher, worker.index(), target, identifier, logging.clone()));
    let pushers = pushers.collect();
    (pushers, LogPuller::new(puller, worker.index(), identifier, logging))
}

/// The records of a message.
pub(crate) enum Parcel {
    /// As they were sent, within a process.
    Whole(Box<dyn Records>),
    /// As they came from another process.
    Bytes(Bytes),
}

/// A `Vec` of records, whatever their type.
pub(crate) trait Records: Any + Send {
    fn count(&self) -> usize;
    fn length_in_bytes(&self) -> usize;
    fn bytes(&self) -> Vec<u8>;
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Records for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn length_in_bytes(&self) -> usize {
        ContainerBytes::length_in_bytes(self)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        ContainerBytes::into_bytes(self, &mut bytes);
        bytes
    }
}

impl Accountable for Parcel {
    fn record_count(&self) -> i64 {
        match self {
            Parcel::Whole(records) => records.count() as i64,
            // Only timely's log asks, which does not hear of it: it is known when they are read.
            Parcel::Bytes(_) => 0,
        }
    }
}

impl ContainerBytes for Parcel {
    fn from_bytes(bytes: Bytes) -> Self {
        Parcel::Bytes(bytes)
    }

    fn length_in_bytes(&self) -> usize {
        match self {
            Parcel::Whole(records) => records.length_in_bytes(),
            Parcel::Bytes(bytes) => bytes.len(),
        }
    }

    fn into_bytes<W: Write>(&self, writer: &mut W) {
        let written = match self {
            Parcel::Whole(records) => writer.write_all(&records.bytes()),
            Parcel::Bytes(bytes) => writer.write_all(bytes),
        };
        written.expect("there is room for as many bytes as it said that it has");
    }
}

/// Sends records of type `T` as parcels.
pub(crate) struct ParcelPusher<T> {
    parcels: ParcelsOut,
    records: PhantomData<fn(T)>,
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Push<Message<Epoch, Vec<T>>> for ParcelPusher<T> {
    fn push(&mut self, message: &mut Option<Message<Epoch, Vec<T>>>) {
        let parcel = message.take().map(|Message { stamp, data, from, seq }| {
            let data = Parcel::Whole(Box::new(data));
            Message { stamp, data, from, seq }
        });
        self.parcels.push(&mut { parcel });
    }
}

/// Receives records of type `T`.
pub(crate) struct ParcelPuller<T> {
    parcels: ParcelsIn,
    /// What came last.
    message: Option<Message<Epoch, Vec<T>>>,
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Pull<Message<Epoch, Vec<T>>> for ParcelPuller<T> {
    fn pull(&mut self) -> &mut Option<Message<Epoch, Vec<T>>> {
        self.message = self.parcels.pull().take().map(|Message { stamp, data, from, seq }| {
            let data = match data {
                Parcel::Whole(records) => {
                    let records: Box<dyn Any> = records;
                    *records.downcast().expect("a channel has records of one type")
                }
                Parcel::Bytes(bytes) => ContainerBytes::from_bytes(bytes),
            };
            Message { stamp, data, from, seq }
        });
        &mut self.message
    }
}
