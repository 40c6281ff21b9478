//! Records from, and batches to, the rest of the program.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::sync::mpsc::{
    error::TrySendError,
    {self},
};

use crate::{
    contract::{
        error::{Closed, ConnectorError},
        receipt::{Addressee, Receipt, Receipts, receipt},
        sink::{Batch, Sink},
        source::Source,
    },
    intake::source_context::SourceContext,
    time::BatchTime,
};

/// A source of the records that the program sends, with at most `capacity` waiting (at least 1).
///
/// The source takes all waiting records at once, and ends when every [`Sender`] is dropped. A job that is stopped takes what was
/// sent before.
///
/// # After a crash
/// What was under way is lost. [`durable`](crate::connect::durable()) keeps what came into the job; then a record with a
/// [receipt](Sender::send_tracked) is safe.
///
/// ```
/// use streaming_runtime::connect::channel;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, source) = channel::<(u64, i64)>(1024);
/// // give `source` to a job, then, from anywhere:
/// sender.send((7, 100)).await?; // waits while the job is behind
/// # drop(source);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(example()).expect("sent");
/// ```
pub fn channel<T: Send + 'static>(capacity: usize) -> (Sender<T>, ChannelSource<T>) {
    let (queue, parcels) = mpsc::channel(capacity.max(1));
    (Sender { queue }, ChannelSource { parcels })
}

/// A sink that gives every batch, including empty ones, to the program. At most `capacity` batches wait (at least 1); then the job
/// waits.
///
/// When the [`BatchReceiver`] is dropped, the next batch ends the job with [`ConnectorError::Closed`].
///
/// # After a crash
/// The last batches may come again, with the same times.
///
/// ```no_run
/// use streaming_runtime::connect::channel_sink;
///
/// # async fn example() {
/// let (sink, mut counts) = channel_sink::<(String, i64)>(16);
/// // give `sink` to a job, then
/// while let Some(batch) = counts.recv().await {
///     println!("{}: {} words", batch.time, batch.records.len());
/// }
/// # drop(sink);
/// # }
/// ```
pub fn channel_sink<T: Send + 'static>(capacity: usize) -> (ChannelSink<T>, BatchReceiver<T>) {
    let (queue, batches) = mpsc::channel(capacity.max(1));
    (ChannelSink { queue }, BatchReceiver { batches })
}

/// Sends records into a job; clones send into the same. See [`channel`].
pub struct Sender<T> {
    queue: mpsc::Sender<Parcel<T>>,
}

/// What waits in a channel.
enum Parcel<T> {
    One(T),
    /// A record, and the other end of its receipt.
    Tracked(T, Addressee),
    /// Not empty.
    Many(Vec<T>),
    /// A receipt for everything before it.
    Flush(Addressee),
}

impl<T> Parcel<T> {
    fn into_record(self) -> T {
        match self {
            Parcel::One(record) | Parcel::Tracked(record, _) => record,
            Parcel::Many(_) | Parcel::Flush(_) => unreachable!("it was made of one record"),
        }
    }
}

impl<T> Sender<T> {
    /// Sends one record. Waits while the channel is full.
    ///
    /// # Errors
    /// [`Unsent::Closed`] with the record when the job has ended.
    pub async fn send(&self, record: T) -> Result<(), Unsent<T>> {
        let sent = self.queue.send(Parcel::One(record)).await;
        sent.map_err(|error| Unsent::Closed(error.0.into_record()))
    }

    /// Sends one record if there is room for it now.
    ///
    /// # Errors
    /// [`Unsent`] with the record when the channel is full or the job has ended.
    pub fn try_send(&self, record: T) -> Result<(), Unsent<T>> {
        self.queue.try_send(Parcel::One(record)).map_err(|error| Unsent::from(error).map(Parcel::into_record))
    }

    /// As [`send`](Sender::send), with a receipt: a future that is ready when the record is in the outputs, so that a look-up in a
    /// view reflects it.
    ///
    /// ```
    /// use streaming_runtime::{connect::{channel, collect}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn doubled<numbers: Source<u64>, out: Sink<u64>>() {
    ///         numbers.map(|n| 2 * n).to(out);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (sender, numbers) = channel(1024);
    ///     let (out, results) = collect();
    ///     let mut job = Engine::new().close_early(true).start(doubled::Ports { numbers, out })?;
    ///     let receipt = sender.send_tracked(21).await?;
    ///     receipt.await?; // some 50 us later
    ///     assert_eq!(results.records(), [42]);
    ///     job.stop().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Sender::send).
    pub async fn send_tracked(&self, record: T) -> Result<Receipt, Unsent<T>> {
        let (addressee, receipt) = receipt();
        let sent = self.queue.send(Parcel::Tracked(record, addressee)).await;
        sent.map(|()| receipt).map_err(|error| Unsent::Closed(error.0.into_record()))
    }

    /// As [`send_tracked`](Sender::send_tracked), if there is room now.
    ///
    /// # Errors
    /// As [`try_send`](Sender::try_send).
    pub fn try_send_tracked(&self, record: T) -> Result<Receipt, Unsent<T>> {
        let (addressee, receipt) = receipt();
        let sent = self.queue.try_send(Parcel::Tracked(record, addressee));
        sent.map(|()| receipt).map_err(|error| Unsent::from(error).map(Parcel::into_record))
    }

    /// Sends many records in their order, which costs much less than one by one. They take one place in the channel, so the sender
    /// decides how many there may be. Waits while the channel is full.
    ///
    /// # Errors
    /// [`Unsent::Closed`] with the records when the job has ended.
    pub async fn send_all(&self, records: Vec<T>) -> Result<(), Unsent<Vec<T>>> {
        if records.is_empty() {
            return Ok(());
        }
        self.queue.send(Parcel::Many(records)).await.map_err(|error| match error.0 {
            Parcel::Many(records) => Unsent::Closed(records),
            _ => unreachable!("it was made of many records"),
        })
    }

    /// Waits until everything that this sender has sent is in the outputs. Returns the time of the last batch that has some of it.
    ///
    /// # Errors
    /// [`Closed`] when the job ended before.
    pub async fn flush(&self) -> Result<BatchTime, Closed> {
        let (addressee, receipt) = receipt();
        self.queue.send(Parcel::Flush(addressee)).await.map_err(|_| Closed)?;
        receipt.await
    }

    /// As [`send`](Sender::send), for threads outside of tokio. Panics inside of a tokio runtime.
    ///
    /// # Errors
    /// As [`send`](Sender::send).
    pub fn blocking_send(&self, record: T) -> Result<(), Unsent<T>> {
        let sent = self.queue.blocking_send(Parcel::One(record));
        sent.map_err(|error| Unsent::Closed(error.0.into_record()))
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { queue: self.queue.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("room", &self.queue.capacity()).finish_non_exhaustive()
    }
}

/// A record that could not be sent, returned to the caller.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsent<T> {
    /// There is no room now.
    #[error("no room: the job is behind")]
    Full(T),
    /// The job has ended.
    #[error("the job takes no more records")]
    Closed(T),
}

impl<T> Unsent<T> {
    /// The record.
    pub fn into_inner(self) -> T {
        match self {
            Unsent::Full(unsent) | Unsent::Closed(unsent) => unsent,
        }
    }

    fn map<U>(self, of: impl FnOnce(T) -> U) -> Unsent<U> {
        match self {
            Unsent::Full(unsent) => Unsent::Full(of(unsent)),
            Unsent::Closed(unsent) => Unsent::Closed(of(unsent)),
        }
    }
}

impl<T> From<TrySendError<T>> for Unsent<T> {
    fn from(error: TrySendError<T>) -> Self {
        match error {
            TrySendError::Full(unsent) => Unsent::Full(unsent),
            TrySendError::Closed(unsent) => Unsent::Closed(unsent),
        }
    }
}

/// Without the value: an error must be `Debug` whatever it carries.
impl<T> fmt::Debug for Unsent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unsent::Full(_) => "Full(..)",
            Unsent::Closed(_) => "Closed(..)",
        })
    }
}

/// How often a source that is dropped lets other threads run, until none of them is about to put a record into its channel:
/// that takes some nanoseconds, unless the thread is interrupted.
const MAX_YIELDS: usize = 10_000;

/// The source of a [`channel`].
pub struct ChannelSource<T> {
    parcels: mpsc::Receiver<Parcel<T>>,
}

impl<T> fmt::Debug for ChannelSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelSource").finish_non_exhaustive()
    }
}

impl<T> Drop for ChannelSource<T> {
    /// Drops what waits, so that nobody waits for a receipt of it. A sender that has its place already may put a record there after
    /// the receiver is gone, where it would stay as long as there are senders.
    fn drop(&mut self) {
        self.parcels.close();
        for _ in 0..MAX_YIELDS {
            while self.parcels.try_recv().is_ok() {}
            if self.parcels.capacity() == self.parcels.max_capacity() {
                break;
            }
            std::thread::yield_now();
        }
    }
}

impl<T: Send + 'static> Source<T> for ChannelSource<T> {
    const MAY_BLOCK: bool = false;
    /// What `send` has returned for is delivered.
    const DRAINS: bool = true;
    const ACCEPTS: bool = true;

    async fn run(mut self, mut out: SourceContext<T>) -> Result<(), ConnectorError> {
        let all = self.parcels.max_capacity();
        let mut closed = false;
        let mut parcels = Vec::new();
        loop {
            let asked = out.asked_to_hand_on();
            tokio::select! {
                biased;
                () = out.stop_requested(), if !closed => {
                    self.parcels.close();
                    closed = true;
                }
                asked = asked => {
                    // All that were accepted before: a sender that gets a place later is behind them.
                    let accepted = self.parcels.len();
                    parcels.extend((0..accepted).map_while(|_| self.parcels.try_recv().ok()));
                    if !parcels.is_empty() {
                        hand_on(&mut parcels, &mut out).await?;
                    }
                    out.handed_on(asked);
                }
                taken = self.parcels.recv_many(&mut parcels, all) => match taken {
                    0 => return Ok(()),
                    _ => hand_on(&mut parcels, &mut out).await?,
                },
            }
        }
    }
}

/// Sends what is in `parcels` as one.
async fn hand_on<T>(parcels: &mut Vec<Parcel<T>>, out: &mut SourceContext<T>) -> Result<(), Closed> {
    let (mut records, mut addressees) = (Vec::with_capacity(parcels.len()), Vec::new());
    let mut flush = false;
    for parcel in parcels.drain(..) {
        match parcel {
            Parcel::One(record) => records.push(record),
            Parcel::Tracked(record, addressee) => {
                records.push(record);
                addressees.push(addressee);
            }
            Parcel::Many(mut more) => records.append(&mut more),
            Parcel::Flush(addressee) => {
                flush = true;
                addressees.push(addressee);
            }
        }
    }
    let receipts = Receipts::new(addressees);
    if !flush {
        return out.send_with(records, receipts).await;
    }
    if !records.is_empty() {
        out.send_all(records).await?;
    }
    out.flush(receipts.expect("a flush tells someone")).await
}

/// The sink of [`channel_sink`].
#[derive(Debug)]
pub struct ChannelSink<T> {
    queue: mpsc::Sender<Batch<T>>,
}

impl<T: Send + 'static> Sink<T> for ChannelSink<T> {
    const MAY_BLOCK: bool = false;

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        self.queue.send(batch).await.map_err(|_| ConnectorError::Closed)
    }
}

/// The batches of a [`channel_sink`], also as a [`Stream`](futures::Stream).
#[derive(Debug)]
pub struct BatchReceiver<T> {
    batches: mpsc::Receiver<Batch<T>>,
}

impl<T> BatchReceiver<T> {
    /// Waits for the next batch; `None` when the job has ended.
    pub async fn recv(&mut self) -> Option<Batch<T>> {
        self.batches.recv().await
    }
    /// The next batch if it is there already.
    pub fn try_recv(&mut self) -> Option<Batch<T>> {
        self.batches.try_recv().ok()
    }
}

impl<T> futures::Stream for BatchReceiver<T> {
    type Item = Batch<T>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Batch<T>>> {
        self.batches.poll_recv(cx)
    }
}

#[cfg(test)]
mod tests;
