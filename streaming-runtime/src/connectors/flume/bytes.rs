//! Reading what a peer has sent, within bounds.

use crate::connectors::flume::event::Event;

/// What an event and a header take beside their bytes. It counts, so that a small frame cannot make large contents.
const OVERHEAD: usize = 64;

/// Why bytes are no message.
pub(super) type Malformed = &'static str;

/// The bytes of a message that are not read yet.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// How much its contents may still take in memory.
    room: usize,
}

impl<'a> Reader<'a> {
    /// Its contents may take `room` bytes.
    pub(super) fn new(bytes: &'a [u8], room: usize) -> Self {
        Reader { rest: bytes, room }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or("it ends in the middle of a value")?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as many were taken"))
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn big_endian(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// Seven bits a byte, the lowest first.
    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number is too long")
    }

    /// A varint whose lowest bit is the sign.
    pub(super) fn zigzag(&mut self) -> Result<i64, Malformed> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(super) fn text(bytes: &[u8]) -> Result<String, Malformed> {
        String::from_utf8(bytes.to_vec()).map_err(|_| "a text is not UTF-8")
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Malformed> {
        let room = self.room.checked_sub(bytes.saturating_add(OVERHEAD));
        self.room = room.ok_or("its events take more memory than `.max_frame(..)` allows")?;
        Ok(())
    }

    /// Adds a header, if there is room.
    pub(super) fn header(&mut self, event: &mut Event, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        self.hold(name.len() + value.len())?;
        event.headers.insert(Self::text(name)?, Self::text(value)?);
        Ok(())
    }

    /// Sets the body, if there is room.
    pub(super) fn body(&mut self, event: &mut Event, body: &[u8]) -> Result<(), Malformed> {
        self.hold(body.len())?;
        event.body = body.to_vec();
        Ok(())
    }
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_zigzag(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}
