//! Calls in Thrift, by the compact protocol and the binary one, which agents may be set to.

use crate::connectors::flume::{
    avro::Answer,
    bytes::{Malformed, Reader, put_varint, put_zigzag},
    call::{Call, Status},
    event::Event,
};

/// How deep values may lie in others that are read over.
const DEPTH: u32 = 16;
/// The first byte of a message by the compact protocol.
const COMPACT: u8 = 0x82;
const CALL: u8 = 1;
const REPLY: u8 = 2;
const EXCEPTION: u8 = 3;
/// Of an exception: there is no such method.
const UNKNOWN_METHOD: i32 = 1;

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Compact,
    Binary,
}

/// What kind of value comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Of this many bytes.
    Fixed(usize),
    Varint,
    Bytes,
    Struct,
    Map,
    List,
}

/// A call, and what is needed to answer it.
pub(super) struct Heard {
    pub(super) call: Call,
    wire: Wire,
    name: Vec<u8>,
    sequence: u32,
}

struct Message<'a> {
    from: Reader<'a>,
    wire: Wire,
}

struct Header<'a> {
    kind: u8,
    name: &'a [u8],
    sequence: u32,
}

impl<'a> Message<'a> {
    fn open(frame: &'a [u8], room: usize) -> Result<(Self, Header<'a>), Malformed> {
        let mut from = Reader::new(frame, room);
        match from.byte()? {
            COMPACT => {
                let byte = from.byte()?;
                if byte & 0x1f != 1 {
                    return Err("an unknown version of Thrift's compact protocol");
                }
                let sequence = from.varint()? as u32;
                let mut message = Message { from, wire: Wire::Compact };
                let name = message.bytes()?;
                Ok((message, Header { kind: byte >> 5, name, sequence }))
            }
            0x80 => {
                let [version, _, kind] = from.array()?;
                if version != 1 {
                    return Err("an unknown version of Thrift's binary protocol");
                }
                let mut message = Message { from, wire: Wire::Binary };
                let name = message.bytes()?;
                let sequence = message.from.big_endian()? as u32;
                Ok((message, Header { kind, name, sequence }))
            }
            _ => Err("neither of Thrift's compact protocol nor of its binary one"),
        }
    }

    fn kind(&self, number: u8) -> Result<Kind, Malformed> {
        Ok(match (self.wire, number) {
            (Wire::Compact, 1..=3) | (Wire::Binary, 2 | 3) => Kind::Fixed(1),
            (Wire::Compact, 4..=6) => Kind::Varint,
            (Wire::Compact, 7) | (Wire::Binary, 4 | 10) => Kind::Fixed(8),
            (Wire::Binary, 6) => Kind::Fixed(2),
            (Wire::Binary, 8) => Kind::Fixed(4),
            (Wire::Compact, 8) | (Wire::Binary, 11) => Kind::Bytes,
            (Wire::Compact, 9 | 10) | (Wire::Binary, 14 | 15) => Kind::List,
            (Wire::Compact, 11) | (Wire::Binary, 13) => Kind::Map,
            (_, 12) => Kind::Struct,
            _ => return Err("an unknown type"),
        })
    }

    /// The next field of a struct, if there is one; `last` is the number of the one before.
    fn field(&mut self, last: &mut i64) -> Result<Option<Kind>, Malformed> {
        let byte = self.from.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        match self.wire {
            Wire::Binary => {
                *last = i16::from_be_bytes(self.from.array()?).into();
                self.kind(byte).map(Some)
            }
            Wire::Compact => {
                *last = match byte >> 4 {
                    0 => self.from.zigzag()?,
                    more => last.saturating_add(more.into()),
                };
                // A field that is true or false says so by its type.
                let is_bool = matches!(byte & 0xf, 1 | 2);
                if is_bool { Ok(Some(Kind::Fixed(0))) } else { self.kind(byte & 0xf).map(Some) }
            }
        }
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        let length = match self.wire {
            Wire::Compact => self.from.varint()?.try_into().ok(),
            Wire::Binary => self.from.big_endian()?.try_into().ok(),
        };
        length.ok_or("a length that cannot be")
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.length()?;
        self.from.take(length)
    }

    /// What a list has, and how many.
    fn list(&mut self) -> Result<(Kind, usize), Malformed> {
        let byte = self.from.byte()?;
        match (self.wire, byte >> 4) {
            (Wire::Binary, _) => Ok((self.kind(byte)?, self.length()?)),
            (Wire::Compact, 15) => Ok((self.kind(byte & 0xf)?, self.length()?)),
            (Wire::Compact, length) => Ok((self.kind(byte & 0xf)?, length.into())),
        }
    }

    /// What a map has, and how many; `None` if it is empty.
    fn map(&mut self) -> Result<Option<(Kind, Kind, usize)>, Malformed> {
        match self.wire {
            Wire::Binary => {
                let [key, value] = self.from.array()?;
                match self.length()? {
                    0 => Ok(None),
                    length => Ok(Some((self.kind(key)?, self.kind(value)?, length))),
                }
            }
            Wire::Compact => {
                let length = self.length()?;
                if length == 0 {
                    return Ok(None);
                }
                let kinds = self.from.byte()?;
                Ok(Some((self.kind(kinds >> 4)?, self.kind(kinds & 0xf)?, length)))
            }
        }
    }

    /// Reads over a value.
    fn skip(&mut self, kind: Kind, depth: u32) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or("values lie too deep in others")?;
        match kind {
            Kind::Fixed(bytes) => self.from.take(bytes).map(drop),
            Kind::Varint => self.from.varint().map(drop),
            Kind::Bytes => self.bytes().map(drop),
            Kind::Struct => {
                let mut last = 0;
                while let Some(kind) = self.field(&mut last)? {
                    self.skip(kind, depth)?;
                }
                Ok(())
            }
            Kind::List => {
                let (kind, length) = self.list()?;
                (0..length).try_for_each(|_| self.skip(kind, depth))
            }
            Kind::Map => {
                let Some((key, value, length)) = self.map()? else { return Ok(()) };
                (0..length).try_for_each(|_| self.skip(key, depth).and_then(|()| self.skip(value, depth)))
            }
        }
    }

    fn event(&mut self) -> Result<Event, Malformed> {
        let (mut event, mut last) = (Event::default(), 0);
        let (mut has_headers, mut has_body) = (false, false);
        while let Some(kind) = self.field(&mut last)? {
            match (last, kind) {
                (1, Kind::Map) => {
                    has_headers = true;
                    match self.map()? {
                        None => {}
                        Some((Kind::Bytes, Kind::Bytes, length)) => {
                            for _ in 0..length {
                                let (name, value) = (self.bytes()?, self.bytes()?);
                                self.from.header(&mut event, name, value)?;
                            }
                        }
                        Some(_) => return Err("headers that are no texts"),
                    }
                }
                (2, Kind::Bytes) => {
                    has_body = true;
                    let body = self.bytes()?;
                    self.from.body(&mut event, body)?;
                }
                (_, kind) => self.skip(kind, DEPTH)?,
            }
        }
        if has_headers && has_body { Ok(event) } else { Err("an event without headers or body") }
    }

    /// The first argument of a call.
    fn events(&mut self, are_many: bool) -> Result<Vec<Event>, Malformed> {
        let (mut events, mut last) = (None, 0);
        while let Some(kind) = self.field(&mut last)? {
            match (last, kind, are_many, &events) {
                (1, Kind::Struct, false, None) => events = Some(vec![self.event()?]),
                (1, Kind::List, true, None) => {
                    let (kind, length) = self.list()?;
                    if length > 0 && kind != Kind::Struct {
                        return Err("a list of what are no events");
                    }
                    let mut all = Vec::new();
                    for _ in 0..length {
                        all.push(self.event()?);
                    }
                    events = Some(all);
                }
                (1, ..) => return Err("an argument that is no event"),
                (_, kind, ..) => self.skip(kind, DEPTH)?,
            }
        }
        match self.from.is_empty() {
            true => events.ok_or("a call without events"),
            false => Err("something follows the events"),
        }
    }
}

/// Reads a call whose events may take `room` bytes.
pub(super) fn hear(frame: &[u8], room: usize) -> Result<Heard, Malformed> {
    let (mut message, Header { kind, name, sequence }) = Message::open(frame, room)?;
    if kind != CALL {
        return Err("a message that is no call");
    }
    let call = match name {
        b"append" => Call::Append(message.events(false)?),
        b"appendBatch" => Call::Append(message.events(true)?),
        _ => Call::unknown(name),
    };
    Ok(Heard { call, wire: message.wire, name: name.to_vec(), sequence })
}

fn put_bytes(out: &mut Vec<u8>, wire: Wire, bytes: &[u8]) {
    match wire {
        Wire::Compact => put_varint(out, bytes.len() as u64),
        Wire::Binary => out.extend((bytes.len() as i32).to_be_bytes()),
    }
    out.extend_from_slice(bytes);
}

impl Heard {
    fn answer(&self, kind: u8) -> Vec<u8> {
        let mut out = Vec::new();
        match self.wire {
            Wire::Compact => {
                out.extend([COMPACT, kind << 5 | 1]);
                put_varint(&mut out, self.sequence.into());
                put_bytes(&mut out, self.wire, &self.name);
            }
            Wire::Binary => {
                out.extend([0x80, 1, 0, kind]);
                put_bytes(&mut out, self.wire, &self.name);
                out.extend(self.sequence.to_be_bytes());
            }
        }
        out
    }

    /// The answer with the result.
    pub(super) fn status(&self, status: Status) -> Vec<u8> {
        let mut out = self.answer(REPLY);
        match self.wire {
            Wire::Compact => {
                out.extend([5, 0]); // a number as field 0
                put_zigzag(&mut out, status as i64);
            }
            Wire::Binary => {
                out.extend([8, 0, 0]);
                out.extend((status as i32).to_be_bytes());
            }
        }
        out.push(0);
        out
    }

    /// The answer that there is no such method.
    pub(super) fn error(&self, error: &str) -> Vec<u8> {
        let mut out = self.answer(EXCEPTION);
        match self.wire {
            Wire::Compact => {
                out.push(0x18); // field 1, a text
                put_bytes(&mut out, self.wire, error.as_bytes());
                out.push(0x15); // field 2, a number
                put_zigzag(&mut out, UNKNOWN_METHOD.into());
            }
            Wire::Binary => {
                out.extend([11, 0, 1]);
                put_bytes(&mut out, self.wire, error.as_bytes());
                out.extend([8, 0, 2]);
                out.extend(UNKNOWN_METHOD.to_be_bytes());
            }
        }
        out.push(0);
        out
    }
}

/// A call, by the compact protocol, that has a server append `events`.
pub(super) fn append(sequence: u32, events: &[Event]) -> Vec<u8> {
    let mut out = vec![COMPACT, CALL << 5 | 1];
    put_varint(&mut out, sequence.into());
    put_bytes(&mut out, Wire::Compact, b"appendBatch");
    out.push(0x19); // field 1, a list
    match events.len() {
        few @ 0..15 => out.push((few as u8) << 4 | 12),
        many => {
            out.push(0xfc);
            put_varint(&mut out, many as u64);
        }
    }
    for Event { headers, body } in events {
        out.push(0x1b); // field 1, a map
        put_varint(&mut out, headers.len() as u64);
        if !headers.is_empty() {
            out.push(0x88);
        }
        for (name, value) in headers {
            put_bytes(&mut out, Wire::Compact, name.as_bytes());
            put_bytes(&mut out, Wire::Compact, value.as_bytes());
        }
        out.push(0x18); // field 2, bytes
        put_bytes(&mut out, Wire::Compact, body);
        out.push(0);
    }
    out.push(0);
    out
}

/// Reads the answer to call `sequence`.
pub(super) fn heard(frame: &[u8], sequence: u32) -> Result<Answer, Malformed> {
    let (mut message, header) = Message::open(frame, usize::MAX)?;
    if header.sequence != sequence {
        return Err("an answer to another call");
    }
    let mut last = 0;
    while let Some(kind) = message.field(&mut last)? {
        match (header.kind, last, kind) {
            (REPLY, 0, Kind::Varint) => {
                return Ok(match message.from.zigzag()? {
                    0 => Answer::Taken,
                    1 => Answer::Refused("FAILED".to_owned()),
                    other => Answer::Refused(format!("status {other}")),
                });
            }
            (EXCEPTION, 1, Kind::Bytes) => {
                return Ok(Answer::Refused(String::from_utf8_lossy(message.bytes()?).into_owned()));
            }
            (.., kind) => message.skip(kind, DEPTH)?,
        }
    }
    Err("an answer without a result")
}
