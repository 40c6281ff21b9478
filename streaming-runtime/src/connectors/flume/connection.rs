//! One agent that is connected.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{net::TcpStream, time::timeout};

use crate::{
    connect::{ConnectorError, Partition},
    connectors::flume::{
        avro,
        bytes::Malformed,
        call::{Call, Status},
        connections::Connections,
        event::Event,
        frame::{self, End, Framing, Room},
        thrift,
    },
};

/// What holds for all connections of a source.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) framing: Framing,
    /// In bytes.
    pub(super) max_frame: usize,
    pub(super) idle: Duration,
    pub(super) answer_within: Duration,
}

/// A connection; its partition is what the job knows it by.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) partition: Partition<Event>,
    pub(super) rules: Rules,
    pub(super) room: Room,
    pub(super) connections: Connections,
}

/// A call, whose answer remains to be written.
enum Heard {
    Avro(avro::Heard),
    Thrift(thrift::Heard),
}

impl Heard {
    fn read(
        framing: Framing,
        avro: &mut avro::Answerer,
        bytes: &[u8],
        room: usize,
    ) -> Result<Self, Malformed> {
        match framing {
            Framing::Avro => avro.hear(bytes, room).map(Heard::Avro),
            Framing::Thrift => thrift::hear(bytes, room).map(Heard::Thrift),
        }
    }

    fn call(&mut self) -> Call {
        let call = match self {
            Heard::Avro(heard) => &mut heard.call,
            Heard::Thrift(heard) => &mut heard.call,
        };
        std::mem::replace(call, Call::Nothing)
    }

    fn status(self, status: Status) -> Vec<u8> {
        match self {
            Heard::Avro(mut heard) => {
                avro::put_status(&mut heard.answer, status);
                heard.answer
            }
            Heard::Thrift(heard) => heard.status(status),
        }
    }

    fn error(self, error: &str) -> Vec<u8> {
        match self {
            Heard::Avro(mut heard) => {
                avro::put_error(&mut heard.answer, error);
                heard.answer
            }
            Heard::Thrift(heard) => heard.error(error),
        }
    }

    /// The answer to what is no more than a handshake.
    fn nothing(self) -> Vec<u8> {
        match self {
            Heard::Avro(heard) => heard.answer,
            Heard::Thrift(heard) => heard.status(Status::Ok),
        }
    }
}

impl Connection {
    /// Takes calls, one after the other, until the connection ends.
    pub(super) async fn run(mut self) {
        let end = self.calls().await;
        self.count(&end);
        if let Err(error) = self.partition.retire() {
            tracing::debug!(peer = %self.peer, %error, "a connection is not forgotten yet");
        }
    }

    async fn calls(&mut self) -> End {
        let mut answerer = avro::Answerer::default();
        loop {
            if let Err(end) = self.call(&mut answerer).await {
                return end;
            }
        }
    }

    /// One call, from its first byte to the last of its answer.
    async fn call(&mut self, answerer: &mut avro::Answerer) -> Result<(), End> {
        let Rules { framing, max_frame, idle, .. } = self.rules;
        let frame = frame::read(&mut self.stream, (framing, max_frame), idle, &self.room).await?;
        let heard = Heard::read(framing, answerer, &frame.bytes, max_frame);
        let mut heard = heard.map_err(|what| End::Refused(what.to_owned()))?;
        let serial = frame.serial;
        // The events take the place of their bytes.
        let held = frame.into_held();
        let answer = match heard.call() {
            Call::Append(events) => heard.status(self.append(events).await?),
            Call::Unknown(name) => {
                heard.error(&format!("there is no method `{name}`: `append` and `appendBatch` are taken"))
            }
            Call::Nothing => heard.nothing(),
        };
        drop(held);
        Ok(frame::write(&mut self.stream, framing, serial, &answer).await?)
    }

    /// Sends events into the job, and waits until they are durable.
    async fn append(&mut self, events: Vec<Event>) -> Result<Status, End> {
        if events.is_empty() {
            return Ok(Status::Ok);
        }
        let (partition, counts) = (&mut self.partition, &self.connections.0);
        // A connection has no position: who comes later from the same address begins anew.
        let durable = async {
            partition.send_tracked(events, &()).await?.await.map_err(ConnectorError::from).map(drop)
        };
        match timeout(self.rules.answer_within, durable).await {
            Ok(Ok(())) => {
                counts.answered.fetch_add(1, Ordering::Relaxed);
                Ok(Status::Ok)
            }
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.peer, %error, "the job takes no more events");
                Err(End::Stopped)
            }
            Err(_) => {
                let limit = self.rules.answer_within;
                counts.add(&counts.failed, || {
                    tracing::warn!(peer = %self.peer, ?limit, "a transaction was not durable in time, so its agent sends it again: later ones are only counted");
                });
                Ok(Status::Failed)
            }
        }
    }

    fn count(&self, end: &End) {
        let (counts, peer) = (&self.connections.0, self.peer);
        let count = |what: &AtomicU64, why: &dyn std::fmt::Display| {
            tracing::debug!(%peer, %why, "a connection was closed");
            counts.add(what, || {
                tracing::warn!(%peer, %why, "a connection was closed; later ones are only counted");
            });
        };
        match end {
            End::Closed | End::Stopped => {}
            End::Broken(error) => count(&counts.broken, error),
            End::Refused(why) => count(&counts.malformed, why),
            End::Full => count(&counts.full, &"calls that wait take more than `.max_waiting(..)`"),
        }
    }
}
