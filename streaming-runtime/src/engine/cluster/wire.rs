//! The connections that timely's own threads use, made so that a peer's death is not a panic.
//!
//! Timely has two threads for each peer, one that sends and one that receives. Both panic when their connection
//! breaks, poison the queues to the workers while they unwind, and make whoever joins them panic as well. A
//! [`Wire`] therefore never tells them: it reports the break to the job, swallows what is still sent, and ends
//! what is received as timely wants it to end, with a message that says so. Only after the workers have left,
//! as a message that was half there must be filled up with nothing before that.

use std::{
    any::Any,
    collections::BTreeMap,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
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

use super::{ClusterError, assemble::Site, frame::Lines};
use crate::engine::JobError;

/// How long timely's threads may take to end once their connections are shut, before they are left behind.
const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// Bytes of timely's header: six numbers, the fifth of which is the length of what follows.
const HEADER: usize = 48;
const LENGTH: std::ops::Range<usize> = 32..40;

/// The index of a peer, and what happened to the connection to it.
pub(super) type Break = (usize, io::Error);

/// What all wires of a job share.
struct Ends {
    /// Set when no worker is left.
    gone: OnceLock<()>,
    /// Told of a connection that broke.
    lost: mpsc::UnboundedSender<Break>,
}

/// Held by every worker; the last one to drop it tells the wires that nobody reads any more.
pub(crate) struct Present(Arc<Ends>);

impl Drop for Present {
    fn drop(&mut self) {
        let _ = self.0.gone.set(());
    }
}

/// All wires of a job, with timely's threads on them.
pub(super) struct Wires {
    sockets: Vec<Arc<TcpStream>>,
    ends: Arc<Ends>,
    /// Joins the threads when it is dropped.
    threads: Box<dyn Any + Send>,
}

impl Wires {
    /// Gives connections to timely, and returns what the workers here need to use them. All of that must come to
    /// be used: the threads wait for it.
    pub(super) fn join(
        peers: BTreeMap<usize, Lines>,
        workers: usize,
        site: &Site,
        lost: mpsc::UnboundedSender<Break>,
    ) -> Result<(Vec<AllocatorBuilder>, Wires), JobError> {
        let io =
            |source| JobError::Cluster(ClusterError::io("preparing the connections for records", source));
        let ends = Arc::new(Ends { gone: OnceLock::new(), lost });
        let mut wires: Vec<Option<Wire>> = site.hosts.iter().map(|_| None).collect();
        let mut sockets = Vec::new();
        for (peer, lines) in peers {
            let parts = lines.into_parts();
            assert!(parts.read_buf.is_empty(), "records are sent only when all processes are there");
            let socket = parts.io.into_std().map_err(io)?;
            socket.set_nodelay(true).map_err(io)?;
            socket.set_nonblocking(false).map_err(io)?;
            let socket = Arc::new(socket);
            sockets.push(socket.clone());
            wires[peer] = Some(Wire::new(peer, socket, ends.clone()));
        }
        let hooks = Hooks::default();
        let local = ProcessBuilder::new_typed_vector(workers, hooks.refill.clone(), None);
        let (allocators, threads) =
            initialize_networking_from_sockets(local, wires, site.index, workers, hooks).map_err(io)?;
        let allocators = allocators.into_iter().map(AllocatorBuilder::Tcp).collect();
        Ok((allocators, Wires { sockets, ends, threads: Box::new(threads) }))
    }

    /// For the workers to hold.
    pub(super) fn present(&self) -> Arc<Present> {
        Arc::new(Present(self.ends.clone()))
    }

    /// Ends the threads: by themselves within `limit`, for workers that have `left` after the last batch as their
    /// peers have; at once for others.
    pub(super) async fn close(self, left: bool, limit: Duration) {
        let Wires { sockets, threads, .. } = self;
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
struct Wire {
    peer: usize,
    socket: Arc<TcpStream>,
    ends: Arc<Ends>,
    received: Framing,
    broken: bool,
}

impl Wire {
    fn new(peer: usize, socket: Arc<TcpStream>, ends: Arc<Ends>) -> Self {
        Wire { peer, socket, ends, received: Framing::default(), broken: false }
    }

    /// The connection broke.
    fn lost(&mut self, error: io::Error) {
        if !std::mem::replace(&mut self.broken, true) {
            // Nobody hears it once the job is over.
            let _ = self.ends.lost.send((self.peer, error));
        }
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.broken {
            match (&*self.socket).read(into) {
                Ok(0) if self.received.ended => return Ok(0),
                Ok(0) => self.lost(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.received.pass(&into[..read]);
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) if self.received.ended => return Ok(0),
                Err(error) => self.lost(error),
            }
        }
        self.ends.gone.wait();
        Ok(self.received.finish(into))
    }
}

impl Write for Wire {
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

impl Stream for Wire {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(Wire::new(self.peer, self.socket.clone(), self.ends.clone()))
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
#[derive(Default)]
struct Framing {
    /// The header that is being read.
    header: Vec<u8>,
    /// Bytes left of the message behind it.
    left: u64,
    /// Whether the message that ends the stream was seen.
    ended: bool,
}

impl Framing {
    /// Follows what was received.
    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let here = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= here as u64;
                bytes = &bytes[here..];
                continue;
            }
            let (of_header, rest) = bytes.split_at(bytes.len().min(HEADER - self.header.len()));
            self.header.extend_from_slice(of_header);
            bytes = rest;
            if self.header.len() == HEADER {
                let length = self.header[LENGTH].try_into().expect("it has eight bytes");
                self.left = u64::from_be_bytes(length);
                self.ended |= self.left == 0;
                self.header.clear();
            }
        }
    }

    /// Zeros up to the end of the message that is half there, then the message that ends the stream, which is a
    /// header of zeros, then nothing.
    fn finish(&mut self, into: &mut [u8]) -> usize {
        let wanted = match self.left {
            0 if self.ended => 0,
            0 => HEADER - self.header.len(),
            left => usize::try_from(left).unwrap_or(usize::MAX),
        };
        let zeros = wanted.min(into.len());
        into[..zeros].fill(0);
        self.pass(&vec![0; zeros]);
        zeros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![1; HEADER];
        bytes[LENGTH].copy_from_slice(&(length as u64).to_be_bytes());
        bytes.resize(HEADER + length, 7);
        bytes
    }

    /// Wherever a stream breaks, what is made of it is whole messages and an end.
    #[test]
    fn a_broken_stream_ends_as_whole_messages() {
        let sent = [message(3), message(100), message(1)].concat();
        for cut in 0..sent.len() {
            for step in [1, 7, 64, 1000] {
                let mut framing = Framing::default();
                sent[..cut].chunks(step).for_each(|bytes| framing.pass(bytes));
                assert!(!framing.ended);
                let mut all = sent[..cut].to_vec();
                let mut buffer = vec![9; step];
                loop {
                    match framing.finish(&mut buffer) {
                        0 => break,
                        filled => all.extend_from_slice(&buffer[..filled]),
                    }
                }
                // What timely's receiving thread does.
                let (mut at, mut ended) = (0, false);
                while at < all.len() {
                    assert!(!ended, "cut at {cut}: something behind the end");
                    let length: [u8; 8] = all[at..][LENGTH].try_into().expect("eight bytes");
                    let length = u64::from_be_bytes(length) as usize;
                    ended = length == 0;
                    at += HEADER + length;
                }
                assert!(ended && at == all.len(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_a_peer_ended_itself_is_left_alone() {
        let mut framing = Framing::default();
        framing.pass(&message(3));
        framing.pass(&[0; HEADER]);
        assert!(framing.ended);
        assert_eq!(framing.finish(&mut [0; 64]), 0);
    }
}
