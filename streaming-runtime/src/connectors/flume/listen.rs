//! A source that agents connect to.

use std::{
    fmt, io,
    net::{self, SocketAddr, ToSocketAddrs},
    sync::atomic::Ordering,
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{
    connect::{ConnectorError, Recovery, Source, SourceContext},
    connectors::flume::{
        connection::{Connection, Rules},
        connections::Connections,
        event::Event,
        frame::{Framing, Room},
    },
};

/// How long to wait until accepting is tried again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// A source that agents connect to: [`listen_avro`](super::listen_avro) or [`listen_thrift`](super::listen_thrift).
#[derive(Debug)]
pub struct Listen {
    listener: net::TcpListener,
    local: SocketAddr,
    rules: Rules,
    max_connections: usize,
    max_waiting: usize,
    connections: Connections,
}

impl Listen {
    pub(super) fn new(
        address: impl ToSocketAddrs + fmt::Debug,
        framing: Framing,
    ) -> Result<Self, ConnectorError> {
        let failed = |error| ConnectorError::io(format!("listen on {address:?} for agents of Flume"), error);
        let listener = net::TcpListener::bind(&address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let rules = Rules {
            framing,
            max_frame: 16 << 20,
            idle: Duration::from_secs(10 * 60),
            answer_within: Duration::from_secs(15),
        };
        let connections = Connections::default();
        Ok(Listen { listener, local, rules, max_connections: 256, max_waiting: 128 << 20, connections })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }
    /// How many agents may be connected: 256 by default. One more is closed at once, and its agent tries again.
    pub fn max_connections(mut self, agents: usize) -> Self {
        self.max_connections = agents;
        self
    }
    /// How many bytes a call may have: 16 MiB by default. That is also the most that its events take in memory, with 64 bytes for each
    /// event and each header besides. A connection that sends more is closed.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.rules.max_frame = bytes;
        self
    }
    /// How many bytes the calls of all agents together may have, from when they arrive to when they are answered: 128 MiB by default.
    /// With more, the connection that sends it is closed, and its agent tries again.
    pub fn max_waiting(mut self, bytes: usize) -> Self {
        self.max_waiting = bytes;
        self
    }
    /// Closes a connection that is silent between two calls for this long: 10 minutes by default. Its agent connects again when it has
    /// events.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.rules.idle = time;
        self
    }
    /// How long a transaction may take to become durable before it is answered FAILED: 15 s by default. Its agent then sends it again,
    /// so it may be there twice. It must be less than the agent's `request-timeout`, which is 20 s by default, and more than the job's batch interval.
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.rules.answer_within = limit;
        self
    }
    /// Counts connections and transactions, also while the source runs.
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// A client that was accepted, if there is a place for it.
    fn admit(
        &self,
        (stream, peer): (TcpStream, SocketAddr),
        out: &SourceContext<Event>,
        room: &Room,
        open: usize,
    ) -> Option<Connection> {
        let (counts, most) = (&self.connections.0, self.max_connections);
        if open >= most {
            counts.add(&counts.refused, || {
                tracing::warn!(%peer, most, "too many agents are connected; later ones are only counted");
            });
            return None;
        }
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "answers of this connection may be late");
        }
        counts.accepted.fetch_add(1, Ordering::Relaxed);
        let partition = out.partition(peer.to_string());
        let (rules, room, connections) = (self.rules.clone(), room.clone(), self.connections.clone());
        Some(Connection { stream, peer, partition, rules, room, connections })
    }
}

/// Accepts a client, after a while if that has just failed.
async fn accept(listener: &TcpListener, has_failed: bool) -> io::Result<(TcpStream, SocketAddr)> {
    if has_failed {
        sleep(ACCEPT_AGAIN).await;
    }
    listener.accept().await
}

impl Source<Event> for Listen {
    const MAY_BLOCK: bool = false;
    /// An agent forgets what was answered OK.
    const RECOVERY: Recovery = Recovery::Logged;

    async fn run(self, out: SourceContext<Event>) -> Result<(), ConnectorError> {
        let failed = |error| ConnectorError::io(format!("listen on {}", self.local), error);
        let listener = self.listener.try_clone().and_then(TcpListener::from_std).map_err(failed)?;
        self.connections.show(&out);
        let counts = &self.connections.0;
        let room = Room::new(self.max_waiting);
        // All are driven by one future, so that they end with the source.
        let mut agents = FuturesUnordered::new();
        let mut has_failed = false;
        loop {
            counts.open.store(agents.len(), Ordering::Relaxed);
            tokio::select! {
                accepted = accept(&listener, has_failed) => match accepted {
                    Ok(client) => {
                        has_failed = false;
                        agents.extend(self.admit(client, &out, &room, agents.len()).map(Connection::run));
                    }
                    // No descriptors left, a client that was gone already, errors of the network: all of these pass.
                    Err(error) => {
                        has_failed = true;
                        counts.add(&counts.failures, || {
                            tracing::warn!(%error, local = %self.local, "an agent could not be accepted; later ones are only counted");
                        });
                    }
                },
                Some(()) = agents.next() => {}
            }
        }
    }
}
