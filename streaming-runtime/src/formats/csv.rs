//! CSV: a record a payload.

use std::{fmt, marker::PhantomData};

use csv::{ByteRecord, ErrorKind, Terminator, WriterBuilder};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde::Serialize;

use crate::{
    contract::error::ConnectorError,
    formats::contract::{Decode, Encode, FormatError},
    record::Record,
};

/// A record of CSV a payload: what [`csv()`] makes.
pub struct Csv<T> {
    shape: Shape,
    headers: Option<ByteRecord>,
    reader: Reader,
    /// The fields of a record, without quotes and delimiters, and where each ends.
    fields: Vec<u8>,
    ends: Vec<usize>,
    record: ByteRecord,
    has_checked_headers: bool,
    records: PhantomData<fn() -> T>,
}

/// How records are written.
#[derive(Clone, Copy, Debug)]
struct Shape {
    delimiter: u8,
    quote: Option<u8>,
    escape: Option<u8>,
    trims: bool,
}

/// A record of CSV a payload, as a `T` by serde: a struct takes its fields in the order of their declaration, a tuple and a `Vec` too.
/// Fields are apart by commas and may be in `"`; a `"` in them is doubled. A quoted field may have line's ends, so its payload
/// must be whole: a source of lines would cut it.
///
/// With [`headers`](Csv::headers), fields are found by name. Rejected are an empty payload, one with more than one record, a quote
/// without an end, and with headers another number of fields. Without headers, what a struct has no field for is ignored. Written without a
/// line's end.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use streaming_runtime::formats::{Decode, Encode, csv};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Order {
///     customer: String,
///     amount: Option<i64>,
/// }
///
/// let order = Order { customer: "Lovelace, Ada".to_owned(), amount: Some(7) };
/// let mut orders = csv::<Order>();
/// assert_eq!(orders.decode(b"\"Lovelace, Ada\",7\r\n")?, order);
/// let mut bytes = Vec::new();
/// orders.encode(&order, &mut bytes)?;
/// assert_eq!(bytes, b"\"Lovelace, Ada\",7");
///
/// let mut orders = csv::<Order>().delimiter(b';').headers(["amount", "customer", "remark"]);
/// assert_eq!(orders.decode(b"7;Lovelace, Ada;")?, order);
/// assert_eq!(orders.decode(b"7;Ada").unwrap_err().to_string(), "2 fields, and 3 headers");
/// # Ok::<(), streaming_runtime::formats::FormatError>(())
/// ```
pub fn csv<T>() -> Csv<T> {
    let shape = Shape { delimiter: b',', quote: Some(b'"'), escape: None, trims: false };
    Csv::new(shape, None)
}

impl<T> Csv<T> {
    fn new(shape: Shape, headers: Option<ByteRecord>) -> Self {
        let mut reader = ReaderBuilder::new();
        reader.delimiter(shape.delimiter).escape(shape.escape).double_quote(shape.escape.is_none());
        match shape.quote {
            Some(quote) => reader.quote(quote),
            None => reader.quoting(false),
        };
        Csv {
            shape,
            headers,
            reader: reader.build(),
            fields: vec![0; 256],
            ends: vec![0; 16],
            record: ByteRecord::new(),
            has_checked_headers: false,
            records: PhantomData,
        }
    }

    /// What is between fields, in place of a comma: `b';'`, `b'\t'`.
    ///
    /// # Panics
    /// If it is a line's end.
    pub fn delimiter(self, delimiter: u8) -> Self {
        assert!(!b"\r\n".contains(&delimiter), "a line's end cannot be between the fields of a line");
        Csv::new(Shape { delimiter, ..self.shape }, self.headers)
    }

    /// What is around fields that have a delimiter in them, in place of `"`.
    pub fn quote(self, quote: u8) -> Self {
        Csv::new(Shape { quote: Some(quote), ..self.shape }, self.headers)
    }

    /// Quotes mean nothing: they are part of a field. A field that has a delimiter cannot be written then.
    pub fn no_quotes(self) -> Self {
        Csv::new(Shape { quote: None, ..self.shape }, self.headers)
    }

    /// What stands before a quote in a quoted field, such as `b'\\'`, in place of a second quote.
    pub fn escape(self, escape: u8) -> Self {
        Csv::new(Shape { escape: Some(escape), ..self.shape }, self.headers)
    }

    /// White space around fields is left out where they are read.
    pub fn trim(self) -> Self {
        Csv::new(Shape { trims: true, ..self.shape }, self.headers)
    }

    /// The names of the fields, in the order in which payloads have them: those of a `T` are found by name. The other names are read over.
    /// What is written must have the fields of `T` in this order.
    pub fn headers<H: AsRef<str>>(self, headers: impl IntoIterator<Item = H>) -> Self {
        let mut names = ByteRecord::new();
        headers.into_iter().for_each(|name| names.push_field(name.as_ref().as_bytes()));
        Csv::new(self.shape, Some(names))
    }

    /// Reads the one record of a payload into `record`.
    fn read(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.reader.reset();
        let (mut fields, mut ends, mut rest) = (0, 0, bytes);
        // The payload's end is that of a line; within quotes that means nothing.
        let mut is_at_end = false;
        loop {
            let (result, read, written, ended) =
                self.reader.read_record(rest, &mut self.fields[fields..], &mut self.ends[ends..]);
            (fields, ends, rest) = (fields + written, ends + ended, &rest[read..]);
            match result {
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty if !is_at_end => (rest, is_at_end) = (b"\n", true),
                ReadRecordResult::InputEmpty | ReadRecordResult::End
                    if ends == 0 && fields == 0 && is_blank(bytes) =>
                {
                    return Err(FormatError::unfit("no CSV: it is empty"));
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {
                    return Err(FormatError::unfit("no CSV: a quote has no end"));
                }
                ReadRecordResult::Record => break,
            }
        }
        if !is_at_end && !is_blank(rest) {
            return Err(FormatError::unfit("no CSV of one record: another one follows"));
        }
        self.record.clear();
        let mut begin = 0;
        for &end in &self.ends[..ends] {
            self.record.push_field(&self.fields[begin..end]);
            begin = end;
        }
        if self.shape.trims {
            self.record.trim();
        }
        Ok(())
    }
}

/// Whether it has nothing but line's ends.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| b"\r\n".contains(byte))
}

impl<T> Clone for Csv<T> {
    fn clone(&self) -> Self {
        Csv::new(self.shape, self.headers.clone())
    }
}

impl<T> fmt::Debug for Csv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csv")
            .field("shape", &self.shape)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

impl<T: Record> Decode for Csv<T> {
    type Record = T;

    fn decode(&mut self, bytes: &[u8]) -> Result<T, FormatError> {
        self.read(bytes)?;
        if let Some(headers) = &self.headers
            && headers.len() != self.record.len()
        {
            let (fields, headers) = (self.record.len(), headers.len());
            return Err(FormatError::unfit(format!("{fields} fields, and {headers} headers")));
        }
        self.record.deserialize(self.headers.as_ref()).map_err(|error| {
            FormatError::unfit(match error.kind() {
                ErrorKind::Deserialize { err, .. } => format!("no CSV of this type: {err}"),
                _ => format!("no CSV: {error}"),
            })
        })
    }
}

impl<T: Serialize + 'static> Encode<T> for Csv<T> {
    fn encode(&mut self, record: &T, bytes: &mut Vec<u8>) -> Result<(), FormatError> {
        if let Some(headers) = &self.headers
            && !self.has_checked_headers
        {
            check_headers(record, headers)?;
            self.has_checked_headers = true;
        }
        match (self.shape.quote, self.shape.escape) {
            (None, _) => self.shape.write_unquoted(record, bytes),
            (Some(quote), Some(escape)) => self.shape.write_escaped(record, quote, escape, bytes),
            (Some(quote), None) => self.shape.write_doubled(record, quote, bytes),
        }
    }
}

fn unfit(error: &csv::Error) -> FormatError {
    FormatError::unfit(format!("it cannot be CSV: {error}"))
}

/// The first line of what is written of a record: the names of its fields, or the fields.
fn first_line(record: &impl Serialize, is_of_names: bool) -> Result<ByteRecord, FormatError> {
    let mut writer = WriterBuilder::new().has_headers(is_of_names).from_writer(Vec::new());
    writer.serialize(record).map_err(|error| unfit(&error))?;
    let written = writer.into_inner().map_err(|error| FormatError::unfit(error.error()))?;
    let mut lines = csv::ReaderBuilder::new().has_headers(false).from_reader(&*written);
    let first = lines.byte_records().next().transpose().map_err(|error| unfit(&error))?;
    Ok(first.unwrap_or_default())
}

/// Whether records have fields of these names in this order.
fn check_headers(record: &impl Serialize, headers: &ByteRecord) -> Result<(), FormatError> {
    let names = first_line(record, true)?;
    if names == *headers {
        return Ok(());
    }
    Err(FormatError::Failed(ConnectorError::Config(format!(
        "CSV with the headers {headers:?} cannot be written of records with the fields {names:?}: give `.headers(..)` the fields of the \
         type in their order, or leave it out"
    ))))
}

impl Shape {
    /// Writes fields in quotes where they need them, with quotes in them doubled.
    fn write_doubled(
        self,
        record: &impl Serialize,
        quote: u8,
        bytes: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let mut writer = WriterBuilder::new();
        writer.delimiter(self.delimiter).quote(quote).has_headers(false);
        let mut writer =
            writer.terminator(Terminator::Any(b'\n')).buffer_capacity(256).from_writer(&mut *bytes);
        writer.serialize(record).map_err(|error| unfit(&error))?;
        writer.flush().map_err(FormatError::unfit)?;
        drop(writer);
        bytes.pop_if(|last| *last == b'\n');
        Ok(())
    }

    /// Writes all fields in quotes, since readers differ in whether something is escaped outside of them. `csv` would not escape the
    /// escape itself.
    fn write_escaped(
        self,
        record: &impl Serialize,
        quote: u8,
        escape: u8,
        bytes: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        for (n, field) in first_line(record, false)?.iter().enumerate() {
            if n > 0 {
                bytes.push(self.delimiter);
            }
            bytes.push(quote);
            for &byte in field {
                if byte == quote || byte == escape {
                    bytes.push(escape);
                }
                bytes.push(byte);
            }
            bytes.push(quote);
        }
        Ok(())
    }

    /// Writes fields as they are, if who reads them can tell them apart.
    fn write_unquoted(self, record: &impl Serialize, bytes: &mut Vec<u8>) -> Result<(), FormatError> {
        let fields = first_line(record, false)?;
        if fields.iter().flatten().any(|byte| *byte == self.delimiter || b"\r\n".contains(byte)) {
            return Err(FormatError::unfit(
                "it cannot be CSV without quotes: a field has a delimiter or a line's end",
            ));
        }
        for (n, field) in fields.iter().enumerate() {
            if n > 0 {
                bytes.push(self.delimiter);
            }
            bytes.extend_from_slice(field);
        }
        Ok(())
    }
}
