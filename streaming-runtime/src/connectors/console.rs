//! Batches for people to look at.

use std::{
    io::{
        Stdout, Write, {self},
    },
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    connectors::blocking::blocking,
    contract::{
        error::ConnectorError,
        format::{ByDebug, Format},
        sink::{Batch, Sink},
    },
    time::BatchTime,
};

const RULE: &str = "-------------------------------------------";

/// Prints the first 10 records of every batch to standard output, as Spark's `print()` does, with a time that can be read:
///
/// ```text
/// -------------------------------------------
/// Time: 2023-11-14 22:13:20.000 UTC
/// -------------------------------------------
/// ("hello", 2)
/// ("world", 1)
/// ...
///
/// ```
///
/// `...` means that there are more records. They are shown with `Debug` unless [`format`](Console::format) says otherwise. A batch is
/// one write, so that batches of several sinks do not mix. After a crash the last batches may be printed again.
///
/// Batches without records are printed too, unless [they are skipped](Console::skip_empty). If a job's first batches are all
/// empty, it logs once which sources it waits for; `tracing_subscriber::fmt::init()` shows that. What the source waits for is its
/// own to say: [`tcp::lines`](crate::connect::tcp::lines) warns that nobody listens.
///
/// With a [`title`](Console::title) the header is one line, with the time of day:
///
/// ```text
/// -- word counts, 22:13:20.000 UTC --
/// ```
///
/// ```
/// use streaming_runtime::connect::console;
///
/// let sink = console().first(3).format(|(word, n): &(String, i64)| format!("{word}: {n}"));
/// let readable = console().title("word counts").skip_empty().sorted();
/// # let _ = (sink, readable);
/// ```
///
/// # Errors
/// [`ConnectorError::Io`] when standard output is closed or cannot take more. It ends the job unless
/// [a policy](crate::connect::SinkPolicies) says otherwise.
pub fn console() -> Console<ByDebug, Stdout> {
    Console {
        first: 10,
        format: ByDebug,
        header: Header::AsSpark,
        skips_empty: false,
        is_sorted: false,
        to: Arc::new(Mutex::new(io::stdout())),
    }
}

/// See [`console`].
#[derive(Debug)]
pub struct Console<F, W> {
    first: usize,
    format: F,
    header: Header,
    skips_empty: bool,
    is_sorted: bool,
    to: Arc<Mutex<W>>,
}

/// What stands above the records of a batch.
#[derive(Debug)]
enum Header {
    /// The time, between two rules.
    AsSpark,
    /// A title and the time of day, in one line.
    Titled(String),
}

impl<F, W> Console<F, W> {
    /// How many records of a batch to print at most: 10 by default.
    pub fn first(mut self, records: usize) -> Self {
        self.first = records;
        self
    }
    /// Puts one line above each batch in place of Spark's three, with this title and the time of day in UTC. It tells several sinks
    /// apart.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.header = Header::Titled(title.into());
        self
    }
    /// Prints nothing for a batch without records.
    pub fn skip_empty(mut self) -> Self {
        self.skips_empty = true;
        self
    }
    /// Sorts the lines of each batch as text, before the [first](Console::first) are taken. Every record of a batch is then
    /// formatted, not only those that are printed.
    pub fn sorted(mut self) -> Self {
        self.is_sorted = true;
        self
    }
    /// How to print a record, for instance `.format(|pair: &(String, i64)| pair.0.clone())`.
    pub fn format<T, G: Fn(&T) -> String + Send + Sync + 'static>(self, format: G) -> Console<G, W> {
        let Console { first, format: _, header, skips_empty, is_sorted, to } = self;
        Console { first, format, header, skips_empty, is_sorted, to }
    }
    /// Prints to `to` instead of standard output.
    pub fn to_writer<V: Write + Send + 'static>(self, to: V) -> Console<F, V> {
        let Console { first, format, header, skips_empty, is_sorted, to: _ } = self;
        Console { first, format, header, skips_empty, is_sorted, to: Arc::new(Mutex::new(to)) }
    }

    fn page<T>(&self, batch: &Batch<T>) -> String
    where
        F: Format<T>,
    {
        let formatted = if self.is_sorted { batch.records.len() } else { self.first };
        let lines = batch.records.iter().take(formatted).map(|record| self.line(record)).collect();
        page(&self.header, (batch.time, batch.records.len()), lines, self.is_sorted, self.first)
    }

    fn line<T>(&self, record: &T) -> String
    where
        F: Format<T>,
    {
        let mut line = String::new();
        self.format.append(record, &mut line);
        line.push('\n');
        line
    }
}

impl<T: Send + 'static, F: Format<T>, W: Write + Send + 'static> Sink<T> for Console<F, W> {
    const MAY_BLOCK: bool = false;

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        if self.skips_empty && batch.records.is_empty() {
            return Ok(());
        }
        let page = self.page(&batch);
        drop(batch);
        print(self.to.clone(), page).await
    }
}

/// The lines of a batch of so many records, and what stands around them.
fn page(
    header: &Header,
    (time, records): (BatchTime, usize),
    mut lines: Vec<String>,
    is_sorted: bool,
    first: usize,
) -> String {
    let mut page = match header {
        Header::AsSpark => format!("{RULE}\nTime: {time}\n{RULE}\n"),
        Header::Titled(title) => format!("-- {title}, {} --\n", time.time_of_day()),
    };
    if is_sorted {
        lines.sort_unstable();
    }
    lines.iter().take(first).for_each(|line| page.push_str(line));
    if records > first {
        page.push_str("...\n");
    }
    page.push('\n');
    page
}

/// Boxed, so that it is not compiled with each program.
fn print(
    to: Arc<Mutex<dyn Write + Send>>,
    page: String,
) -> Pin<Box<dyn Future<Output = Result<(), ConnectorError>> + Send>> {
    let written = blocking(move || {
        // A panic of another write left nothing half-done that matters here.
        let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
        to.write_all(page.as_bytes()).and_then(|()| to.flush())
    });
    Box::pin(async move { written.await?.map_err(|error| ConnectorError::io("print a batch", error)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Paper {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").push(text.to_vec());
            Ok(text.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn batch<T>(millis: u64, records: Vec<T>) -> Batch<T> {
        Batch { time: BatchTime::from_millis(millis), records }
    }

    #[tokio::test]
    async fn a_batch_looks_as_spark_prints_it_and_is_one_write() {
        let paper = Paper::default();
        let mut sink = console().first(2).to_writer(paper.clone());
        sink.write(batch(1_700_000_000_000, vec![("a", 1), ("b", 2), ("c", 3)]))
            .await
            .expect("paper is patient");
        sink.write(batch(1_700_000_001_000, Vec::<i32>::new())).await.expect("paper is patient");
        let head = |second| format!("{RULE}\nTime: 2023-11-14 22:13:{second}.000 UTC\n{RULE}\n");
        let want = [head("20") + "(\"a\", 1)\n(\"b\", 2)\n...\n\n", head("21") + "\n"];
        assert_eq!(*paper.0.lock().expect("no panic"), want.map(String::into_bytes));
        assert_eq!(RULE.len(), 43);
    }

    #[tokio::test]
    async fn a_format_of_ones_own_and_no_dots_when_all_is_shown() {
        let paper = Paper::default();
        let mut sink = console().first(1).format(|n: &i32| format!("<{n}>")).to_writer(paper.clone());
        sink.write(batch(5, vec![7])).await.expect("paper is patient");
        let want = format!("{RULE}\nTime: 1970-01-01 00:00:00.005 UTC\n{RULE}\n<7>\n\n");
        assert_eq!(*paper.0.lock().expect("no panic"), [want.into_bytes()]);
    }

    #[tokio::test]
    async fn a_title_with_the_time_of_day_sorted_lines_and_nothing_for_empty_batches() {
        let paper = Paper::default();
        let mut sink = console().title("counts").skip_empty().sorted().first(2).to_writer(paper.clone());
        sink.write(batch(1_700_000_000_000, vec![("b", 2), ("c", 3), ("a", 1)]))
            .await
            .expect("paper is patient");
        sink.write(batch(1_700_000_001_000, Vec::<(&str, i32)>::new())).await.expect("paper is patient");
        let want = "-- counts, 22:13:20.000 UTC --\n(\"a\", 1)\n(\"b\", 2)\n...\n\n";
        assert_eq!(*paper.0.lock().expect("no panic"), [want.as_bytes()]);
    }

    #[tokio::test]
    async fn a_reader_that_went_away_is_an_error() {
        let (reader, writer) = io::pipe().expect("pipes");
        drop(reader);
        let mut sink = console().to_writer(writer);
        let error = sink.write(batch(5, vec![7])).await.expect_err("nobody reads");
        assert_eq!(error.code(), "connector.io");
    }
}
