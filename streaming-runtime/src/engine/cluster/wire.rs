//! The connections that timely's own threads use, made so that a peer's death is not a panic.
//!
//! Timely has two threads per peer, one that sends and one that receives. When a connection breaks, both panic, poison the queues to the
//! workers while they unwind, and make the thread that joins them panic as well. So a [`RecordConnection`] never tells them. It reports the break to
//! the job, discards what is still sent, and ends the received stream in the way that timely expects, with an end message. It does so
//! only after the workers have left, since a message that was received in part must be completed with zeros before that.
//!
//! Timely also trusts a message's header: it allocates the length that it names, and indexes workers by its targets. So no byte of a
//! header reaches timely before the whole header was checked.

use std::{
    any::Any,
    collections::BTreeMap,
    io::{
        ErrorKind, Read, Write, {self},
    },
    net::{Shutdown, TcpStream},
    ops::Range,
    sync::{Arc, OnceLock},
    time::Duration,
};

use timely::communication::{
    AllocatorBuilder, Hooks,
    allocator::{
        ProcessBuilder,
        zero_copy::{initialize::initialize_networking_from_sockets, stream::Stream},
    },
};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    engine::cluster::{assemble::Site, frame::FrameLines},
    error::{JobError, cluster::ClusterError},
};

/// How long timely's threads may take to end once their connections are shut, before they are left behind.
const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// Bytes of timely's header: six numbers, of which the third and the fourth are the first target and the one behind the last,
/// and the fifth is the length of what follows.
const HEADER: usize = 48;
const TARGETS: [usize; 2] = [2, 3];
const LENGTH: usize = 4;
/// The longest message: as long as a frame of a checkpoint, which parts for the log are sent as, and what is around it.
/// Records go in messages of some KiB, or of one record.
const LONGEST: u64 = (1 << 30) + (1 << 20);

/// The index of a peer, and what happened to the connection to it.
pub(super) type Break = (usize, io::Error);

/// What all connections of a job share.
struct Shared {
    /// Set when no worker is left.
    gone: OnceLock<()>,
    /// Told of a connection that broke.
    lost: mpsc::UnboundedSender<Break>,
}

/// Held by every worker; the last one to drop it tells the connections that nobody reads any more.
pub(crate) struct WorkersPresent(Arc<Shared>);

impl Drop for WorkersPresent {
    fn drop(&mut self) {
        let _ = self.0.gone.set(());
    }
}

/// All connections for records of a job, with timely's threads on them.
pub(super) struct RecordConnections {
    sockets: Vec<Arc<TcpStream>>,
    shared: Arc<Shared>,
    /// Joins the threads when it is dropped.
    threads: Box<dyn Any + Send>,
}

impl RecordConnections {
    /// Gives connections to timely, and returns what the workers here need to use them. All of that must come to
    /// be used: the threads wait for it.
    pub(super) fn join(
        peers: BTreeMap<usize, FrameLines>,
        workers: usize,
        site: &Site,
        lost: mpsc::UnboundedSender<Break>,
    ) -> Result<(Vec<AllocatorBuilder>, RecordConnections), JobError> {
        let io =
            |source| JobError::Cluster(ClusterError::io("preparing the connections for records", source));
        let shared = Arc::new(Shared { gone: OnceLock::new(), lost });
        let mut connections: Vec<Option<RecordConnection>> = site.hosts.iter().map(|_| None).collect();
        let mut sockets = Vec::new();
        for (peer, lines) in peers {
            let parts = lines.into_parts();
            if !parts.read_buf.is_empty() {
                return Err(site.lost(peer, "sent records before all processes were there".to_owned()));
            }
            let socket = parts.io.into_std().map_err(io)?;
            socket.set_nodelay(true).map_err(io)?;
            socket.set_nonblocking(false).map_err(io)?;
            let socket = Arc::new(socket);
            sockets.push(socket.clone());
            let here = (site.index * workers) as u64..((site.index + 1) * workers) as u64;
            connections[peer] = Some(RecordConnection::new(peer, socket, shared.clone(), here));
        }
        let hooks = Hooks::default();
        let local = ProcessBuilder::new_typed_vector(workers, hooks.refill.clone(), None);
        let (allocators, threads) =
            initialize_networking_from_sockets(local, connections, site.index, workers, hooks).map_err(io)?;
        let allocators = allocators.into_iter().map(AllocatorBuilder::Tcp).collect();
        Ok((allocators, RecordConnections { sockets, shared, threads: Box::new(threads) }))
    }

    /// For the workers to hold.
    pub(super) fn present(&self) -> Arc<WorkersPresent> {
        Arc::new(WorkersPresent(self.shared.clone()))
    }

    /// Ends the threads: by themselves within `limit`, for workers that have `left` after the last batch as their
    /// peers have; at once for others.
    pub(super) async fn close(self, left: bool, limit: Duration) {
        let RecordConnections { sockets, threads, .. } = self;
        let mut joined = tokio::task::spawn_blocking(move || drop(threads));
        if left && timeout(limit, &mut joined).await.is_ok() {
            return;
        }
        for socket in sockets {
            // The peer may have been quicker.
            let _ = socket.shutdown(Shutdown::Both);
        }
        if timeout(JOIN_LIMIT, joined).await.is_err() {
            tracing::error!("a worker is stuck in a closure; its connections' threads are left behind");
        }
    }
}

/// A connection to one peer.
struct RecordConnection {
    peer: usize,
    socket: Arc<TcpStream>,
    shared: Arc<Shared>,
    received: Framing,
    broken: bool,
}

impl RecordConnection {
    /// To a peer, which sends to the workers `here`.
    fn new(peer: usize, socket: Arc<TcpStream>, shared: Arc<Shared>, here: Range<u64>) -> Self {
        RecordConnection { peer, socket, shared, received: Framing::new(here), broken: false }
    }

    /// The connection broke.
    fn lost(&mut self, error: io::Error) {
        if !std::mem::replace(&mut self.broken, true) {
            // Nobody hears it once the job is over.
            let _ = self.shared.lost.send((self.peer, error));
        }
    }
}

impl Read for RecordConnection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.broken {
            match self.received.read(&*self.socket, into) {
                Ok(read) => return Ok(read),
                Err(error) => self.lost(error),
            }
        }
        self.shared.gone.wait();
        Ok(self.received.finish(into))
    }
}

impl Write for RecordConnection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Ok(bytes.len());
        }
        (&*self.socket).write(bytes).or_else(|error| match error.kind() {
            ErrorKind::Interrupted => Err(error), // `write_all` tries again
            _ => {
                self.lost(error);
                Ok(bytes.len())
            }
        })
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for RecordConnection {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(RecordConnection::new(
            self.peer,
            self.socket.clone(),
            self.shared.clone(),
            self.received.here.clone(),
        ))
    }
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        // The peer may be gone already.
        let _ = self.socket.shutdown(how);
        Ok(())
    }
}

/// Where in timely's messages a stream of bytes is.
struct Framing {
    /// The workers here.
    here: Range<u64>,
    /// The part of a header that was received and not passed on.
    held: Vec<u8>,
    /// What may be passed on, and found no room.
    ready: Vec<u8>,
    /// Bytes left of the message behind the last header.
    left: u64,
    /// Whether the message that ends the stream was seen.
    ended: bool,
    /// Why nothing more can be read.
    wrong: Option<io::Error>,
}

impl Framing {
    fn new(here: Range<u64>) -> Self {
        Framing { here, held: Vec::new(), ready: Vec::new(), left: 0, ended: false, wrong: None }
    }

    /// Reads what may be passed on; nothing once the peer has ended the stream.
    fn read(&mut self, mut from: impl Read, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.ready.is_empty() {
                return Ok(self.pass_ready(into));
            }
            if let Some(wrong) = self.wrong.take() {
                return Err(wrong);
            }
            if self.ended {
                return Ok(0);
            }
            let mut small = [0; 2 * HEADER];
            let is_small = into.len() <= HEADER;
            let to = if is_small { &mut small[..] } else { &mut *into };
            let held = self.held.len();
            to[..held].copy_from_slice(&self.held);
            let read = match from.read(&mut to[held..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let all = &to[..held + read];
            let good = self.follow(all);
            self.held = all[good..].to_vec();
            if is_small {
                self.ready.extend_from_slice(&small[..good]);
            } else if good > 0 {
                return Ok(good);
            }
        }
    }

    /// Follows what was received from the end of the last message, or from inside of one; returns how much of it is whole
    /// headers and what is behind them.
    fn follow(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.ended {
            if self.left > 0 {
                let here = (bytes.len() - at).min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= here as u64;
                at += here;
                continue;
            }
            let Some(header) = bytes.get(at..at + HEADER) else { break };
            let number = |place: usize| {
                let bytes = header[8 * place..][..8].try_into().expect("it has eight bytes");
                u64::from_be_bytes(bytes)
            };
            let (length, [first, behind]) = (number(LENGTH), TARGETS.map(number));
            let reaches = first < behind && self.here.start <= first && behind <= self.here.end;
            if length > LONGEST || length > 0 && !reaches {
                let what = format!(
                    "a message of {length} bytes for the workers {first} to {behind}, which makes no sense"
                );
                self.wrong = Some(io::Error::new(ErrorKind::InvalidData, what));
                break;
            }
            (self.left, self.ended) = (length, length == 0);
            at += HEADER;
        }
        at
    }

    fn pass_ready(&mut self, into: &mut [u8]) -> usize {
        let passed = self.ready.len().min(into.len());
        into[..passed].copy_from_slice(&self.ready[..passed]);
        self.ready.drain(..passed);
        passed
    }

    /// Zeros up to the end of the message that is half there, then the message that ends the stream, which is a
    /// header of zeros, then nothing.
    fn finish(&mut self, into: &mut [u8]) -> usize {
        if self.ready.is_empty() && self.left > 0 {
            let zeros = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
            into[..zeros].fill(0);
            self.left -= zeros as u64;
            return zeros;
        }
        if self.ready.is_empty() && !std::mem::replace(&mut self.ended, true) {
            self.ready = vec![0; HEADER];
        }
        self.pass_ready(into)
    }
}

#[cfg(test)]
mod tests;
