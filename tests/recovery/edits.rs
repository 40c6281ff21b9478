//! State survives refactoring: pairs of programs, of which the second is started where the first was stopped.
//!
//! Each change is kept, or refused by the name of what it would lose and with what to declare; nothing is begun anew in
//! silence. A refusal touches nothing, so the program of before goes on as if there had been no attempt.

use std::{collections::BTreeMap, fs, path::Path, sync::Mutex};

use streaming_runtime::{
    Checkpoint, Job, JobError, ManualClock, StartError,
    checkpoint::CheckpointError,
    connect::queue::{Queue, queue},
    prelude::*,
};

use support::{Lasting, Pair, block_on};

mod programs;

/// What the programs' ports are given.
#[derive(Default)]
struct Given(Mutex<BTreeMap<&'static str, Lasting>>);

impl Given {
    /// In each batch one more.
    fn orders(&self) -> Queue<Pair> {
        queue((1..=12).map(|n| vec![(1, n)]).collect())
    }

    fn refunds(&self) -> Queue<Pair> {
        queue(vec![vec![(2, 1)]; 12])
    }

    fn sink(&self, name: &'static str) -> Lasting {
        self.0.lock().expect("nothing panics under this lock").entry(name).or_default().clone()
    }
}

type Start = fn(&Engine, &Given) -> Result<Job, StartError>;

/// What a batch is to hold, by sink.
type Expected = &'static [(&'static str, &'static [&'static str])];

/// What `before` puts out in its fourth batch.
const FOURTH: Expected = &[("totals", &["(1, 10)", "(2, -4)"]), ("recent", &["(1, 9)"])];

/// The same if its window begins anew.
const WINDOW_ANEW: Expected = &[("totals", &["(1, 10)", "(2, -4)"]), ("recent", &["(1, 4)"])];

/// A place in which `before` has run for three batches, and been stopped.
struct Place {
    directory: tempfile::TempDir,
    clock: ManualClock,
}

/// A program, and what its author declares.
struct After {
    start: Start,
    renamed: Option<(&'static str, &'static str)>,
    forgotten: Option<&'static str>,
}

fn plain(start: Start) -> After {
    After { start, renamed: None, forgotten: None }
}

impl Place {
    async fn left_by(before: Start) -> Self {
        let directory = tempfile::tempdir().expect("a directory for temporary files is there");
        let place = Place { directory, clock: ManualClock::new() };
        place.run(place.directory.path(), &plain(before), 3).await.expect("nothing is there yet");
        place
    }

    /// Goes on for so many seconds; returns what came out last.
    async fn run(
        &self,
        state: &Path,
        after: &After,
        seconds: u64,
    ) -> Result<BTreeMap<&'static str, Vec<String>>, JobError> {
        let mut checkpoint = Checkpoint::new(state).exactly_once();
        if let Some((old, new)) = after.renamed {
            checkpoint = checkpoint.renamed(old, new);
        }
        if let Some(name) = after.forgotten {
            checkpoint = checkpoint.forget(name);
        }
        let given = Given::default();
        let engine = Engine::new().manual_clock(&self.clock).checkpoint(checkpoint);
        let mut job = match (after.start)(&engine, &given) {
            // What does not fit is an error of the start.
            Err(StartError::Checkpoint(error)) => return Err(JobError::Checkpoint(error)),
            started => started.expect("it starts"),
        };
        let run = async {
            self.clock.advance(secs(seconds));
            job.delivered(self.clock.now()).await?;
            job.stop().await
        };
        tokio::time::timeout(secs(10), run).await.expect("it does not hang")?;
        let sinks = given.0.into_inner().expect("nothing panics under this lock");
        Ok(sinks.into_iter().map(|(name, sink)| (name, last(&sink))).collect())
    }

    /// The files but for the lock.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let files =
            fs::read_dir(self.directory.path()).expect("it is there").map(|file| file.expect("it is there"));
        let named = files.map(|file| (file.file_name().to_string_lossy().into_owned(), file.path()));
        let ours = named.filter(|(name, _)| name != "LOCK");
        ours.map(|(name, path)| (name, fs::read(path).expect("it can be read"))).collect()
    }

    /// Goes on in a copy of the place.
    async fn resumes_with(&self, after: &After, seconds: u64, expected: Expected) {
        let copy = tempfile::tempdir().expect("a directory for temporary files is there");
        for (name, bytes) in self.files() {
            fs::write(copy.path().join(name), bytes).expect("it can be written");
        }
        let mut got = self
            .run(copy.path(), after, seconds)
            .await
            .unwrap_or_else(|error| panic!("it is refused: {error}"));
        for (sink, records) in expected {
            assert_eq!(got[sink], *records, "`{sink}`");
        }
        // A declaration that was carried out is harmless, and of no more use.
        for again in [after, &plain(after.start)] {
            let goes_on = self.run(copy.path(), again, seconds).await;
            got = goes_on.unwrap_or_else(|error| panic!("it is refused then: {error}"));
        }
        if seconds == 1 && expected.contains(&FOURTH[0]) {
            assert_eq!(got["totals"], ["(1, 21)", "(2, -6)"], "two batches later");
        }
    }

    /// Is refused with words that hold all of these, and then nothing has changed.
    async fn refuses(&self, after: &After, says: &[&str]) {
        let files = self.files();
        let error = self.run(self.directory.path(), after, 1).await.expect_err("it is refused");
        let JobError::Checkpoint(CheckpointError::Incompatible { what }) = &error else {
            panic!("it does not fit, which is not said by {error:?}");
        };
        for words in says {
            assert!(what.contains(words), "`{words}` is not in `{what}`");
        }
        assert!(files == self.files(), "a refusal touches nothing");
    }

    /// The same place before the attempt, whose seconds are not to count.
    fn clock_back(&self) -> Place {
        let directory = tempfile::tempdir().expect("a directory for temporary files is there");
        for (name, bytes) in self.files() {
            fs::write(directory.path().join(name), bytes).expect("it can be written");
        }
        let clock = ManualClock::new();
        clock.advance(secs(3));
        Place { directory, clock }
    }
}

fn last(sink: &Lasting) -> Vec<String> {
    sink.delivered().into_values().next_back().unwrap_or_default()
}

/// That the state is carried over.
fn kept(after: After, seconds: u64, expected: Expected) {
    block_on(async {
        Place::left_by(programs::before::start).await.resumes_with(&after, seconds, expected).await
    });
}

/// That it is not, and then by this declaration.
fn refused(start: Start, says: &[&str], declared: &[(After, Expected)]) {
    block_on(async {
        let place = Place::left_by(programs::before::start).await;
        place.refuses(&plain(start), says).await;
        place.clock_back().resumes_with(&plain(programs::before::start), 1, FOURTH).await;
        for (after, expected) in declared {
            place.clock_back().resumes_with(after, 1, expected).await;
        }
    });
}

/// That it is not, as is said with the name of what keeps it; and that this begins anew when it is to be forgotten.
fn begins_anew(start: Start, name: &'static str, says: &[&str], expected: Expected) {
    let (named, remedy) = (format!("`{name}`"), format!(".forget(\"{name}\")"));
    let says = [says, &[named.as_str(), remedy.as_str()]].concat();
    refused(start, &says, &[(forgetting(start, name), expected)]);
}

fn forgetting(start: Start, name: &'static str) -> After {
    After { start, renamed: None, forgotten: Some(name) }
}

fn renaming(start: Start, old: &'static str, new: &'static str) -> After {
    After { start, renamed: Some((old, new)), forgotten: None }
}

/// The type of a connector is in the name of each closure of a pipeline, but is nothing that a state depends on.
#[test]
fn another_policy_of_a_sink() {
    block_on(async {
        let place = Place::left_by(programs::reduced::start).await;
        let after = plain(programs::reduced::start_in_time);
        place.resumes_with(&after, 1, &[("totals", &["(1, 10)"])]).await;
    });
}

#[test]
fn nothing_changed() {
    kept(plain(programs::before::start), 1, FOURTH);
}

#[test]
fn statements_reordered() {
    kept(plain(programs::reordered::start), 1, FOURTH);
}

#[test]
fn a_stateless_binding_renamed() {
    kept(plain(programs::stateless_renamed::start), 1, FOURTH);
}

#[test]
fn an_operator_added() {
    let expected: Expected =
        &[("counts", &["(1, 1)"]), ("totals", &["(1, 10)", "(2, -4)"]), ("recent", &["(1, 9)"])];
    kept(plain(programs::operator_added::start), 1, expected);
}

#[test]
fn a_sink_added() {
    let expected: Expected =
        &[("large", &["(1, 10)"]), ("totals", &["(1, 10)", "(2, -4)"]), ("recent", &["(1, 9)"])];
    kept(plain(programs::sink_added::start), 1, expected);
}

#[test]
fn a_sink_renamed() {
    kept(plain(programs::sink_renamed::start), 1, FOURTH);
}

#[test]
fn an_operator_dropped() {
    let expected: Expected = &[("totals", &["(1, 10)", "(2, -4)"])];
    begins_anew(
        programs::operator_dropped::start,
        "shop/sums/aggregate_by_key",
        &["no such operator"],
        expected,
    );
}

#[test]
fn a_stateful_binding_renamed() {
    let start = programs::stateful_renamed::start;
    let says = [
        "`shop/balance/update_state`",
        ".renamed(\"shop/balance/update_state\", \"shop/account/update_state\")",
    ];
    let forgotten: Expected = &[("totals", &["(1, 4)", "(2, -1)"]), ("recent", &["(1, 9)"])];
    refused(
        start,
        &says,
        &[
            (renaming(start, "shop/balance/update_state", "shop/account/update_state"), FOURTH),
            (forgetting(start, "shop/balance/update_state"), forgotten),
        ],
    );
}

#[test]
fn a_state_of_another_type() {
    let anew: Expected = &[("totals", &["(1, 4.0)", "(2, -1.0)"]), ("recent", &["(1, 9)"])];
    begins_anew(programs::state_type_changed::start, "shop/balance/update_state", &["i64", "f64"], anew);
}

#[test]
fn a_key_of_another_type() {
    let anew: Expected = &[("totals", &["(1, 4)", "(2, -1)"]), ("recent", &["(1, 9)"])];
    begins_anew(programs::key_type_changed::start, "shop/balance/update_state", &["u8", "u16"], anew);
}

#[test]
fn fields_of_a_state_in_another_order() {
    block_on(async {
        let place = Place::left_by(programs::fields::start).await;
        let says =
            ["`shop/state/update_state`", "sum: i64, largest: i64", "largest: i64, sum: i64", ".forget("];
        place.refuses(&plain(programs::fields_reordered::start), &says).await;
        let same: Expected = &[("totals", &["(1, State { sum: 10, largest: 4 })"])];
        place.clock_back().resumes_with(&plain(programs::fields::start), 1, same).await;
    });
}

#[test]
fn a_shorter_window() {
    kept(
        plain(programs::window_shorter::start),
        1,
        &[("totals", &["(1, 10)", "(2, -4)"]), ("recent", &["(1, 7)"])],
    );
}

#[test]
fn a_longer_window() {
    let says = ["for 3s", "for 4s", "older than 3s"];
    begins_anew(programs::window_longer::start, "shop/sums/aggregate_by_key", &says, WINDOW_ANEW);
}

#[test]
fn another_slide() {
    kept(plain(programs::slide_changed::start), 1, FOURTH);
    kept(plain(programs::slide_changed::start), 3, &[("recent", &["(1, 15)"])]);
}

#[test]
fn another_aggregate_of_the_same_types() {
    let says = ["by Sum", "by Max"];
    begins_anew(programs::aggregate_changed::start, "shop/sums/aggregate_by_key", &says, WINDOW_ANEW);
}

/// What a function does cannot be seen: its state goes on as it is.
#[test]
fn another_function_of_the_same_type() {
    kept(
        plain(programs::function_changed::start),
        1,
        &[("totals", &["(1, 24)", "(2, 3)"]), ("recent", &["(1, 9)"])],
    );
}

#[test]
fn map_with_state_for_update_state() {
    let start = programs::mapped_with_state::start;
    let says = [
        "`shop/balance/update_state`",
        ".renamed(\"shop/balance/update_state\", \"shop/balance/map_with_state\")",
    ];
    let renamed = renaming(start, "shop/balance/update_state", "shop/balance/map_with_state");
    refused(start, &says, &[(renamed, FOURTH)]);
}

#[test]
fn sources_in_another_order() {
    kept(plain(programs::sources_swapped::start), 1, FOURTH);
}

#[test]
fn a_source_added() {
    // It begins at its beginning.
    let expected: Expected = &[("totals", &["(1, 10)", "(2, -4)", "(3, 1)"]), ("recent", &["(1, 9)"])];
    kept(plain(programs::source_added::start), 1, expected);
}

/// It would begin at its beginning, and all that it sent be there twice.
#[test]
fn a_source_renamed() {
    let start = programs::source_renamed::start;
    let says = ["source `orders`", ".renamed(\"orders\", \"sales\")", ".forget(\"orders\")"];
    let anew: Expected = &[("totals", &["(1, 7)", "(2, -4)"]), ("recent", &["(1, 6)"])];
    refused(
        start,
        &says,
        &[(renaming(start, "orders", "sales"), FOURTH), (forgetting(start, "orders"), anew)],
    );
}

#[test]
fn a_source_dropped() {
    let expected: Expected = &[("totals", &["(1, 10)", "(2, -3)"]), ("recent", &["(1, 9)"])];
    begins_anew(programs::source_dropped::start, "refunds", &["source `refunds`"], expected);
}

#[test]
fn another_batch_interval() {
    // The queues give a batch twice a second then: 4 and 5.
    kept(
        plain(programs::batches_shorter::start),
        1,
        &[("totals", &["(1, 15)", "(2, -5)"]), ("recent", &["(1, 14)"])],
    );
    kept(plain(programs::batches_longer::start), 3, &[("totals", &["(1, 10)", "(2, -4)"])]);
}
