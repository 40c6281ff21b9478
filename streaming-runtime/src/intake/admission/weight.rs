//! How many bytes records take, estimated through serde: all that is known of a record is that it can be serialised.

use std::fmt::{
    Write, {self},
};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// One record of this many is measured; the others are assumed to be like it.
const SAMPLE: usize = 64;

/// What an allocation costs beside its contents: the allocator's rounding and bookkeeping.
const ALLOCATION: u64 = 16;

/// A `String`, `Vec` or map inside of another: pointer, length, capacity.
const HEADER: u64 = 24;

/// The tag of an enum inside of a collection, with its padding.
const TAG: u64 = 8;

/// Estimates the bytes that `records` take: exactly what they take themselves, and what they hold on the heap by the
/// first of each [`SAMPLE`].
///
/// Strings, bytes, lists and maps count by their length. Not seen: capacity beyond that, fields that serde skips; a
/// `Box` in a record counts nothing, an `Arc` in each record anew, a time written as text as that text. Records of
/// strings and numbers come out within a fifth of what an allocator says; those of hash maps at half of it or more.
///
/// Half as much again is added for what nobody sees from here: the allocator's slack, and room between the operators
/// that records pass. Without it, resident memory was 1.15 to 1.35 times what was counted (`benches -- overload`).
pub(crate) fn weigh<T: Serialize>(records: &[T]) -> u64 {
    estimate(records) * 3 / 2
}

fn estimate<T: Serialize>(records: &[T]) -> u64 {
    let mut heap = Heap { depth: 0, bytes: 0 };
    let sampled = records.len().div_ceil(SAMPLE) as u64;
    for record in records.iter().step_by(SAMPLE) {
        // What fails to serialise is counted as far as it came.
        let _ = record.serialize(&mut heap);
    }
    let held = (heap.bytes * records.len() as u64).checked_div(sampled).unwrap_or(0);
    size_of_val(records) as u64 + held
}

/// Counts what is serialised and lies on the heap: strings, bytes, and all that is in lists and maps.
struct Heap {
    /// Lists and maps that hold what comes next. At 0 it is a part of the record itself.
    depth: u32,
    bytes: u64,
}

impl Heap {
    /// A value that lies where it stands.
    fn plain(&mut self, bytes: u64) -> fmt::Result {
        if self.depth > 0 {
            self.bytes += bytes;
        }
        Ok(())
    }

    /// An allocation of this many bytes, and the pointer to it.
    fn allocated(&mut self, bytes: usize) -> fmt::Result {
        if bytes > 0 {
            self.bytes += ALLOCATION + bytes as u64;
        }
        self.plain(HEADER)
    }
}

impl Write for Heap {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes += text.len() as u64;
        Ok(())
    }
}

/// The elements of a list or the entries of a map: those behind the first are taken to be like them.
struct Elements<'a> {
    heap: &'a mut Heap,
    /// Counted before them.
    before: u64,
    seen: u64,
}

impl<'a> Elements<'a> {
    fn of(heap: &'a mut Heap) -> Result<Self, fmt::Error> {
        heap.plain(HEADER)?;
        heap.depth += 1;
        Ok(Elements { before: heap.bytes, heap, seen: 0 })
    }

    fn see<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.seen += 1;
        match self.seen <= SAMPLE as u64 {
            true => value.serialize(&mut *self.heap),
            false => Ok(()),
        }
    }

    fn close(self) -> fmt::Result {
        self.heap.depth -= 1;
        if self.seen > 0 {
            let counted = self.heap.bytes - self.before;
            let whole = counted * self.seen / self.seen.min(SAMPLE as u64);
            self.heap.bytes = self.before + ALLOCATION + whole;
        }
        Ok(())
    }
}

impl SerializeSeq for Elements<'_> {
    type Ok = ();
    type Error = fmt::Error;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.see(value)
    }
    fn end(self) -> fmt::Result {
        self.close()
    }
}

impl SerializeMap for Elements<'_> {
    type Ok = ();
    type Error = fmt::Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> fmt::Result {
        self.see(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.see(value)
    }
    fn end(self) -> fmt::Result {
        self.close()
    }
}

/// Parts that lie beside each other count one by one.
macro_rules! parts {
    ($($of:ident { $part:ident($($name:ident)?) })*) => {$(
        impl $of for &mut Heap {
            type Ok = ();
            type Error = fmt::Error;
            fn $part<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> fmt::Result {
                value.serialize(&mut **self)
            }
            fn end(self) -> fmt::Result {
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeTuple { serialize_element() }
    SerializeTupleStruct { serialize_field() }
    SerializeTupleVariant { serialize_field() }
    SerializeStruct { serialize_field(_name) }
    SerializeStructVariant { serialize_field(_name) }
}

macro_rules! plain {
    ($($method:ident($value:ty))*) => {$(
        fn $method(self, _: $value) -> fmt::Result {
            self.plain(size_of::<$value>() as u64)
        }
    )*};
}

impl<'a> Serializer for &'a mut Heap {
    type Ok = ();
    type Error = fmt::Error;
    type SerializeSeq = Elements<'a>;
    type SerializeMap = Elements<'a>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain! {
        serialize_bool(bool) serialize_char(char) serialize_f32(f32) serialize_f64(f64)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
    }

    fn serialize_str(self, text: &str) -> fmt::Result {
        self.allocated(text.len())
    }
    fn serialize_bytes(self, bytes: &[u8]) -> fmt::Result {
        self.allocated(bytes.len())
    }
    fn serialize_none(self) -> fmt::Result {
        self.plain(TAG)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> fmt::Result {
        value.serialize(self)
    }
    fn serialize_unit(self) -> fmt::Result {
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> fmt::Result {
        Ok(())
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> fmt::Result {
        self.plain(TAG)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> fmt::Result {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> fmt::Result {
        self.plain(TAG)?;
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>, fmt::Error> {
        Elements::of(self)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Elements<'a>, fmt::Error> {
        Elements::of(self)
    }
    fn serialize_tuple(self, _: usize) -> Result<Self, fmt::Error> {
        Ok(self)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, fmt::Error> {
        Ok(self)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, fmt::Error> {
        self.plain(TAG)?;
        Ok(self)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, fmt::Error> {
        Ok(self)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, fmt::Error> {
        self.plain(TAG)?;
        Ok(self)
    }
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> fmt::Result {
        // Without writing it out first.
        self.plain(HEADER)?;
        write!(self, "{value}")
    }
    fn is_human_readable(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize)]
    enum Event {
        Idle,
        Click { user: u64, page: String },
    }

    #[test]
    fn what_lies_in_the_record_counts_once() {
        assert_eq!(weigh::<u64>(&[]), 0);
        assert_eq!(estimate(&[1_u64, 2, 3]), 24);
        assert_eq!(estimate(&[(1_u32, 1.5_f64, Some('a'))]), 16, "as the compiler lays it out");
        assert_eq!(estimate(&[Event::Idle]), size_of::<Event>() as u64);
    }

    #[test]
    fn strings_and_lists_count_by_their_length() {
        assert_eq!(estimate(&["abcd".to_owned()]), 24 + 16 + 4);
        assert_eq!(estimate(&[String::new()]), 24, "nothing is allocated");
        assert_eq!(estimate(&[vec![1_u64; 1000]]), 24 + 16 + 8000, "the first stand for the others");
        assert_eq!(estimate(&[vec!["ab".to_owned(), "cd".to_owned()]]), 24 + 16 + 2 * (24 + 16 + 2));
        let click = |page: &str| Event::Click { user: 1, page: page.to_owned() };
        assert_eq!(estimate(&[click("/index")]), size_of::<Event>() as u64 + 16 + 6);
    }

    #[test]
    fn every_64th_record_stands_for_the_others() {
        let text = |n: usize| "x".repeat(n);
        let records: Vec<String> = (0..640).map(|n| if n % 64 == 0 { text(34) } else { text(1) }).collect();
        assert_eq!(estimate(&records), 640 * (24 + 16 + 34));
    }
}
