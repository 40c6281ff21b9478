//! One TCP connection as lines.

use std::{io, time::Duration};

use futures::FutureExt;
use tokio::{net::TcpStream, time::timeout};

use crate::{
    connectors::lines::{LineDecoder, LineRules},
    contract::error::ConnectorError,
};

/// What one read asks for at most.
const MAX_READ: usize = 64 * 1024;

/// A connection and its unfinished line. While nothing arrives, that line is all that it needs memory for.
pub(super) struct Connection {
    stream: TcpStream,
    decoder: LineDecoder,
    idle: Option<Duration>,
}

/// What a read brought.
pub(super) enum LineEvent {
    /// So many bytes, for [`Connection::accept`].
    Bytes(usize),
    /// The peer has closed the connection cleanly.
    Closed,
    /// The connection broke, or was silent for too long.
    Broken(io::Error),
}

impl Connection {
    pub(super) fn new(stream: TcpStream, peer: String, rules: LineRules, idle: Option<Duration>) -> Self {
        Connection { stream, decoder: LineDecoder::new(peer, rules, MAX_READ), idle }
    }

    pub(super) fn peer(&self) -> &str {
        self.decoder.what()
    }

    /// How long it may be silent from now on.
    pub(super) fn idle_after(&mut self, idle: Option<Duration>) {
        self.idle = idle;
    }

    /// Bytes of the line that has begun.
    pub(super) fn unfinished(&self) -> usize {
        self.decoder.unfinished()
    }

    /// Waits for the next event. Cancel safe: if it is dropped, nothing was read.
    pub(super) async fn event(&mut self) -> LineEvent {
        let Connection { stream, decoder, idle } = self;
        let read = async {
            loop {
                if stream.readable().now_or_never().is_none() {
                    decoder.give_room_back();
                    stream.readable().await?;
                }
                match stream.try_read(decoder.room()) {
                    // It was not ready after all.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
            }
        };
        let outcome = match *idle {
            Some(idle) => timeout(idle, read).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            None => read.await,
        };
        match outcome {
            Ok(0) => LineEvent::Closed,
            Ok(n) => LineEvent::Bytes(n),
            Err(error) => LineEvent::Broken(error),
        }
    }

    /// The lines that `n` bytes ended; a failure comes after the lines before it.
    pub(super) fn accept(&mut self, n: usize) -> (Vec<String>, Result<(), ConnectorError>) {
        let mut lines = Vec::new();
        let outcome = self.decoder.accept(n, &mut lines);
        (lines, outcome)
    }

    /// The line that the peer's clean close ended.
    pub(super) fn finish(&mut self) -> (Vec<String>, Result<(), ConnectorError>) {
        let mut lines = Vec::new();
        let outcome = self.decoder.finish(&mut lines);
        (lines, outcome)
    }
}
