//! What a payload of a schema looks like, without its values.
//!
//! The library takes a length for granted and makes room for it, reads a text that is cut as none, and follows a schema that contains
//! itself as deep as a payload says. So each payload is looked through first, by the rules of Avro's specification, "Data
//! serialization and deserialization".

use std::collections::HashMap;

use apache_avro::{
    Schema,
    schema::{Name, Namespace},
};

/// How deep values may nest, each part of a schema a level.
const DEEPEST: usize = 128;

/// Values that a payload may have beyond one for each of its bytes: some need no bytes.
const FREE: usize = 1 << 16;

/// What a value looks like.
enum Shape {
    Null,
    Boolean,
    Int,
    Long,
    /// So many bytes.
    Fixed(usize),
    Bytes,
    Text,
    Array(usize),
    Map(usize),
    Union(Vec<usize>),
    Record(Vec<usize>),
    Enum(usize),
    /// One that is not made yet: of a schema that contains itself.
    Open,
}

/// The shapes of a schema; each names its parts by their places.
pub(super) struct Outline {
    shapes: Vec<Shape>,
}

impl Outline {
    pub(super) fn of(schema: &Schema) -> Result<Self, String> {
        let mut outline = Outline { shapes: Vec::new() };
        outline.add(schema, &None, &mut HashMap::new())?;
        Ok(outline)
    }

    /// Adds a schema, and returns its place.
    fn add(
        &mut self,
        schema: &Schema,
        space: &Namespace,
        named: &mut HashMap<Name, usize>,
    ) -> Result<usize, String> {
        let place = self.shapes.len();
        if let Schema::Ref { name } = schema {
            let name = name.fully_qualified_name(space);
            return named
                .get(&name)
                .copied()
                .ok_or_else(|| format!("`{}` is nowhere in it", name.fullname(None)));
        }
        self.shapes.push(Shape::Open);
        if let Some(name) = schema.name() {
            named.insert(name.fully_qualified_name(space), place);
        }
        self.shapes[place] = match schema {
            Schema::Null => Shape::Null,
            Schema::Boolean => Shape::Boolean,
            Schema::Int | Schema::Date | Schema::TimeMillis => Shape::Int,
            Schema::Long
            | Schema::TimeMicros
            | Schema::TimestampMillis
            | Schema::TimestampMicros
            | Schema::TimestampNanos
            | Schema::LocalTimestampMillis
            | Schema::LocalTimestampMicros
            | Schema::LocalTimestampNanos => Shape::Long,
            Schema::Float => Shape::Fixed(4),
            Schema::Double => Shape::Fixed(8),
            Schema::Duration => Shape::Fixed(12),
            Schema::Bytes => Shape::Bytes,
            Schema::String | Schema::Uuid => Shape::Text,
            Schema::BigDecimal => return Err("the logical type `big-decimal` is not read".to_owned()),
            Schema::Array(array) => Shape::Array(self.add(&array.items, space, named)?),
            Schema::Map(map) => Shape::Map(self.add(&map.types, space, named)?),
            Schema::Union(union) => {
                let parts = union.variants().iter().map(|part| self.add(part, space, named));
                Shape::Union(parts.collect::<Result<_, _>>()?)
            }
            Schema::Record(record) => {
                let space = record.name.fully_qualified_name(space).namespace;
                let fields = record.fields.iter().map(|field| self.add(&field.schema, &space, named));
                Shape::Record(fields.collect::<Result<_, _>>()?)
            }
            Schema::Enum(symbols) => Shape::Enum(symbols.symbols.len()),
            Schema::Fixed(fixed) => Shape::Fixed(fixed.size),
            Schema::Decimal(decimal) => {
                let inner = self.add(&decimal.inner, space, named)?;
                match self.shapes[inner] {
                    Shape::Fixed(size) => Shape::Fixed(size),
                    _ => Shape::Bytes,
                }
            }
            Schema::Ref { .. } => unreachable!("a reference has no shape of its own"),
        };
        Ok(place)
    }

    /// Whether bytes are one value of the schema, and nothing else.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        let mut look = Look { shapes: &self.shapes, rest: bytes, left: bytes.len() + FREE };
        look.value(0, 0)?;
        match look.rest.len() {
            0 => Ok(()),
            more => Err(format!("{more} bytes are left over")),
        }
    }
}

/// A look through a payload.
struct Look<'a> {
    shapes: &'a [Shape],
    rest: &'a [u8],
    /// How many more values it may have.
    left: usize,
}

impl<'a> Look<'a> {
    fn value(&mut self, place: usize, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("values nest more than {DEEPEST} deep"));
        }
        self.left = self.left.checked_sub(1).ok_or("it has more values than bytes")?;
        let shapes = self.shapes;
        match &shapes[place] {
            Shape::Null => {}
            Shape::Boolean => {
                if self.take(1)?[0] > 1 {
                    return Err("a boolean is neither 0 nor 1".to_owned());
                }
            }
            Shape::Int => drop(i32::try_from(self.long()?).map_err(|_| "an int has more than 32 bits")?),
            Shape::Long => drop(self.long()?),
            Shape::Fixed(size) => drop(self.take(*size)?),
            Shape::Bytes => drop(self.bytes()?),
            Shape::Text => self.text()?,
            Shape::Array(items) => self.blocks(|look| look.value(*items, depth + 1))?,
            Shape::Map(values) => self.blocks(|look| {
                look.text()?;
                look.value(*values, depth + 1)
            })?,
            Shape::Union(parts) => {
                let index = self.long()?;
                let part = usize::try_from(index).ok().and_then(|index| parts.get(index));
                let part = part.ok_or_else(|| format!("a union of {} has no part {index}", parts.len()))?;
                self.value(*part, depth + 1)?;
            }
            Shape::Record(fields) => fields.iter().try_for_each(|field| self.value(*field, depth + 1))?,
            Shape::Enum(symbols) => {
                let index = self.long()?;
                if !usize::try_from(index).is_ok_and(|index| index < *symbols) {
                    return Err(format!("an enum of {symbols} has no symbol {index}"));
                }
            }
            Shape::Open => unreachable!("all shapes are made"),
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number in zigzag and in groups of seven bits, the lowest first.
    fn long(&mut self) -> Result<i64, String> {
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
            }
        }
        Err("a long has more than 64 bits".to_owned())
    }

    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let length = self.long()?;
        let length = usize::try_from(length).map_err(|_| format!("a length is {length}"))?;
        self.take(length)
    }

    fn text(&mut self) -> Result<(), String> {
        std::str::from_utf8(self.bytes()?).map(drop).map_err(|_| "a text is no UTF-8".to_owned())
    }

    /// Items in blocks, each with their number; if that is negative, the block's size comes next.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                self.long()?;
            }
            let items = usize::try_from(count.unsigned_abs()).ok().filter(|items| *items <= self.left);
            for _ in 0..items.ok_or_else(|| format!("a block has {count} items"))? {
                item(self)?;
            }
        }
    }
}
