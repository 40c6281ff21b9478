//! A schema, parsed.

use apache_avro::Schema;

use crate::formats::avro::outline::Outline;

/// A schema, and what a payload by it looks like.
pub(in crate::formats) struct AvroSchema {
    pub(super) schema: Schema,
    pub(super) outline: Outline,
}

impl AvroSchema {
    pub(in crate::formats) fn parse(text: &str) -> Result<Self, String> {
        let schema = Schema::parse_str(text).map_err(|error| error.to_string())?;
        let outline = Outline::of(&schema)?;
        Ok(AvroSchema { schema, outline })
    }
}
