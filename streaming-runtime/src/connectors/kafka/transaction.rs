//! A producer, and the transaction of one batch.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{DeliveryResult, Message as _},
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
};

use crate::{
    connect::ConnectorError,
    connectors::kafka::{
        client::logged,
        fault::{Fault, failed, is_forbidden},
        patience::Patience,
        progress::{self, Progress},
        record::Record,
        sink_settings::{SinkIdentity, SinkSettings},
    },
};

/// How long one call of librdkafka may take; what takes longer is called again.
const CALL: Duration = Duration::from_secs(2);

/// How long the first call may take: the brokers have to end what a process has left behind.
const INIT: Duration = Duration::from_secs(30);

/// How long an end without a commit may take. Beyond, the brokers end it when its time is over.
const ABORT: Duration = Duration::from_secs(10);

/// What librdkafka does by default has other partitions than Java's clients for a key, and a record of a megabyte is too long
/// for it: which are too long is for the brokers to say.
const DEFAULTS: [(&str, &str); 4] = [
    ("client.id", "streaming-runtime"),
    ("partitioner", "murmur2_random"),
    ("linger.ms", "2"),
    ("message.max.bytes", "268435456"),
];

/// Why a transaction was not committed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: ConnectorError,
    /// Whether its producer can begin another, because this one was ended.
    pub(super) is_usable: bool,
}

impl Failure {
    pub(super) fn unusable(error: ConnectorError) -> Self {
        Failure { error, is_usable: false }
    }
}

/// What the brokers said of records.
#[derive(Debug, Default)]
struct Answers {
    /// The first that was refused in this transaction.
    refused: Mutex<Option<ConnectorError>>,
    /// Why the client is not let in.
    forbidden: Mutex<Option<ConnectorError>>,
}

impl Answers {
    fn take(place: &Mutex<Option<ConnectorError>>) -> Option<ConnectorError> {
        place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(place: &Mutex<Option<ConnectorError>>, error: ConnectorError) {
        place.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn is_refused(&self) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl ClientContext for Answers {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        logged(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "streaming_runtime::kafka", %error, "{reason}");
        if error.rdkafka_error_code().is_some_and(is_forbidden) {
            Answers::put(&self.forbidden, failed("write to Kafka", &error));
        }
    }
}

impl ProducerContext for Answers {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((error, message)) = result else { return };
        let code = error.rdkafka_error_code();
        // These are not sent because another was refused.
        if !matches!(code, Some(Code::PurgeQueue | Code::PurgeInflight)) {
            let bytes = message.key_len() + message.payload_len();
            Answers::put(&self.refused, of_record(message.topic(), message.partition(), bytes, error));
        }
    }
}

/// Why a record was refused.
fn of_record(topic: &str, partition: i32, bytes: usize, error: &KafkaError) -> ConnectorError {
    let what = format!("write to topic `{topic}`");
    let topic = topic.to_owned();
    match error.rdkafka_error_code() {
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => {
            Fault::TooLarge { topic, bytes }.at(&what)
        }
        Some(Code::UnknownPartition) => Fault::NoPartition { topic, partition }.at(&what),
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => Fault::UnknownTopic { topic }.at(&what),
        Some(Code::InvalidTimestamp | Code::InvalidRecord | Code::InvalidMessage | Code::PolicyViolation) => {
            Fault::Refused { reason: error.to_string() }.at(&what)
        }
        Some(Code::MessageTimedOut) => failed(&what, &KafkaError::MessageProduction(Code::RequestTimedOut)),
        _ => failed(&what, error),
    }
}

/// A producer of transactions.
pub(super) struct Transactions {
    producer: ThreadedProducer<Answers>,
    transactional_id: String,
    progress_topic: String,
    topic: String,
    limit: Duration,
}

impl Transactions {
    /// Makes a producer. What a process of the same id has left open is aborted, and that process may not commit any more.
    pub(super) fn begin(settings: &SinkSettings, identity: &SinkIdentity) -> Result<Self, ConnectorError> {
        let millis = |limit: Duration| limit.as_millis().to_string();
        let (transaction, delivery) =
            (millis(settings.transaction_timeout), millis(settings.attempt_limit()));
        let own = [
            ("transactional.id", identity.transactional_id.as_str()),
            ("enable.idempotence", "true"),
            ("transaction.timeout.ms", transaction.as_str()),
            ("message.timeout.ms", delivery.as_str()),
        ];
        let producer = settings.client.create(&DEFAULTS, &own, Answers::default())?;
        let transactions = Transactions {
            producer,
            transactional_id: identity.transactional_id.clone(),
            progress_topic: identity.progress_topic.clone(),
            topic: settings.topic.clone(),
            limit: settings.attempt_limit(),
        };
        match transactions.producer.init_transactions(INIT) {
            Ok(()) => Ok(transactions),
            Err(error) => {
                let forbidden = Answers::take(&transactions.producer.context().forbidden);
                Err(forbidden.unwrap_or_else(|| transactions.failed("begin with transactions", &error)))
            }
        }
    }

    /// Writes records and the sink's progress in one transaction.
    pub(super) fn commit(
        &self,
        records: &[Record],
        progress: &Progress,
        patience: &Patience,
    ) -> Result<(), Failure> {
        let limit = Instant::now() + self.limit;
        drop(Answers::take(&self.producer.context().refused));
        if let Err(error) = self.producer.begin_transaction() {
            return Err(Failure::unusable(self.failed("begin a transaction", &error)));
        }
        let done = self.send_all(records, progress, limit, patience);
        match done.and_then(|()| self.end(limit, patience)) {
            Ok(()) => Ok(()),
            Err(error) => {
                // The first record that was refused says more than what follows from it.
                let error = Answers::take(&self.producer.context().refused).unwrap_or(error);
                let error = self.fenced().unwrap_or(error);
                let is_usable = self.abort(patience);
                Err(Failure { error: self.fenced().unwrap_or(error), is_usable })
            }
        }
    }

    fn send_all(
        &self,
        records: &[Record],
        progress: &Progress,
        limit: Instant,
        patience: &Patience,
    ) -> Result<(), ConnectorError> {
        for record in records {
            let mut sent = BaseRecord::<'_, [u8], [u8]>::to(&self.topic);
            (sent.partition, sent.timestamp) = (record.partition, record.timestamp);
            (sent.key, sent.payload) = (record.key.as_deref(), record.payload.as_deref());
            sent.headers = record.native_headers();
            self.send(sent, limit, patience)?;
        }
        let text = progress.to_text();
        let sent = BaseRecord::<'_, [u8], [u8]>::to(&self.progress_topic).partition(progress::PARTITION);
        let sent = sent.key(self.transactional_id.as_bytes()).payload(text.as_bytes());
        self.send(sent, limit, patience)?;
        // Waiting here and not in librdkafka, which is asked for in steps of a tenth of a second.
        let mut step = Duration::from_micros(50);
        while self.producer.in_flight_count() > 0 && !self.producer.context().is_refused() {
            self.wait(step, limit, patience)?;
            step = (step * 2).min(Duration::from_millis(1));
        }
        Ok(())
    }

    fn send(
        &self,
        mut record: BaseRecord<'_, [u8], [u8]>,
        limit: Instant,
        patience: &Patience,
    ) -> Result<(), ConnectorError> {
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((error, back)) if error.rdkafka_error_code() == Some(Code::QueueFull) => {
                    record = back;
                    self.wait(Duration::from_millis(1), limit, patience)?;
                }
                Err((error, back)) => {
                    let bytes = back.key.map_or(0, <[u8]>::len) + back.payload.map_or(0, <[u8]>::len);
                    let (topic, partition) = (back.topic, back.partition.unwrap_or(-1));
                    return Err(of_record(topic, partition, bytes, &error));
                }
            }
        }
    }

    /// Waits a little, within the time of the transaction.
    fn wait(&self, step: Duration, limit: Instant, patience: &Patience) -> Result<(), ConnectorError> {
        if Instant::now() >= limit {
            return Err(self.too_slow());
        }
        patience.pause(step)
    }

    fn too_slow(&self) -> ConnectorError {
        let reason = format!(
            "a batch was not committed within {:?}: brokers are away or slow, or the batch is too long for its \
             `.transaction_timeout(..)`",
            self.limit
        );
        let kind = std::io::ErrorKind::TimedOut;
        ConnectorError::io(
            format!("write to topic `{}`", self.topic),
            std::io::Error::new(kind, Fault::Other { reason }),
        )
    }

    /// Commits. An error leaves open whether that is done, unless the transaction is aborted then.
    fn end(&self, limit: Instant, patience: &Patience) -> Result<(), ConnectorError> {
        if let Some(refused) = Answers::take(&self.producer.context().refused) {
            return Err(refused);
        }
        loop {
            match self.producer.commit_transaction(CALL) {
                Ok(()) => return Ok(()),
                Err(error) if is_unfinished(&error) => self.wait(Duration::ZERO, limit, patience)?,
                Err(error) => return Err(self.failed("commit a transaction", &error)),
            }
        }
    }

    /// Ends the transaction without a commit; whether that went well.
    fn abort(&self, patience: &Patience) -> bool {
        let limit = Instant::now() + if patience.is_over() { CALL } else { ABORT };
        loop {
            match self.producer.abort_transaction(CALL) {
                Ok(()) => return true,
                Err(error) if is_unfinished(&error) && Instant::now() < limit => {}
                Err(error) => {
                    tracing::debug!(target: "streaming_runtime::kafka", %error, "a transaction was not aborted");
                    return false;
                }
            }
        }
    }

    fn failed(&self, what: &str, error: &KafkaError) -> ConnectorError {
        let is_fenced = error.rdkafka_error_code().is_some_and(is_fence);
        if is_fenced { fenced(&self.transactional_id) } else { failed(what, error) }
    }

    /// That another process has taken this one's id, if it has.
    fn fenced(&self) -> Option<ConnectorError> {
        let (code, _) = self.producer.client().fatal_error()?;
        is_fence(code).then(|| fenced(&self.transactional_id))
    }
}

/// Another process has taken this one's id.
pub(super) fn fenced(transactional_id: &str) -> ConnectorError {
    let transactional_id = transactional_id.to_owned();
    Fault::Fenced { transactional_id }.at("write to Kafka")
}

fn is_fence(code: Code) -> bool {
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

/// Whether a call has to be made again to learn how it ended.
fn is_unfinished(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => {
            error.is_retriable() && !error.is_fatal() && !error.txn_requires_abort()
        }
        KafkaError::Flush(_) => true,
        _ => false,
    }
}
