//! Avro: payloads by a schema that is given, or by those of a schema registry.

mod outline;
mod reader;
pub(super) mod schema;

use std::{fmt, marker::PhantomData, sync::Arc};

use apache_avro::{Schema, from_avro_datum, to_avro_datum, to_value};
use reader::ValueReader;
use schema::AvroSchema;
use serde::Serialize;

use crate::{
    contract::error::ConnectorError,
    formats::{
        confluent,
        contract::{Decode, Encode, FormatError},
        registry::{NoSchema, Registry},
    },
    record::Record,
};

/// Payloads in Avro: what [`avro`] and [`Registry::avro`] make. It is a value of a pipeline: made before the job, cloned for each worker.
pub struct Avro<T> {
    written: Written,
    reader: Option<Arc<Schema>>,
    records: PhantomData<fn() -> T>,
}

/// By which schema payloads are written.
#[derive(Clone)]
enum Written {
    By(Arc<AvroSchema>),
    ByRegistry {
        registry: Registry,
        /// That of the last payload.
        last: Option<(u32, Arc<AvroSchema>)>,
        /// The id of the schema that records are written by.
        id: Option<u32>,
    },
}

/// Avro by a schema that all payloads were written by, without a header: a record is the binary form of one value. `T` takes the fields
/// of a record by their names, by serde; logical types are what they are stored as (a timestamp is a number).
///
/// Records are written with [`encode`](crate::Stream::encode) by the same schema; fields that `T` lacks have the schema's defaults. A `fixed`
/// is written of bytes as serde has them (`serde_bytes`), `bytes` of a `Vec<u8>` too.
///
/// Values nest up to 128 deep. Bytes that are left over, texts that are no UTF-8 and lengths beyond the payload are rejected.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use streaming_runtime::formats::{Decode, Encode, avro};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Click {
///     user: i64,
///     page: String,
/// }
///
/// let schema = r#"{"type": "record", "name": "Click", "fields": [
///     {"name": "user", "type": "long"}, {"name": "page", "type": "string"}]}"#;
/// let mut clicks = avro::<Click>(schema)?;
/// let click = Click { user: 7, page: "/".to_owned() };
/// let mut bytes = Vec::new();
/// clicks.encode(&click, &mut bytes)?;
/// assert_eq!(bytes, [14, 2, b'/']);
/// assert_eq!(clicks.decode(&bytes)?, click);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ConnectorError::Config`] if it is no schema, or has a `big-decimal`.
pub fn avro<T>(schema: &str) -> Result<Avro<T>, ConnectorError> {
    let schema = AvroSchema::parse(schema).map_err(no_schema)?;
    Ok(Avro { written: Written::By(Arc::new(schema)), reader: None, records: PhantomData })
}

fn no_schema(why: String) -> ConnectorError {
    ConnectorError::Config(format!("this is no schema of Avro: {why}"))
}

impl Registry {
    /// Avro in the wire format of the registry: a 0, the id of the schema in four bytes, the value. Each schema is asked for once, when
    /// its first payload comes, and kept.
    ///
    /// The worker waits for the answer. What is not answered is asked for again, as [`retry`](Registry::retry) says; then the job ends with
    /// [`JobError::Format`](crate::JobError::Format). A payload with an id that the registry does not know, or that is not of Avro, is rejected.
    ///
    /// ```no_run
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Click { user: i64 }
    /// use streaming_runtime::{connect::{console, queue}, formats::{Avro, Registry}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn users<payloads: Source<Vec<u8>>, out: Sink<i64>>(clicks: Avro<Click>) {
    ///         let (clicks, rejected) = payloads.decode(clicks);
    ///         clicks.map(|click| click.user).to(out);
    ///         rejected.skip();
    ///     }
    /// );
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new("http://127.0.0.1:8081")?;
    /// let payloads = queue(vec![]); // in production a topic of Kafka
    /// let mut job = Engine::new().start(users::Ports { payloads, out: console(), clicks: registry.avro() })?;
    /// job.join().await?;
    /// # Ok(()) }
    /// ```
    pub fn avro<T>(&self) -> Avro<T> {
        let written = Written::ByRegistry { registry: self.clone(), last: None, id: None };
        Avro { written, reader: None, records: PhantomData }
    }
}

impl<T> Avro<T> {
    /// Reads all payloads as this schema has them, whatever they were written by: fields are found by name (aliases are not looked at), those that are missing
    /// have this schema's defaults, numbers are widened. A payload that this schema cannot read is rejected.
    ///
    /// # Errors
    /// As [`avro`].
    pub fn reader_schema(mut self, schema: &str) -> Result<Self, ConnectorError> {
        self.reader = Some(Arc::new(AvroSchema::parse(schema).map_err(no_schema)?.schema));
        Ok(self)
    }

    /// Writes records by the schema with this id of the registry. Without one, or with a schema that was given, it does nothing.
    pub fn writes(mut self, schema: u32) -> Self {
        if let Written::ByRegistry { id, .. } = &mut self.written {
            *id = Some(schema);
        }
        self
    }
}

impl<T> Clone for Avro<T> {
    fn clone(&self) -> Self {
        Avro { written: self.written.clone(), reader: self.reader.clone(), records: PhantomData }
    }
}

impl<T> fmt::Debug for Avro<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Avro");
        match &self.written {
            Written::By(_) => shown.field("written", &"by one schema"),
            Written::ByRegistry { registry, id, .. } => shown.field("written", registry).field("writes", id),
        };
        shown.finish_non_exhaustive()
    }
}

impl From<NoSchema> for FormatError {
    fn from(why: NoSchema) -> Self {
        match why {
            NoSchema::Unknown(reason) => FormatError::Unfit(reason),
            NoSchema::Failed(error) => FormatError::Failed(error),
        }
    }
}

impl Written {
    /// The schema of a payload, and the value in it.
    fn of<'a>(&mut self, bytes: &'a [u8]) -> Result<(Arc<AvroSchema>, &'a [u8]), FormatError> {
        match self {
            Written::By(schema) => Ok((schema.clone(), bytes)),
            Written::ByRegistry { registry, last, .. } => {
                let (id, value) = confluent::part(bytes)?;
                match last {
                    Some((known, schema)) if *known == id => Ok((schema.clone(), value)),
                    _ => {
                        let schema = registry.avro_schema(id)?;
                        *last = Some((id, schema.clone()));
                        Ok((schema, value))
                    }
                }
            }
        }
    }

    /// The schema that records are written by; begins the payload.
    fn begin(&mut self, bytes: &mut Vec<u8>) -> Result<Arc<AvroSchema>, FormatError> {
        match self {
            Written::By(schema) => Ok(schema.clone()),
            Written::ByRegistry { registry, id: Some(id), .. } => {
                // What the registry does not know can be no fault of a record.
                let schema = registry.avro_schema(*id).map_err(|why| match why {
                    NoSchema::Unknown(reason) => ConnectorError::Config(reason),
                    NoSchema::Failed(error) => error,
                })?;
                confluent::begin(*id, bytes);
                Ok(schema)
            }
            Written::ByRegistry { id: None, .. } => Err(FormatError::Failed(ConnectorError::Config(
                "Avro by a schema registry is written by a schema of its: say which, `registry.avro().writes(id)`".to_owned(),
            ))),
        }
    }
}

impl<T: Record> Decode for Avro<T> {
    type Record = T;

    fn decode(&mut self, bytes: &[u8]) -> Result<T, FormatError> {
        let (written, mut value) = self.written.of(bytes)?;
        written
            .outline
            .check(value)
            .map_err(|why| FormatError::unfit(format!("no Avro of its schema: {why}")))?;
        let value = from_avro_datum(&written.schema, &mut value, self.reader.as_deref())
            .map_err(|error| FormatError::unfit(format!("no Avro of its schema: {error}")))?;
        T::deserialize(ValueReader::new(value))
            .map_err(|error| FormatError::unfit(format!("no Avro of this type: {error}")))
    }
}

impl<T: Serialize + 'static> Encode<T> for Avro<T> {
    fn encode(&mut self, record: &T, bytes: &mut Vec<u8>) -> Result<(), FormatError> {
        let unfit = |error| FormatError::unfit(format!("it cannot be Avro of this schema: {error}"));
        let schema = self.written.begin(bytes)?;
        let value = to_value(record).and_then(|value| value.resolve(&schema.schema)).map_err(unfit)?;
        bytes.extend_from_slice(&to_avro_datum(&schema.schema, value).map_err(unfit)?);
        Ok(())
    }
}
