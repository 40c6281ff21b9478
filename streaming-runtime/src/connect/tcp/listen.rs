//! Lines from clients.

use std::{
    fmt, io,
    net::{self, SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};

use super::connection::{Connection, Event};
use crate::connect::{
    ConnectorError, Outlet, Source,
    lines::{LineRules, line_settings},
    retry::{Failures, Retry},
};

/// A source of the lines that clients send to `address`, and to no other; port 0 takes a free one, see
/// [`local_addr`](Listen::local_addr). It listens from now on and does not end by itself.
///
/// Up to 1,024 clients may be connected; more are closed at once. A client cannot harm the others: when its
/// connection breaks, or a line of its makes [`on_long_line`](Listen::on_long_line) or
/// [`on_invalid_utf8`](Listen::on_invalid_utf8) fail, that connection is closed and counted in
/// [`Connections`], and the line that broke off is dropped. The last line before a clean close needs no `\n`.
/// While the workers are behind, nothing is read, and the clients wait. A crash loses what was under way, of which clients do
/// not hear; [`durable`](crate::connect::durable()) keeps what came into the job.
///
/// ```
/// use streaming_runtime::{connect::{ConnectorError, tcp}, secs};
///
/// # fn main() -> Result<(), ConnectorError> {
/// let source = tcp::listen("127.0.0.1:0")?.max_connections(100).idle_timeout(secs(60));
/// println!("send lines to {}", source.local_addr());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ConnectorError::Io`] with the address when it is taken or not ours. While it runs, when accepting fails
/// 10 times in a row.
pub fn listen(address: impl ToSocketAddrs + fmt::Debug) -> Result<Listen, ConnectorError> {
    let failed = |error| ConnectorError::io(format!("listen on {address:?}"), error);
    let listener = net::TcpListener::bind(&address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok(Listen {
        listener,
        local,
        max_connections: 1024,
        idle_timeout: None,
        connections: Connections::default(),
        rules: LineRules::default(),
    })
}

/// See [`listen`].
#[derive(Debug)]
pub struct Listen {
    listener: net::TcpListener,
    local: SocketAddr,
    max_connections: usize,
    idle_timeout: Option<Duration>,
    connections: Connections,
    rules: LineRules,
}

impl Listen {
    line_settings!("Skip");

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }
    /// How many clients may be connected: 1,024 by default.
    pub fn max_connections(mut self, clients: usize) -> Self {
        self.max_connections = clients;
        self
    }
    /// Closes a connection on which nothing has come for so long. Not done by default.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle_timeout = Some(time);
        self
    }
    /// Counts connections, also while the source runs.
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }
}

/// The connections of a [`listen`] source in numbers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
}

impl Connections {
    /// Open now.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }
    /// Accepted so far.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Ordering::Relaxed)
    }
    /// Closed at once because there were too many.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
    /// Ended otherwise than by the client's clean close: broken, idle, or closed for a bad line.
    pub fn broken(&self) -> u64 {
        self.0.broken.load(Ordering::Relaxed)
    }
}

/// Waits for the next event of a connection, and has it come back with it.
async fn event(mut connection: Connection) -> (Connection, Event) {
    let event = connection.event().await;
    (connection, event)
}

/// Accepts a client, not before `at`.
async fn accept(listener: &TcpListener, at: Option<Instant>) -> io::Result<(TcpStream, SocketAddr)> {
    if let Some(at) = at {
        sleep_until(at).await;
    }
    listener.accept().await
}

impl Source<String> for Listen {
    const MAY_BLOCK: bool = false;

    async fn run(self, mut out: Outlet<String>) -> Result<(), ConnectorError> {
        let failed = |error| ConnectorError::io(format!("listen on {}", self.local), error);
        let listener = TcpListener::from_std(self.listener).map_err(failed)?;
        let counts = &self.connections.0;
        let mut failures = Failures::new(Retry::default());
        let mut accept_at = None;
        // All connections are read by this one future: with a task for each, lines would wait in a queue
        // between them and the outlet, and be lost when the job stops.
        let mut events = FuturesUnordered::new();
        loop {
            counts.open.store(events.len(), Ordering::Relaxed);
            tokio::select! {
                accepted = accept(&listener, accept_at) => match accepted {
                    Ok((client, peer)) => {
                        failures.reset();
                        accept_at = None;
                        if events.len() >= self.max_connections {
                            if counts.refused.fetch_add(1, Ordering::Relaxed) == 0 {
                                tracing::warn!(%peer, "too many connections; later ones are only counted");
                            }
                            continue; // the drop closes it
                        }
                        counts.accepted.fetch_add(1, Ordering::Relaxed);
                        let (peer, rules) = (peer.to_string(), self.rules.clone());
                        events.push(event(Connection::new(client, peer, rules, self.idle_timeout)));
                    }
                    // A client that was gone before we looked, or no descriptors left: that may pass.
                    Err(error) => {
                        tracing::warn!(%error, address = %self.local, "a connection could not be accepted");
                        let delay = failures.add("", error.kind().into()).map_err(|_| failed(error))?;
                        accept_at = Some(Instant::now() + delay);
                    }
                },
                Some((mut connection, event_of)) = events.next() => {
                    let (lines, outcome) = match event_of {
                        Event::Bytes(n) => connection.accept(n),
                        Event::Closed => connection.finish(),
                        Event::Broken(ref error) => {
                            broken(counts, &connection, error);
                            continue;
                        }
                    };
                    out.send_all(lines).await?;
                    match outcome {
                        Err(error) => broken(counts, &connection, &error),
                        Ok(()) if matches!(event_of, Event::Bytes(_)) => events.push(event(connection)),
                        Ok(()) => {}
                    }
                }
            }
        }
    }
}

fn broken(counts: &Counts, connection: &Connection, error: &dyn fmt::Display) {
    counts.broken.fetch_add(1, Ordering::Relaxed);
    tracing::debug!(peer = connection.peer(), %error, "a connection broke");
}

#[cfg(test)]
mod tests;
