//! A stream as a sink.

use std::{fmt, io};

use aws_sdk_kinesis::{
    primitives::Blob,
    types::{PutRecordsRequestEntry, PutRecordsResultEntry},
};

use crate::{
    connect::{Batch, ConnectorError, PortContext, Retry, Sink},
    connectors::kinesis::{
        client::{Client, ClientSettings, client_settings},
        fault::{Fault, is_throttling},
        record::Put,
        shards,
    },
};

/// What Kinesis takes in one request, and as one record.
const RECORDS: usize = 500;
const REQUEST_BYTES: usize = 5 << 20;
const RECORD_BYTES: usize = 1 << 20;
const KEY_CHARACTERS: usize = 256;

/// A stream as a sink, see [`append`](super::append).
///
/// Records go in requests of up to 500 and 5 MiB, one after the other. Of those that Kinesis does not take at once, only those are
/// sent again, so they come after later ones of the same partition key: within a key the order holds only while nothing is throttled.
pub struct StreamSink {
    settings: ClientSettings,
    /// From `open` on.
    client: Option<Client>,
}

impl fmt::Debug for StreamSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSink").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl StreamSink {
    client_settings!();

    pub(super) fn new(stream: String) -> Self {
        StreamSink { settings: ClientSettings::new(stream), client: None }
    }
    /// How often Kinesis is asked again that does not answer, or takes nothing of a request. Each attempt takes up to 15 s.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }
}

/// What a record counts for in a request.
fn size(put: &Put) -> usize {
    put.data.len() + put.partition_key.len()
}

/// Records that no attempt could bring into the stream.
fn check(what: &str, put: &Put) -> Result<(), ConnectorError> {
    let (bytes, characters) = (size(put), put.partition_key.chars().count());
    if bytes > RECORD_BYTES {
        return Err(Fault::TooLarge { bytes, limit: RECORD_BYTES }.at(what));
    }
    if characters == 0 || characters > KEY_CHARACTERS {
        return Err(Fault::BadKey { characters }.at(what));
    }
    Ok(())
}

/// How many of the first records go in one request.
fn fit(puts: &[Put]) -> usize {
    let mut bytes = 0;
    let fits = |put: &&Put| {
        bytes += size(put);
        bytes <= REQUEST_BYTES
    };
    puts.iter().take(RECORDS).take_while(fits).count()
}

fn entry(put: &Put) -> Result<PutRecordsRequestEntry, ConnectorError> {
    PutRecordsRequestEntry::builder()
        .partition_key(&put.partition_key)
        .set_explicit_hash_key(put.explicit_hash_key.clone())
        .data(Blob::new(put.data.clone()))
        .build()
        .map_err(ConnectorError::permanent)
}

/// Why a record was not taken.
fn refused(what: &str, result: &PutRecordsResultEntry) -> Option<ConnectorError> {
    let code = result.error_code.as_deref()?;
    let reason = format!("{code}: {}", result.error_message.as_deref().unwrap_or_default());
    Some(match code {
        code if is_throttling(code) => Fault::Throttled { reason }.at(what),
        "InternalFailure" | "ServiceUnavailable" => Fault::Other { reason }.at(what),
        _ => ConnectorError::io(what, io::Error::new(io::ErrorKind::InvalidInput, Fault::Other { reason })),
    })
}

/// Writes one request's records, again those that were not taken.
async fn put(client: &Client, puts: &[Put]) -> Result<(), ConnectorError> {
    let what = format!("write to stream `{}`", client.stream);
    let mut entries = puts.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let mut backoff = client.retry.backoff();
    loop {
        let request =
            client.kinesis.put_records().stream_name(&client.stream).set_records(Some(entries.clone()));
        let answer = client.ask(&what, || request.clone().send()).await?;
        if answer.records.len() != entries.len() {
            return Err(ConnectorError::other(format!(
                "{what}: {} results for {} records",
                answer.records.len(),
                entries.len()
            )));
        }
        let before = entries.len();
        let mut error = None;
        let mut results = answer.records.iter();
        entries.retain(|_| {
            let refusal = results.next().and_then(|result| refused(&what, result));
            let is_refused = refusal.is_some();
            // One that does not pass is told before others.
            if let Some(refusal) = refusal
                && error.as_ref().is_none_or(ConnectorError::may_pass)
            {
                error = Some(refusal);
            }
            is_refused
        });
        let Some(error) = error else { return Ok(()) };
        if entries.len() < before {
            backoff.reset();
        }
        let wait = backoff.after(error)?;
        tokio::time::sleep(wait).await;
    }
}

impl<T: Into<Put> + Send + 'static> Sink<T> for StreamSink {
    const MAY_BLOCK: bool = false;

    async fn open(&mut self, _: &PortContext) -> Result<(), ConnectorError> {
        let client = self.settings.connect().await?;
        // An unknown stream shows now, and not at the first record.
        shards::list(&client).await?;
        self.client = Some(client);
        Ok(())
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let client = self.client.as_ref().expect("it was opened");
        let puts: Vec<Put> = batch.records.into_iter().map(Into::into).collect();
        let what = format!("write to stream `{}`", client.stream);
        puts.iter().try_for_each(|one| check(&what, one))?;
        let mut rest = &puts[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fit(rest));
            put(client, now).await?;
            rest = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_no_more_than_kinesis_takes() {
        let puts: Vec<Put> = (0..1200).map(|n| Put::from(("key", vec![0; n % 3]))).collect();
        assert_eq!((fit(&puts), fit(&puts[..7]), fit(&[])), (500, 7, 0));
        let large: Vec<Put> = (0..9).map(|_| Put::from(("k", vec![0; RECORD_BYTES - 1]))).collect();
        assert_eq!(fit(&large), 5, "5 MiB");
        let is_taken = |key: &str, bytes| check("write", &Put::from((key, vec![0; bytes]))).is_ok();
        assert!(is_taken("k", RECORD_BYTES - 1) && is_taken(&"k".repeat(256), 1));
        assert!(!is_taken("k", RECORD_BYTES) && !is_taken("", 1) && !is_taken(&"k".repeat(257), 1));
    }
}
