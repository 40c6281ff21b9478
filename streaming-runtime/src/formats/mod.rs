//! Formats: how bytes become records, and records bytes. A connector moves bytes and knows no format; a format knows no connector.
//!
//! | format | bytes are | a record is | cargo feature |
//! |---|---|---|---|
//! | [`json`] | a JSON value | a type with serde's derives | |
//! | [`csv`] | a line of CSV | the same | |
//! | [`text`] | UTF-8 | a `String` | |
//! | [`raw`] | any | a `Vec<u8>` | |
//! | `avro`, `Registry::avro` | Avro by a given schema, or by those of a schema registry | a type with serde's derives | `avro` |
//! | `protobuf` | a message of protocol buffers, by a descriptor set; read only | the same | `protobuf` |
//!
//! [`decode`](crate::Stream::decode) makes records of the [`Payload`]s of a stream, and a second stream of what is [`Rejected`].
//! [`decode_with`](crate::Stream::decode_with) keeps something of what the bytes came with, such as a key or a time.
//! [`encode`](crate::Stream::encode) makes bytes of records, for a sink that takes bytes.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use streaming_runtime::{ManualClock, connect::{collect, queue}, formats::{csv, json, Rejected}, prelude::*};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct Click {
//!     user: u64,
//!     page: String,
//! }
//!
//! stream!(
//!     /// Clicks in JSON become lines of CSV. What is no click goes elsewhere, with its bytes and why.
//!     #[batch(secs(1))]
//!     fn converted<payloads: Source<Vec<u8>>, lines: Sink<Vec<u8>>, bad: Sink<Rejected>>() {
//!         let (clicks, rejected) = payloads.decode(json::<Click>());
//!         clicks.encode(csv::<Click>().delimiter(b';')).to(lines);
//!         rejected.to(bad);
//!     }
//! );
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let ((lines, written), (bad, rejected)) = (collect(), collect());
//!     let payloads = queue(vec![vec![br#"{"user": 7, "page": "/a;b"}"#.to_vec(), b"{}".to_vec()]]);
//!     let clock = ManualClock::new();
//!     let mut job = Engine::new().manual_clock(&clock).start(converted::Ports { payloads, lines, bad })?;
//!     clock.advance(secs(1));
//!     job.join().await?;
//!     assert_eq!(written.records(), [br#"7;"/a;b""#.to_vec()]);
//!     assert_eq!(rejected.records()[0].to_string(), "no JSON of this type: missing field `user` at line 1 column 2 (2 bytes)");
//!     Ok(())
//! }
//! ```
//!
//! # A format of your own
//!
//! [`Decode`] and [`Encode`] have one method each. A format is made once on each worker, or is a value of the pipeline, which is cloned
//! for each.
//!
//! ```
//! use streaming_runtime::{formats::{Decode, FormatError}, prelude::*};
//!
//! /// Eight bytes, the lowest first.
//! struct LittleEndian;
//!
//! impl Decode for LittleEndian {
//!     type Record = u64;
//!     fn decode(&mut self, bytes: &[u8]) -> Result<u64, FormatError> {
//!         let eight = bytes.try_into().map_err(|_| FormatError::unfit(format!("{} bytes, not 8", bytes.len())))?;
//!         Ok(u64::from_le_bytes(eight))
//!     }
//! }
//!
//! stream!(
//!     #[batch(secs(1))]
//!     fn numbers<payloads: Source<Vec<u8>>, out: Sink<u64>>() {
//!         let (numbers, rejected) = payloads.decode(LittleEndian);
//!         numbers.to(out);
//!         rejected.skip();
//!     }
//! );
//! # fn main() {}
//! ```

#[cfg(feature = "avro")]
mod avro;
#[cfg(any(feature = "avro", feature = "protobuf"))]
mod confluent;
mod contract;
mod csv;
mod json;
mod plain;
#[cfg(feature = "protobuf")]
mod protobuf;
#[cfg(feature = "avro")]
mod registry;
mod rejected;

#[cfg(feature = "protobuf")]
pub use self::protobuf::{Protobuf, protobuf};
#[cfg(feature = "avro")]
pub use self::{
    avro::{Avro, avro},
    registry::Registry,
};

pub(crate) use contract::FormatFailed;
pub use contract::{Decode, Encode, FormatError, Payload};
pub use csv::{Csv, csv};
pub use json::{Json, json};
pub use plain::{Raw, Text, raw, text};
pub use rejected::Rejected;
