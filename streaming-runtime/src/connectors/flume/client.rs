//! The connection to an agent's source.

use std::{io, time::Duration};

use tokio::{net::TcpStream, time::timeout};

use crate::connectors::flume::{
    avro::{self, Answer},
    event::Event,
    frame::{self, End, Framing, Room},
    thrift,
};

/// The longest answer that makes sense: a protocol with its comments.
const ANSWER: usize = 1 << 20;

/// A connection that is open.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    framing: Framing,
    caller: avro::Caller,
    serial: i32,
    limit: Duration,
    room: Room,
}

fn broken(end: End) -> io::Error {
    match end {
        End::Broken(error) => error,
        End::Refused(why) => invalid(&why),
        End::Closed | End::Stopped => io::ErrorKind::UnexpectedEof.into(),
        End::Full => invalid("the answer is too long"),
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer is not that of a source of Flume: {why}"))
}

impl Client {
    /// Connects; that and each call may take `limit`.
    pub(super) async fn connect(address: &str, framing: Framing, limit: Duration) -> io::Result<Self> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let stream = timeout(limit, TcpStream::connect(address)).await.map_err(late)??;
        stream.set_nodelay(true)?;
        let (caller, room) = (avro::Caller::default(), Room::new(ANSWER));
        Ok(Client { stream, framing, caller, serial: 0, limit, room })
    }

    /// Has the agent append `events`, all or none. After an error the connection is of no use.
    pub(super) async fn append(&mut self, events: &[Event]) -> io::Result<()> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        timeout(self.limit, self.call(events)).await.map_err(late)?
    }

    async fn call(&mut self, events: &[Event]) -> io::Result<()> {
        loop {
            self.serial = self.serial.wrapping_add(1);
            let message = match self.framing {
                Framing::Avro => self.caller.append(events),
                Framing::Thrift => thrift::append(self.serial as u32, events),
            };
            frame::write(&mut self.stream, self.framing, self.serial, &message).await?;
            let rules = (self.framing, ANSWER);
            let read = frame::read(&mut self.stream, rules, self.limit, &self.room).await;
            let frame = read.map_err(broken)?;
            let answer = match self.framing {
                Framing::Avro if frame.serial != self.serial => Err("it is to another call"),
                Framing::Avro => self.caller.hear(&frame.bytes),
                Framing::Thrift => thrift::heard(&frame.bytes, self.serial as u32),
            };
            match answer.map_err(invalid)? {
                Answer::Taken => return Ok(()),
                Answer::Again => {}
                Answer::Refused(why) => {
                    return Err(io::Error::other(format!("it did not take them: {why}")));
                }
            }
        }
    }
}
