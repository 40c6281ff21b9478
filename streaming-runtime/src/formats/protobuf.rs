//! Protocol buffers, by a descriptor set.

mod reader;

use std::{fmt, marker::PhantomData};

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use reader::MessageReader;

use crate::{
    contract::error::ConnectorError,
    formats::{
        confluent,
        contract::{Decode, FormatError},
    },
    record::Record,
};

/// Payloads that are messages of protocol buffers: what [`protobuf`] makes. It is a value of a pipeline: made before the job, cloned for
/// each worker.
pub struct Protobuf<T> {
    message: MessageDescriptor,
    /// Where the message stands in its file, if payloads say it.
    path: Option<Vec<i64>>,
    records: PhantomData<fn() -> T>,
}

/// Messages of protocol buffers, by a descriptor set: `protoc --include_imports --descriptor_set_out=shop.pb shop.proto`. `message` is the full
/// name, `shop.Click`.
///
/// `T` takes fields by their names in the `.proto` file, by serde. A field without a value is its default, or `None` where the message
/// can tell: messages, members of a `oneof`, `optional`. An enum is a unit variant or a text by its name, else its number; `bytes` are a
/// `Vec<u8>`; a well-known type is the message that it is. Fields that the descriptor or `T` does not know are read over. Messages nest up to
/// 100 deep.
///
/// ```no_run
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Click { user: i64 }
/// use streaming_runtime::{connect::{console, queue}, formats::{Protobuf, protobuf}, prelude::*};
///
/// stream!(
///     #[batch(secs(1))]
///     fn users<payloads: Source<Vec<u8>>, out: Sink<i64>>(clicks: Protobuf<Click>) {
///         let (clicks, rejected) = payloads.decode(clicks);
///         clicks.map(|click| click.user).to(out);
///         rejected.skip();
///     }
/// );
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clicks = protobuf(&std::fs::read("shop.pb")?, "shop.Click")?;
/// let mut job = Engine::new().start(users::Ports { payloads: queue(vec![]), out: console(), clicks })?;
/// job.join().await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ConnectorError::Config`] if it is no descriptor set, or has no such message.
pub fn protobuf<T>(descriptor_set: &[u8], message: &str) -> Result<Protobuf<T>, ConnectorError> {
    let pool = DescriptorPool::decode(descriptor_set).map_err(|error| {
        ConnectorError::Config(format!(
            "this is no set of descriptors of protocol buffers, as `protoc --include_imports --descriptor_set_out=..` writes it: {error}"
        ))
    })?;
    let Some(message) = pool.get_message_by_name(message) else {
        let names: Vec<String> =
            pool.all_messages().take(20).map(|known| known.full_name().to_owned()).collect();
        return Err(ConnectorError::Config(format!(
            "the descriptors have no message `{message}`; they have {}",
            names.join(", ")
        )));
    };
    Ok(Protobuf { message, path: None, records: PhantomData })
}

impl<T> Protobuf<T> {
    /// Payloads are in the wire format of Confluent's schema registry: a 0, the id of the schema in four bytes, which message of its file it
    /// is, the message. The registry is not asked, since the descriptors say what a message is; a payload of another message is rejected.
    pub fn confluent(mut self) -> Self {
        // A path goes by pairs: 4 or 3 for messages and messages in them, and which one.
        self.path = Some(self.message.path().chunks(2).map(|step| i64::from(step[1])).collect());
        self
    }
}

impl<T> Clone for Protobuf<T> {
    fn clone(&self) -> Self {
        Protobuf { message: self.message.clone(), path: self.path.clone(), records: PhantomData }
    }
}

impl<T> fmt::Debug for Protobuf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protobuf").field("message", &self.message.full_name()).finish_non_exhaustive()
    }
}

/// A number in zigzag and in groups of seven bits, and what comes after it.
fn zigzag(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut number = 0_u64;
    for (n, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return Some(((number >> 1) as i64 ^ -((number & 1) as i64), &bytes[n + 1..]));
        }
    }
    None
}

/// The message behind the numbers that say which one it is: how many there are, and each; a single 0 stands for the first message.
fn behind_path<'a>(bytes: &'a [u8], path: &[i64]) -> Result<&'a [u8], FormatError> {
    let cut = || {
        FormatError::unfit("not in the wire format of a schema registry: it does not say which message it is")
    };
    let (count, mut rest) = zigzag(bytes).ok_or_else(cut)?;
    let mut said = Vec::new();
    if count == 0 {
        said.push(0);
    }
    // One that is longer than that of the message is another one's.
    for _ in 0..count.min(path.len() as i64 + 1) {
        let (index, behind) = zigzag(rest).ok_or_else(cut)?;
        said.push(index);
        rest = behind;
    }
    if said != path {
        return Err(FormatError::unfit(format!(
            "another message of its schema: that at {said:?} and not at {path:?}"
        )));
    }
    Ok(rest)
}

impl<T: Record> Decode for Protobuf<T> {
    type Record = T;

    fn decode(&mut self, bytes: &[u8]) -> Result<T, FormatError> {
        let bytes = match &self.path {
            None => bytes,
            Some(path) => behind_path(confluent::part(bytes)?.1, path)?,
        };
        let name = self.message.full_name();
        let message = DynamicMessage::decode(self.message.clone(), bytes)
            .map_err(|error| FormatError::unfit(format!("no message `{name}`: {error}")))?;
        T::deserialize(MessageReader(message))
            .map_err(|error| FormatError::unfit(format!("no `{name}` of this type: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_which_message_it_is() {
        // 2, then 1 and 3, in zigzag.
        assert_eq!(behind_path(&[4, 2, 6, 9, 9], &[1, 3]).expect("that message"), [9, 9]);
        assert_eq!(behind_path(&[0, 9], &[0]).expect("the first message"), [9]);
        assert_eq!(behind_path(&[2, 0, 9], &[0]).expect("the first message, at length"), [9]);
        for other in
            [&[][..], &[4, 2], &[0, 9], &[4, 2, 8], &[0x80], &[0xff; 11], &[1, 2, 6], &[20, 2, 6, 1, 1, 1]]
        {
            behind_path(other, &[1, 3]).expect_err("another message, or none");
        }
    }
}
