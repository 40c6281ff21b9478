//! Frames: how much of a connection is one message.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// How long a frame that has begun may take.
const WHOLE: Duration = Duration::from_secs(30);
/// How much is read before more room is made, so that who announces much and sends nothing takes none.
const STEP: usize = 64 * 1024;

/// How messages are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A number, and buffers, each with its length.
    Avro,
    /// One length.
    Thrift,
}

/// A message.
pub(super) struct Frame {
    /// By which its answer is known, in Avro.
    pub(super) serial: i32,
    pub(super) bytes: Vec<u8>,
    held: Held,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The peer has closed it, between two messages.
    Closed,
    /// It broke, or was silent for too long.
    Broken(io::Error),
    /// It sent what is no message.
    Refused(String),
    /// There is no room for what it sends.
    Full,
    /// The job takes no more.
    Stopped,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        End::Broken(error)
    }
}

/// What the messages of all connections together may take.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<AtomicUsize>);

/// A part of it, given back when it is dropped.
struct Held {
    room: Room,
    bytes: usize,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Room(Arc::new(AtomicUsize::new(bytes)))
    }
}

impl Held {
    fn more(&mut self, bytes: usize) -> Result<(), End> {
        let left = |left: usize| left.checked_sub(bytes);
        let taken = self.room.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, left);
        taken.map_err(|_| End::Full)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

impl Frame {
    /// Keeps the room of the message until what was in it has gone.
    pub(super) fn into_held(self) -> impl Sized + Send {
        self.held
    }
}

fn length(bytes: [u8; 4], most: usize) -> Result<usize, End> {
    match usize::try_from(i32::from_be_bytes(bytes)) {
        Ok(length) if length <= most => Ok(length),
        _ => Err(End::Refused(format!(
            "a length of {}, and a frame has {most} bytes at most: it is no frame, or `.max_frame(..)` has to be raised",
            u32::from_be_bytes(bytes)
        ))),
    }
}

async fn number(from: &mut (impl AsyncRead + Unpin)) -> Result<[u8; 4], End> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Reads `length` more bytes.
async fn fill(from: &mut (impl AsyncRead + Unpin), frame: &mut Frame, mut length: usize) -> Result<(), End> {
    while length > 0 {
        let part = length.min(STEP);
        frame.held.more(part)?;
        let at = frame.bytes.len();
        frame.bytes.resize(at + part, 0);
        from.read_exact(&mut frame.bytes[at..]).await?;
        length -= part;
    }
    Ok(())
}

async fn rest(
    from: &mut (impl AsyncRead + Unpin),
    (framing, most): (Framing, usize),
    first: [u8; 4],
    room: &Room,
) -> Result<Frame, End> {
    let held = Held { room: room.clone(), bytes: 0 };
    let mut frame = Frame { serial: i32::from_be_bytes(first), bytes: Vec::new(), held };
    match framing {
        Framing::Thrift => {
            fill(from, &mut frame, length(first, most)?).await?;
        }
        Framing::Avro => {
            let buffers = length(number(from).await?, most / 4)?;
            for _ in 0..buffers {
                let left = most - frame.bytes.len();
                let buffer = length(number(from).await?, left)?;
                fill(from, &mut frame, buffer).await?;
            }
        }
    }
    Ok(frame)
}

/// The next frame, of `most` bytes at most. It must begin within `idle`.
pub(super) async fn read(
    from: &mut (impl AsyncRead + Unpin),
    rules: (Framing, usize),
    idle: Duration,
    room: &Room,
) -> Result<Frame, End> {
    let mut first = [0; 4];
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    if timeout(idle, from.read(&mut first[..1])).await.map_err(late)?? == 0 {
        return Err(End::Closed);
    }
    let whole = async {
        from.read_exact(&mut first[1..]).await?;
        rest(from, rules, first, room).await
    };
    timeout(WHOLE, whole).await.map_err(late)?
}

/// Sends a message.
pub(super) async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    framing: Framing,
    serial: i32,
    message: &[u8],
) -> io::Result<()> {
    let length = i32::try_from(message.len()).map_err(io::Error::other)?.to_be_bytes();
    let mut out = Vec::with_capacity(message.len() + 12);
    if framing == Framing::Avro {
        out.extend(serial.to_be_bytes());
        out.extend(1_i32.to_be_bytes());
    }
    out.extend(length);
    out.extend_from_slice(message);
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    timeout(WHOLE, to.write_all(&out)).await.map_err(late)?
}
