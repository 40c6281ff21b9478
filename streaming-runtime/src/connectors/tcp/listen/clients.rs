//! The connected clients, and which one is closed when there are too many.

use std::{collections::BTreeMap, time::Duration};

use futures::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::FuturesUnordered,
};
use tokio::time::Instant;

use crate::connectors::tcp::connection::{Connection, LineEvent};

/// How long a client that has sent lines may be silent before another may take its place. One that has not sent any may be
/// sent away at any time.
const QUIET: Duration = Duration::from_secs(10);

/// Connections, each waiting for something to come.
///
/// All are read by one future: with a task for each, lines would wait in a queue between them and the outlet, and be lost
/// when the job stops.
pub(super) struct Clients {
    events: FuturesUnordered<BoxFuture<'static, Option<(u64, Connection, LineEvent)>>>,
    seats: BTreeMap<u64, ClientSeat>,
    next: u64,
    /// Bytes of the lines that have begun, of all together.
    unfinished: usize,
}

/// What is known of a connection while it waits.
struct ClientSeat {
    abort: AbortHandle,
    /// When something came last; before, when it was made.
    heard: Instant,
    /// Whether a line has come.
    speaks: bool,
    unfinished: usize,
}

/// A client of which something was heard.
pub(super) struct ClientHeard {
    pub(super) connection: Connection,
    pub(super) event: LineEvent,
    /// Whether a line has come before.
    pub(super) speaks: bool,
}

impl Clients {
    pub(super) fn new() -> Self {
        Clients { events: FuturesUnordered::new(), seats: BTreeMap::new(), next: 0, unfinished: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Bytes of the lines that have begun.
    pub(super) fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Waits for a client from now on.
    pub(super) fn add(&mut self, mut connection: Connection, speaks: bool) {
        let (id, unfinished) = (self.next, connection.unfinished());
        self.next += 1;
        let (abort, registration) = AbortHandle::new_pair();
        let event = async move {
            let event = connection.event().await;
            (id, connection, event)
        };
        self.events.push(Abortable::new(event, registration).map(Result::ok).boxed());
        self.unfinished += unfinished;
        self.seats.insert(id, ClientSeat { abort, heard: Instant::now(), speaks, unfinished });
    }

    /// The next client with an event; it is no longer waited for. `None` if there is no client.
    pub(super) async fn next(&mut self) -> Option<ClientHeard> {
        loop {
            // A client that was closed gives no event.
            let Some((id, connection, event)) = self.events.next().await? else { continue };
            // It may have been sent away just when something came.
            if let Some(seat) = self.leave(id) {
                return Some(ClientHeard { connection, event, speaks: seat.speaks });
            }
        }
    }

    /// Sends away the client that has been silent for longest: of those that have never sent a line, or of those that are
    /// silent for long. Whether there was one.
    pub(super) fn send_silent_away(&mut self) -> bool {
        let now = Instant::now();
        let may = |seat: &&ClientSeat| !seat.speaks || now.duration_since(seat.heard) >= QUIET;
        let order = |seat: &ClientSeat| (seat.speaks, seat.heard);
        let silent = self.seats.iter().filter(|(_, seat)| may(seat)).min_by_key(|(_, seat)| order(seat));
        let silent = silent.map(|(id, _)| *id);
        silent.is_some_and(|id| self.send_away(id))
    }

    /// Closes the client with the longest unfinished line; of equals, the one whose line began first.
    pub(super) fn send_longest_away(&mut self) -> bool {
        let order = |seat: &ClientSeat| (seat.unfinished, std::cmp::Reverse(seat.heard));
        let longest = self.seats.iter().max_by_key(|(_, seat)| order(seat)).map(|(id, _)| *id);
        longest.is_some_and(|id| self.send_away(id))
    }

    fn send_away(&mut self, id: u64) -> bool {
        self.leave(id).inspect(|seat| seat.abort.abort()).is_some()
    }

    fn leave(&mut self, id: u64) -> Option<ClientSeat> {
        let seat = self.seats.remove(&id)?;
        self.unfinished -= seat.unfinished;
        Some(seat)
    }
}
