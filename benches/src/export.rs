//! The workloads' input as files, for engines in other languages: one file a batch, named by its number.

use std::{
    fmt::Display,
    fs::{File, create_dir_all},
    io::{BufWriter, Result, Write},
    path::Path,
};

use benches_joins::joins;
use contenders::{data, pairs::Pairs};

/// Batches of pairs: enough for a window of a hundred and twenty batches that are timed.
const PAIRS: u64 = 120;
/// Batches of each side of a join.
const SIDES: u64 = 40;

/// Writes all that the peers of `benches/peers` read, some 600 MB.
pub fn write(directory: &Path) -> Result<()> {
    for (name, words, batches) in [("words-100k", 100_000, 50), ("words-1m", 1_000_000, 8)] {
        for (number, lines) in (0..).zip(data::lines(batches, words)) {
            batch(directory, name, number, lines)?;
        }
    }
    let pairs = Pairs::new(100_000, 100_000);
    for number in 0..PAIRS {
        batch(directory, "pairs-100k", number, fields(pairs.batch::<u64>(number)))?;
    }
    for number in 0..SIDES {
        let (left, right) = joins::large_batch(number);
        batch(directory, "join-left-50k", number, fields(left))?;
        batch(directory, "join-right-50k", number, fields(right))?;
    }
    Ok(())
}

/// Pairs as lines.
pub fn fields(records: Vec<(u64, impl Display)>) -> impl Iterator<Item = String> {
    records.into_iter().map(|(key, value)| format!("{key} {value}"))
}

/// The file of a batch.
pub fn name_of(number: u64) -> String {
    format!("{number:04}.txt")
}

/// Writes a batch, a record a line.
pub fn batch(
    directory: &Path,
    name: &str,
    number: u64,
    lines: impl IntoIterator<Item = impl Display>,
) -> Result<()> {
    let directory = directory.join(name);
    create_dir_all(&directory)?;
    let mut file = BufWriter::new(File::create(directory.join(name_of(number)))?);
    for line in lines {
        writeln!(file, "{line}")?;
    }
    file.flush()
}
