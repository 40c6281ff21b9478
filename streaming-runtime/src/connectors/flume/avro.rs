//! Calls in Avro: handshake, call format and the datums of Flume's protocol.

use serde_json::Value;

use crate::connectors::flume::{
    bytes::{Malformed, Reader, put_zigzag},
    call::{Call, Status},
    event::Event,
};

/// Flume's protocol as we say it: without comments, which are part of what a hash is made of.
const PROTOCOL: &str = include_str!("protocol.avpr");
/// MD5 of the above.
const OURS: [u8; 16] = 0x30da54059df72d9584b867d5202e2069_u128.to_be_bytes();
/// MD5 of the protocol as agents of Flume say it.
const AGENTS: [u8; 16] = 0x86aadae2c45474c0fe93ffd0f2350a65_u128.to_be_bytes();

/// The two sides know each other's protocol: a number of the handshake's answer.
const BOTH: i64 = 0;
/// The server knows that of the client, and tells its own.
const CLIENT: i64 = 1;
/// The server knows nothing of it: the client is to call again, and to say its protocol.
const NONE: i64 = 2;

/// The server's side of a connection.
#[derive(Debug, Default)]
pub(super) struct Answerer {
    /// Whether the handshake is done: later calls have none.
    knows: bool,
}

/// A call, and what its answer begins with.
pub(super) struct Heard {
    pub(super) call: Call,
    pub(super) answer: Vec<u8>,
}

fn bytes<'a>(from: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(from.zigzag()?).map_err(|_| "a length below 0")?;
    from.take(length)
}

/// How many items the next block of an array or a map has; 0 at the end.
fn block(from: &mut Reader<'_>) -> Result<u64, Malformed> {
    let count = from.zigzag()?;
    if count < 0 {
        from.zigzag()?; // its size in bytes
    }
    Ok(count.unsigned_abs())
}

/// Reads over a map of bytes, such as metadata.
fn skip_map(from: &mut Reader<'_>) -> Result<(), Malformed> {
    loop {
        let items = block(from)?;
        if items == 0 {
            return Ok(());
        }
        for _ in 0..items {
            bytes(from)?;
            bytes(from)?;
        }
    }
}

/// Which branch of a union of `null` and another comes.
fn is_there(from: &mut Reader<'_>) -> Result<bool, Malformed> {
    match from.zigzag()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err("a union has no such branch"),
    }
}

fn event(from: &mut Reader<'_>) -> Result<Event, Malformed> {
    let mut event = Event::default();
    loop {
        let items = block(from)?;
        if items == 0 {
            break;
        }
        for _ in 0..items {
            let (name, value) = (bytes(from)?, bytes(from)?);
            from.header(&mut event, name, value)?;
        }
    }
    let body = bytes(from)?;
    from.body(&mut event, body)?;
    Ok(event)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_zigzag(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

fn put_event(out: &mut Vec<u8>, event: &Event) {
    if !event.headers.is_empty() {
        put_zigzag(out, event.headers.len() as i64);
    }
    for (name, value) in &event.headers {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
    put_zigzag(out, 0);
    put_bytes(out, &event.body);
}

impl Answerer {
    /// Reads a call whose events may take `room` bytes.
    pub(super) fn hear(&mut self, frame: &[u8], room: usize) -> Result<Heard, Malformed> {
        let from = &mut Reader::new(frame, room);
        let mut answer = Vec::new();
        if !self.knows {
            self.knows = shake_hands(from, &mut answer)?;
            if !self.knows {
                return Ok(Heard { call: Call::Nothing, answer });
            }
        }
        skip_map(from)?;
        let name = bytes(from)?;
        let call = match name {
            b"" => return Ok(Heard { call: Call::Nothing, answer }),
            b"append" => Call::Append(vec![event(from)?]),
            b"appendBatch" => Call::Append(events(from)?),
            _ => return Ok(Heard { call: Call::unknown(name), answer }),
        };
        match from.is_empty() {
            true => Ok(Heard { call, answer }),
            false => Err("something follows the events"),
        }
    }
}

fn events(from: &mut Reader<'_>) -> Result<Vec<Event>, Malformed> {
    let mut events = Vec::new();
    loop {
        let items = block(from)?;
        if items == 0 {
            return Ok(events);
        }
        for _ in 0..items {
            events.push(event(from)?);
        }
    }
}

/// Reads the client's part of the handshake, and writes ours; whether the two understand each other.
fn shake_hands(from: &mut Reader<'_>, answer: &mut Vec<u8>) -> Result<bool, Malformed> {
    let client: [u8; 16] = from.array()?;
    let said = if is_there(from)? { Some(bytes(from)?) } else { None };
    let server: [u8; 16] = from.array()?;
    if is_there(from)? {
        skip_map(from)?;
    }
    let is_known = [OURS, AGENTS].contains(&client)
        || match said {
            Some(said) if is_flume(said) => true,
            Some(_) => return Err("its protocol is not Flume's `AvroSourceProtocol`"),
            None => false,
        };
    let knows_us = [OURS, AGENTS].contains(&server);
    put_zigzag(
        answer,
        if !is_known {
            NONE
        } else if knows_us {
            BOTH
        } else {
            CLIENT
        },
    );
    if is_known && knows_us {
        answer.extend([0, 0]);
    } else {
        put_zigzag(answer, 1);
        put_bytes(answer, PROTOCOL.as_bytes());
        put_zigzag(answer, 1);
        answer.extend(OURS);
    }
    answer.push(0); // no metadata
    Ok(is_known)
}

/// Adds the result of a call to its answer.
pub(super) fn put_status(answer: &mut Vec<u8>, status: Status) {
    answer.extend([0, 0]); // no metadata, no error
    put_zigzag(answer, status as i64);
}

/// Adds an error to the answer of a call.
pub(super) fn put_error(answer: &mut Vec<u8>, error: &str) {
    answer.extend([0, 1, 0]); // no metadata; an error, which is a text
    put_bytes(answer, error.as_bytes());
}

/// Whether a protocol says what Flume's says, whatever its comments are and however its types are written.
fn is_flume(said: &[u8]) -> bool {
    let Ok(said) = serde_json::from_slice::<Value>(said) else { return false };
    let types = said["types"].as_array().map_or(&[][..], Vec::as_slice);
    let named = |name: &str| types.iter().find(|of| of["name"].as_str().is_some_and(|it| short(it) == name));
    let Some(event) = named("AvroFlumeEvent") else { return false };
    let request = |message: &str| &said["messages"][message]["request"];
    let is_event = |of: &Value| of.as_str().is_some_and(|it| short(it) == "AvroFlumeEvent");
    let fields = &event["fields"];
    let headers = plain(&fields[0]["type"]);
    let (one, many) = (request("append"), request("appendBatch"));
    let symbols = named("Status").map(|status| &status["symbols"]);
    symbols == Some(&serde_json::json!(["OK", "FAILED", "UNKNOWN"]))
        && fields.as_array().is_some_and(|fields| fields.len() == 2)
        && headers["type"] == "map"
        && plain(&headers["values"]) == "string"
        && plain(&fields[1]["type"]) == "bytes"
        && (one.is_null() || is_event(&one[0]["type"]))
        && (many.is_null() || many[0]["type"]["type"] == "array" && is_event(&many[0]["type"]["items"]))
}

/// A name without its namespace.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// `"string"` of `{"type": "string", ..}`, as Java writes it.
fn plain(of: &Value) -> &Value {
    match of["type"].as_str() {
        Some("string" | "bytes") => &of["type"],
        _ => of,
    }
}

/// The client's side of a connection.
#[derive(Debug, Default)]
pub(super) struct Caller {
    /// Whether the handshake is done.
    knows: bool,
    /// The hash of the server's protocol, once it has asked for ours.
    asked: Option<[u8; 16]>,
}

/// What a server has answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has taken all, and answers for them.
    Taken,
    /// It has not, for this reason.
    Refused(String),
    /// It is to be asked again, on the same connection.
    Again,
}

impl Caller {
    /// A call that has it append `events`.
    pub(super) fn append(&self, events: &[Event]) -> Vec<u8> {
        let mut out = Vec::new();
        match (self.knows, self.asked) {
            (true, _) => {}
            (false, None) => {
                out.extend(AGENTS);
                out.push(0);
                out.extend(AGENTS);
                out.push(0);
            }
            (false, Some(server)) => {
                out.extend(OURS);
                put_zigzag(&mut out, 1);
                put_bytes(&mut out, PROTOCOL.as_bytes());
                out.extend(server);
                out.push(0);
            }
        }
        out.push(0); // no metadata
        put_bytes(&mut out, b"appendBatch");
        if !events.is_empty() {
            put_zigzag(&mut out, events.len() as i64);
        }
        events.iter().for_each(|event| put_event(&mut out, event));
        put_zigzag(&mut out, 0);
        out
    }

    /// Reads the answer.
    pub(super) fn hear(&mut self, frame: &[u8]) -> Result<Answer, Malformed> {
        let from = &mut Reader::new(frame, usize::MAX);
        if !self.knows {
            let matches = from.zigzag()?;
            if is_there(from)? {
                bytes(from)?;
            }
            let hash = if is_there(from)? { Some(from.array()?) } else { None };
            if is_there(from)? {
                skip_map(from)?;
            }
            match (matches, self.asked) {
                (BOTH | CLIENT, _) => self.knows = true,
                (NONE, None) => {
                    self.asked = Some(hash.ok_or("a handshake without a hash")?);
                    return Ok(Answer::Again);
                }
                _ => return Err("it does not take the protocol of Flume"),
            }
        }
        skip_map(from)?;
        if from.byte()? != 0 {
            let error = if from.zigzag()? == 0 { bytes(from)? } else { b"an error" };
            return Ok(Answer::Refused(String::from_utf8_lossy(error).into_owned()));
        }
        Ok(match from.zigzag()? {
            0 => Answer::Taken,
            1 => Answer::Refused("FAILED".to_owned()),
            other => Answer::Refused(format!("status {other}")),
        })
    }
}
