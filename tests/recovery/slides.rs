//! Sinks that get some of the batches only, because what they get is a window that slides by more than a batch.

use streaming_runtime::{
    Checkpoint, ManualClock,
    checkpoint::{LocalDirectory, inspect},
    connect::{queue, sqlite},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    fn slides<numbers: Source<i64>, every_ten: Sink<i64>>() {
        numbers.window(secs(20), secs(10)).count().to(every_ten);
    }
);

/// A log is compacted up to batches that such a sink has no part in. It does not lack them.
#[tokio::test]
async fn a_database_goes_on_between_two_slides() {
    let directory = tempfile::tempdir().expect("temp");
    let (database, state) = (directory.path().join("out.db"), directory.path().join("state"));
    let mut bases = Vec::new();
    for batches in 1..=25 {
        let clock = ManualClock::new();
        let checkpoint = Checkpoint::new(&state).exactly_once().segment_bytes(1);
        let every_ten = sqlite::append(&database, "counts", ["n"]).row(|n: i64| (n,));
        let numbers = queue((0..batches).map(|n| vec![n]).collect());
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        let mut job = engine.start(slides::Ports { numbers, every_ten }).expect("starts");
        clock.advance(secs(batches as u64));
        job.join().await.unwrap_or_else(|error| panic!("{error} before batch {batches}"));
        let storage = LocalDirectory::new(&state).expect("it is there");
        let files = inspect(&storage).expect("it can be read").files;
        bases.extend(files.into_iter().map(|file| file.name).filter(|name| name.starts_with("base-")));
    }
    bases.dedup();
    assert!(bases.len() > 3, "there are compactions before the first slide and between two: {bases:?}");
    let database = rusqlite::Connection::open(database).expect("there is a database");
    let rows = database
        .prepare("select n from counts")
        .and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>());
    // Each job ended, so each has delivered its window as at the next slide, behind those before.
    let rows = rows.expect("SQL");
    assert!(rows.len() >= 24, "{rows:?}");
    assert!(rows.iter().all(|n| (1..=20).contains(n)), "{rows:?}");
}
