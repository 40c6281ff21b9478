//! Bytes and records: [`decode`](Stream::decode) and [`encode`](Stream::encode), by a format.

use std::{marker::PhantomData, panic::resume_unwind};

use crate::{
    formats::{Decode, Encode, FormatError, FormatFailed, Payload, Rejected},
    ids::OpId,
    operators::{
        route::Splits,
        stateless::{chain_link, link},
    },
    panic_origin::{Why, fail, named},
    record::Record,
    stream::{
        Stream, Unshared,
        chain::{Chain, Rooted},
        kind::StreamKind,
    },
};

chain_link!(Encoded, [], Vec<u8>, (Encode<C::Out>), |f, id, record, out| out(named(id, || encoded(
    f, &record, id
))));

/// The bytes of a record. One that cannot be written ends the job.
fn encoded<T>(format: &mut impl Encode<T>, record: &T, id: OpId) -> Vec<u8> {
    let mut bytes = Vec::new();
    match format.encode(record, &mut bytes) {
        Ok(()) => bytes,
        Err(error) => give_up(error, id),
    }
}

#[cold]
fn give_up(error: FormatError, id: OpId) -> ! {
    match error {
        FormatError::Unfit(reason) => fail(id, Why::Record(reason)),
        FormatError::Failed(source) => resume_unwind(Box::new(FormatFailed { operator: id, source })),
    }
}

/// The record of a payload, or why it has none. A format that cannot work ends the job.
fn decoded<F: Decode>(format: &mut F, payload: &impl Payload, id: OpId) -> Result<F::Record, Rejected> {
    let Some(bytes) = payload.bytes() else { return Err(Rejected::new(payload, "it has no bytes")) };
    format.decode(bytes).map_err(|error| match error {
        FormatError::Unfit(reason) => Rejected::new(payload, reason),
        FormatError::Failed(_) => give_up(error, id),
    })
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Reads the bytes of every record by a [format](crate::formats) and returns two streams: the records, and what is
    /// [`Rejected`] because it is none of the format, with its bytes, where it came from and why. State: none.
    ///
    /// What is read are [`Payload`]s: `Vec<u8>`, `String`, and the records of connectors such as `kafka::Message`. As behind
    /// [`try_map`](Stream::try_map), the stream of what is rejected must have an end: `rejected.to(dead_letters)`,
    /// [`rejected.skip()`](Stream::skip) or [`rejected.fail()`](Stream::fail).
    ///
    /// A format that cannot work, such as one that needs a schema and cannot have it, ends the job with
    /// [`JobError::Format`](crate::JobError::Format).
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{collect, queue}, formats::{Rejected, json}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn sums<payloads: Source<String>, out: Sink<i64>, bad: Sink<Rejected>>() {
    ///         let (pairs, rejected) = payloads.decode(json::<(String, i64)>());
    ///         pairs.map(|(_, n)| n).reduce(|a, b| a + b).to(out);
    ///         rejected.to(bad);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let ((out, sums), (bad, rejected)) = (collect(), collect());
    ///     let payloads = queue(vec![[r#"["a", 1]"#, r#"["b""#, r#"["c", 3]"#].map(str::to_owned).to_vec()]);
    ///     let clock = ManualClock::new();
    ///     let mut job = Engine::new().manual_clock(&clock).start(sums::Ports { payloads, out, bad })?;
    ///     clock.advance(secs(1));
    ///     job.join().await?;
    ///     assert_eq!(sums.records(), [4]);
    ///     assert_eq!(rejected.records()[0].bytes, br#"["b""#);
    ///     assert_eq!(rejected.records()[0].reason, "no JSON: EOF while parsing a list at line 1 column 4");
    ///     Ok(())
    /// }
    /// ```
    pub fn decode<F: Decode, Q: StreamKind>(
        self,
        mut format: F,
    ) -> (Stream<'s, F::Record, Q>, Stream<'s, Rejected, Q>)
    where
        T: Record + Payload,
        F::Record: Record,
        P: Splits<Part = Q>,
    {
        let id = self.id;
        self.try_map(move |payload| decoded(&mut format, &payload, id))
    }

    /// As [`decode`](Stream::decode), and makes a record of each payload together with what was decoded of it: to keep its key, its time
    /// or its place. State: none.
    ///
    /// ```
    /// # use streaming_runtime::{formats::{Payload, json}, prelude::*};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Message { key: u64, body: Vec<u8> }
    /// # impl Payload for Message { fn bytes(&self) -> Option<&[u8]> { Some(&self.body) } }
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn sums<messages: Source<Message>, out: Sink<(u64, i64)>>() {
    ///         let (pairs, rejected) = messages.decode_with(json::<i64>(), |message, n| (message.key, n));
    ///         pairs.sum_by_key().to(out);
    ///         rejected.skip();
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn decode_with<F: Decode, U: Record, Q: StreamKind>(
        self,
        mut format: F,
        mut f: impl FnMut(T, F::Record) -> U + 'static,
    ) -> (Stream<'s, U, Q>, Stream<'s, Rejected, Q>)
    where
        T: Record + Payload,
        P: Splits<Part = Q>,
    {
        let id = self.id;
        self.try_map(move |payload| decoded(&mut format, &payload, id).map(|record| f(payload, record)))
    }

    /// Writes every record in a [format](crate::formats), as bytes. State: none. It is fused with the operators around it.
    ///
    /// A record that the format cannot write ends the job with [`JobError::RecordFailed`](crate::JobError::RecordFailed); to go on without it, call
    /// [`Encode::encode`] in a [`try_map`](Stream::try_map).
    ///
    /// ```
    /// # use streaming_runtime::{formats::json, prelude::*};
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn written<pairs: Source<(String, i64)>, out: Sink<Vec<u8>>>() {
    ///         pairs.sum_by_key().encode(json()).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn encode<F: Encode<T>>(self, format: F) -> Stream<'s, Vec<u8>, P, Encoded<C, F>> {
        self.extend(link(format, |chain, f, id| Encoded { chain, f, id, types: PhantomData }))
    }
}
