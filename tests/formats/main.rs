//! Formats: bytes that become records or are rejected, and records that become bytes. What other languages write is read, and the
//! other way round; whatever the bytes are, nothing panics.

#[cfg(feature = "avro")]
mod avro;
mod fuzz;
mod others;
mod pipelines;
#[cfg(feature = "protobuf")]
mod protobuf;
#[cfg(feature = "avro")]
mod registry;

use serde::{Deserialize, Serialize};
use streaming_runtime::formats::{Decode, Encode, FormatError};

/// A record with something of each kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Click {
    user: u64,
    page: String,
    price: f64,
    referrer: Option<String>,
    is_new: bool,
}

/// Some that are hard to write.
fn clicks() -> Vec<Click> {
    let pages =
        ["/", "/a,b", "/\"quoted\"", "/two\nlines", "", " /spaces ", "/käse/日本", "/a;b\tc\r\n", "'", "\\n"];
    let click = |(n, page): (usize, &&str)| Click {
        user: [0, 7, u64::from(u32::MAX), 1 << 53, i64::MAX as u64][n % 5],
        page: (*page).to_owned(),
        price: [0.0, -1.5, 1e-300, 123_456_789.125, 0.1][n % 5],
        referrer: (n % 3 > 0).then(|| format!("https://example.org/{page}")),
        is_new: n % 2 == 0,
    };
    pages.iter().enumerate().map(click).collect()
}

fn written<T>(format: &mut impl Encode<T>, record: &T) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    format.encode(record, &mut bytes).map(|()| bytes)
}

/// Whether what is written is read as it was.
fn goes_round<T: PartialEq + std::fmt::Debug>(
    mut format: impl Encode<T> + Decode<Record = T>,
    records: &[T],
) {
    for record in records {
        let bytes = written(&mut format, record).expect("it can be written");
        let read = format.decode(&bytes);
        assert_eq!(read.as_ref().expect("it can be read"), record, "{:?}", String::from_utf8_lossy(&bytes));
    }
}
