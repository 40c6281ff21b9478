//! A sink that says which batch it has for good.

use super::*;

/// A table that says which batch it has for good.
#[derive(Clone, Default)]
pub(super) struct Table {
    pub(super) rows: Arc<Mutex<BTreeMap<BatchTime, Vec<i64>>>>,
    pub(super) asked: Arc<Mutex<usize>>,
}

impl Table {
    pub(super) fn rows(&self) -> Vec<i64> {
        self.rows.lock().expect("nothing panics under this lock").values().flatten().copied().collect()
    }
    pub(super) fn clear(&self) {
        self.rows.lock().expect("nothing panics under this lock").clear();
    }
}

impl Sink<((), i64)> for Table {
    const DELIVERY: Delivery = Delivery::Transactional;

    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        *self.asked.lock().expect("nothing panics under this lock") += 1;
        Ok(self.rows.lock().expect("nothing panics under this lock").keys().next_back().copied())
    }

    async fn write(&mut self, batch: Batch<((), i64)>) -> Result<(), ConnectorError> {
        let values = batch.records.into_iter().map(|((), n)| n).collect();
        let before = self.rows.lock().expect("nothing panics under this lock").insert(batch.time, values);
        assert!(before.is_none(), "the batch at {} comes twice", batch.time);
        Ok(())
    }
}

/// A job into a table, for so many batches.
pub(super) async fn into_table(
    directory: &Path,
    table: &Table,
    clock: &ManualClock,
    batches: usize,
) -> Result<(), JobError> {
    let checkpoint =
        Checkpoint::new(directory).segment_bytes(if batches > 3 { 400 } else { 1 << 20 }).exactly_once();
    let engine = Engine::new().manual_clock(clock).checkpoint(checkpoint);
    let mut job = engine.start(summed::Ports { numbers: numbers(), out: table.clone() }).expect("it starts");
    deliver(&mut job, clock, batches).await?;
    job.stop().await
}

#[tokio::test]
pub(super) async fn a_table_that_is_ahead_of_the_checkpoint() {
    let (directory, clock, table) = (temporary(), ManualClock::new(), Table::default());
    into_table(directory.path(), &table, &clock, 2).await.expect("nothing ends it");
    let older = copied(&files(directory.path()));
    into_table(directory.path(), &table, &clock, 1).await.expect("nothing ends it");
    let before = files(older.path());
    let error =
        into_table(older.path(), &table, &clock, 1).await.expect_err("it knows nothing of the third batch");
    let JobError::Checkpoint(CheckpointError::Behind { port, batch }) = &error else { panic!("{error:?}") };
    assert_eq!((&**port, batch.as_millis()), ("out", 3000));
    assert_eq!(files(older.path()), before, "nothing was touched");
    // With its own checkpoint it goes on; the second that the attempt took is a batch of its own.
    into_table(directory.path(), &table, &clock, 1).await.expect("nothing ends it");
    assert_eq!(table.rows()[..4], [1, 3, 6, 10]);
}

#[tokio::test]
pub(super) async fn a_table_whose_rows_were_deleted() {
    let (directory, clock, table) = (temporary(), ManualClock::new(), Table::default());
    into_table(directory.path(), &table, &clock, 3).await.expect("nothing ends it");
    assert!(!files(directory.path()).keys().any(|name| name.starts_with("base-")), "there is no base yet");
    table.clear();
    into_table(directory.path(), &table, &clock, 1).await.expect("all is there to run again");
    assert_eq!(table.rows(), [1, 3, 6, 10], "the table is filled again");

    into_table(directory.path(), &table, &clock, 12).await.expect("nothing ends it");
    let before = files(directory.path());
    assert!(before.keys().any(|name| name.starts_with("base-")), "{:?}", before.keys());
    table.clear();
    let error = into_table(directory.path(), &table, &clock, 1).await.expect_err("the base has passed them");
    let JobError::Checkpoint(CheckpointError::Lost { port, .. }) = &error else { panic!("{error:?}") };
    assert_eq!(port, "out");
    assert!(error.to_string().contains("bring its data back"), "{error}");
    assert_eq!(files(directory.path()), before, "nothing was touched");
}

#[tokio::test]
pub(super) async fn a_job_without_checkpoints_is_as_it_was() {
    let (clock, table) = (ManualClock::new(), Table::default());
    let (sender, numbers) = channel(16);
    let engine = Engine::new().manual_clock(&clock).close_early(true);
    let ports = summed::Ports { numbers: durable(numbers), out: table.clone() };
    let mut job = engine.start(ports).expect("it starts");
    for n in [1, 2, 3] {
        let receipt = sender.send_tracked(n).await.expect("the job runs");
        let delivered = tokio::time::timeout(secs(10), receipt);
        delivered.await.expect("it does not hang").expect("it is delivered");
    }
    job.stop().await.expect("it stops");
    // The batch that was open, behind the last early one, is closed: the sum is what it was.
    assert_eq!(table.rows(), [1, 3, 6, 6]);
    assert_eq!(
        *table.asked.lock().expect("nothing panics under this lock"),
        0,
        "what it has is its own matter"
    );
    // Another begins anew.
    let clock = ManualClock::new();
    clock.advance(secs(10));
    let engine = Engine::new().manual_clock(&clock);
    let ports = summed::Ports { numbers: queue::queue(vec![vec![1]]), out: table.clone() };
    let mut job = engine.start(ports).expect("it starts");
    deliver(&mut job, &clock, 1).await.expect("nothing ends it");
    job.join().await.expect("its source has ended");
    assert_eq!(table.rows(), [1, 3, 6, 6, 1]);
}
