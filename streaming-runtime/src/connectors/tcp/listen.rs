//! Lines from clients.

mod clients;

use std::{
    fmt, io,
    net::{
        SocketAddr, ToSocketAddrs, {self},
    },
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};

use crate::{
    connectors::{
        lines::{LineRules, line_settings},
        tcp::{
            connection::{Connection, LineEvent},
            descriptors::{is_broken, is_exhausted, share},
        },
    },
    contract::{error::ConnectorError, retry::Retry, source::Source},
    intake::source_context::SourceContext,
};
use clients::{ClientHeard, Clients};

/// How long a client may take to send its first line unless told otherwise.
const FIRST_LINE: Duration = Duration::from_secs(5 * 60);
/// How much of lines that have begun and not ended is held, of all clients together, unless told otherwise.
const UNFINISHED: usize = 16 << 20;

/// A source of the lines that clients send to `address`, and to no other; port 0 takes a free one, see
/// [`local_addr`](Listen::local_addr). It listens from now on and does not end by itself.
///
/// A client cannot harm the others. When its connection breaks, or one of its lines makes
/// [`on_long_line`](Listen::on_long_line) or [`on_invalid_utf8`](Listen::on_invalid_utf8) fail, that connection is closed and
/// counted in [`Connections`], and an unfinished line is dropped. The last line before a clean close needs no `\n`.
///
/// Many clients cannot harm the job either; load does not end it:
///
/// - Up to 1,024 clients may be connected, or half of the descriptors that the process may open, if that is less
///   ([`max_connections`](Listen::max_connections)). One more closes the client that has been silent for longest among those that
///   have not sent a line yet, or else among those that have been silent for 10 s. If all others are busy, the new one is closed.
/// - A client that has not sent a line after 5 minutes is closed ([`first_line_within`](Listen::first_line_within)).
/// - Unfinished lines of all clients together may take 16 MiB ([`max_unfinished`](Listen::max_unfinished)). With more, the client
///   with the longest one is closed.
/// - When the process has no descriptors left, a silent client is closed. Accepting is tried again, as after any other error of
///   the network.
///
/// All of that is counted in [`Connections`], and under the same names in the job's metrics
/// ([`SourceMetrics::events`](crate::metrics::SourceMetrics)).
///
/// While the workers are behind, nothing is read, and the clients wait.
///
/// # After a crash
/// What was under way is lost, and clients are not told. [`durable`](crate::connect::durable()) keeps what came into the job.
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
/// [`ConnectorError::Io`] with the address when it is taken or not ours. While it runs, when the system refuses 10 times in a row
/// to accept from the socket at all.
pub fn listen(address: impl ToSocketAddrs + fmt::Debug) -> Result<Listen, ConnectorError> {
    let failed = |error| ConnectorError::io(format!("listen on {address:?}"), error);
    let listener = net::TcpListener::bind(&address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok(Listen {
        listener,
        local,
        max_connections: None,
        first_line: FIRST_LINE,
        max_unfinished: UNFINISHED,
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
    max_connections: Option<usize>,
    first_line: Duration,
    max_unfinished: usize,
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
    /// How many clients may be connected: by default 1,024, or half of the descriptors that the process may open, if that is less.
    pub fn max_connections(mut self, clients: usize) -> Self {
        self.max_connections = Some(clients);
        self
    }
    /// Closes a connection that has not sent a line after this long: 5 minutes by default. `Duration::MAX` is never.
    pub fn first_line_within(mut self, time: Duration) -> Self {
        self.first_line = time;
        self
    }
    /// How many bytes the unfinished lines of all clients together may take: 16 MiB by default.
    pub fn max_unfinished(mut self, bytes: usize) -> Self {
        self.max_unfinished = bytes;
        self
    }
    /// Closes a connection that has sent nothing for this long. Off by default.
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
pub struct Connections(Arc<ConnectionCounters>);

#[derive(Debug, Default)]
struct ConnectionCounters {
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    evicted: AtomicU64,
    unfinished: AtomicU64,
    broken: AtomicU64,
    failures: AtomicU64,
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
    /// Closed to make room for a new one, because they were silent.
    pub fn evicted(&self) -> u64 {
        self.0.evicted.load(Ordering::Relaxed)
    }
    /// Closed in the middle of a line, because unfinished lines took too much memory.
    pub fn unfinished(&self) -> u64 {
        self.0.unfinished.load(Ordering::Relaxed)
    }
    /// Ended without the client's clean close: broken, idle, or closed for a bad line.
    pub fn broken(&self) -> u64 {
        self.0.broken.load(Ordering::Relaxed)
    }
    /// How often accepting one has failed.
    pub fn accept_failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// Shows them in the job's metrics.
    fn show(&self, out: &SourceContext<String>) {
        out.count_all(
            self,
            [
                ("connections_open", |all| all.open() as u64),
                ("connections_accepted", Connections::accepted),
                ("connections_refused", Connections::refused),
                ("connections_evicted", Connections::evicted),
                ("connections_unfinished", Connections::unfinished),
                ("connections_broken", Connections::broken),
                ("accept_failures", Connections::accept_failures),
            ],
        );
    }
}

impl ConnectionCounters {
    /// Counts something; the first time it is worth a warning.
    fn add(&self, what: &AtomicU64, warn: impl FnOnce()) {
        if what.fetch_add(1, Ordering::Relaxed) == 0 {
            warn();
        }
    }
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

    async fn run(self, mut out: SourceContext<String>) -> Result<(), ConnectorError> {
        let Listen {
            listener,
            local,
            max_connections,
            first_line,
            max_unfinished,
            idle_timeout,
            connections,
            rules,
        } = self;
        let failed = |error| ConnectorError::io(format!("listen on {local}"), error);
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        connections.show(&out);
        rules.bad.show(&out);
        let most = max_connections.unwrap_or_else(share);
        let idle = |speaks| {
            if speaks {
                idle_timeout
            } else {
                Some(idle_timeout.map_or(first_line, |idle| idle.min(first_line)))
            }
        };
        let counts = &connections.0;
        let mut failures = Retry::default().backoff();
        let mut accept_at = None;
        let mut clients = Clients::new();
        loop {
            counts.open.store(clients.len(), Ordering::Relaxed);
            tokio::select! {
                accepted = accept(&listener, accept_at) => match accepted {
                    Ok((client, peer)) => {
                        failures.reset();
                        accept_at = None;
                        if clients.len() >= most && !evict(&mut clients, counts) {
                            counts.add(&counts.refused, || {
                                tracing::warn!(%peer, most, "too many connections; later ones are only counted");
                            });
                            continue; // the drop closes it
                        }
                        counts.accepted.fetch_add(1, Ordering::Relaxed);
                        clients.add(Connection::new(client, peer.to_string(), rules.clone(), idle(false)), false);
                    }
                    // No descriptors left, a client that was gone already, errors of the network: all of these pass.
                    Err(error) => {
                        counts.add(&counts.failures, || {
                            tracing::warn!(%error, %local, "a connection could not be accepted; later ones are only counted");
                        });
                        if is_exhausted(&error) {
                            evict(&mut clients, counts);
                        }
                        let delay = match is_broken(&error) {
                            true => failures.next_wait().ok_or_else(|| failed(error))?,
                            false => ACCEPT_AGAIN,
                        };
                        accept_at = Some(Instant::now() + delay);
                    }
                },
                Some(ClientHeard { mut connection, event, speaks }) = clients.next() => {
                    let (lines, outcome) = match event {
                        LineEvent::Bytes(n) => connection.accept(n),
                        LineEvent::Closed => connection.finish(),
                        LineEvent::Broken(ref error) => {
                            broken(counts, &connection, error);
                            continue;
                        }
                    };
                    let speaks = speaks || !lines.is_empty();
                    out.send_all(lines).await?;
                    match outcome {
                        Err(error) => broken(counts, &connection, &error),
                        Ok(()) if matches!(event, LineEvent::Bytes(_)) => {
                            connection.idle_after(idle(speaks));
                            clients.add(connection, speaks);
                        }
                        Ok(()) => {}
                    }
                    while clients.unfinished() > max_unfinished && clients.send_longest_away() {
                        counts.add(&counts.unfinished, || {
                            tracing::warn!(%local, max_unfinished, "too much of lines that do not end; the longest goes, later ones are only counted");
                        });
                    }
                }
            }
        }
    }
}

/// How long to wait until accepting is tried again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Makes room for a client, if one is silent enough to go.
fn evict(clients: &mut Clients, counts: &ConnectionCounters) -> bool {
    let evicted = clients.send_silent_away();
    if evicted {
        counts.add(&counts.evicted, || {
            tracing::warn!(
                "too many connections; the one that was silent for longest goes, later ones are only counted"
            );
        });
    }
    evicted
}

fn broken(counts: &ConnectionCounters, connection: &Connection, error: &dyn fmt::Display) {
    counts.broken.fetch_add(1, Ordering::Relaxed);
    tracing::debug!(peer = connection.peer(), %error, "a connection broke");
}

#[cfg(test)]
mod tests;
