//! Batches of the lines that come over a socket, one at each interval.

use std::{
    io::{ErrorKind, Read},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Gives the lines of each batch to `run`, in stretches of whole lines, and `None` when that was the batch; until the sender
/// has closed.
///
/// The socket collects: the thread sleeps until the boundary, and is not woken by what comes. When more comes than a
/// socket holds it reads in between, so often that it finds some 64 KiB each time, and between the stretches of a batch
/// that runs. So one thread does all, and wakes once a batch at low rates.
pub fn at_intervals(socket: TcpStream, interval: Duration, mut run: impl FnMut(Option<&str>)) {
    socket.set_nonblocking(true).expect("a socket");
    let mut input = Input { socket, collected: Vec::new(), ended: false };
    let mut batch = Vec::new();
    let mut pause = SHORTEST_PAUSE.min(interval);
    let mut boundary = Instant::now();
    let mut ended = false;
    while !ended {
        // A batch that took longer than the interval is followed by the next at once.
        boundary = (boundary + interval).max(Instant::now());
        while !input.ended {
            let left = boundary.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(pause));
            let much = input.read() > MUCH;
            pause = (if much { pause / 2 } else { pause * 2 }).clamp(SHORTEST_PAUSE.min(interval), interval);
        }
        ended = input.ended; // before this batch, or the next is the last
        input.take_lines(&mut batch);
        let mut rest = std::str::from_utf8(&batch).expect("the sender sends text");
        while !rest.is_empty() {
            let beyond = rest.as_bytes().get(MUCH..).unwrap_or_default();
            let at = beyond.iter().position(|&byte| byte == b'\n');
            let (stretch, after) = rest.split_at(at.map_or(rest.len(), |at| MUCH + at + 1));
            run(Some(stretch));
            rest = after;
            if !rest.is_empty() {
                input.read();
            }
        }
        run(None);
    }
}

/// Bytes to find at a read.
const MUCH: usize = 1 << 16;
const SHORTEST_PAUSE: Duration = Duration::from_micros(100);

struct Input {
    socket: TcpStream,
    collected: Vec<u8>,
    ended: bool,
}

impl Input {
    /// Reads what is there, or much of it; returns how much.
    fn read(&mut self) -> usize {
        let before = self.collected.len();
        let most = 4 * MUCH;
        match (&self.socket).take(most as u64).read_to_end(&mut self.collected) {
            Ok(bytes) => self.ended |= bytes < most,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("the sender sends: {error}"),
        }
        self.collected.len() - before
    }

    /// Moves the lines that are whole to `batch`.
    fn take_lines(&mut self, batch: &mut Vec<u8>) {
        batch.clear();
        let end = self.collected.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        batch.extend_from_slice(&self.collected[end..]);
        self.collected.truncate(end);
        std::mem::swap(batch, &mut self.collected);
    }
}
