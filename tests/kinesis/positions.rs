//! Where jobs begin, and where they go on.

use std::time::SystemTime;

use super::*;

/// Jobs that are aborted anywhere, each going on where the checkpoint is: a batch that comes again is as it was, or the sink would
/// refuse it.
#[tokio::test(flavor = "multi_thread")]
async fn each_record_is_there_once_after_aborts() {
    const RECORDS: usize = 20_000;
    for server in both() {
        let (stream, place, copies) =
            (name("aborts"), tempfile::tempdir().expect("temp"), Lasting::default());
        let script = "create(2)\nsend(range(10000))\nsplit(open_shards()[0])\nsend(range(10000, 20000))";
        python(&server, &stream, script);
        let start = |run: usize, rate: f64| {
            let engine = Engine::new().workers(1 + run % 3).close_early(run.is_multiple_of(2)).max_rate(rate);
            let engine = engine.checkpoint(Checkpoint::new(place.path()).exactly_once());
            let texts = source(&server, &stream).texts();
            engine.start(copy::Ports { texts, copies: copies.clone() }).expect("it starts")
        };
        for run in 0..20 {
            let job = start(run, 3_000.0);
            let before = delivered(&copies).len();
            // Some end before they have begun.
            let until = Instant::now() + Duration::from_millis(2_000);
            while run % 4 > 0 && delivered(&copies).len() < before + 100 * (run % 7) && Instant::now() < until
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            job.abort().await;
        }
        let had = delivered(&copies).len();
        assert!(had > 0 && had < RECORDS, "{had} before the last start");
        let mut job = start(0, 1e6);
        wait_for(|| delivered(&copies).len() >= RECORDS).await;
        job.stop().await.expect("it stops");
        assert!(delivered(&copies) == numbers(RECORDS), "{} of {RECORDS} records", delivered(&copies).len());
    }
}

/// What a source gives up to this record.
async fn up_to(source: kinesis::Shards, last: &str) -> Vec<String> {
    let (copies, collected) = collect();
    let mut job = Engine::new().start(copy::Ports { texts: source.texts(), copies }).expect("it starts");
    wait_for(|| collected.records().iter().any(|text| text == last)).await;
    job.stop().await.expect("it stops");
    collected.records()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_begins_at_a_time_or_a_sequence_number() {
    for server in both() {
        let stream = name("begins");
        // Servers have times of a second, or of a millisecond.
        let said = python(
            &server,
            &stream,
            "create(1)\nsend(range(5)); time.sleep(1.1); now = time.time(); time.sleep(1.1); send(range(5, 10))\nprint(now, drain()[7]['SequenceNumber'], shards()[0]['ShardId'])",
        );
        let said: Vec<&str> = said.split_whitespace().collect();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(said[0].parse().expect("a time"));
        assert_eq!(
            up_to(source(&server, &stream).from_timestamp(time), "9").await,
            ["5", "6", "7", "8", "9"]
        );
        let at = source(&server, &stream).from_sequence_numbers([(said[2], said[1])]);
        assert_eq!(up_to(at, "9").await, ["7", "8", "9"]);
        assert_eq!(up_to(source(&server, &stream), "9").await.len(), 10);
    }
}

/// A job from the latest that ends before its first record goes on where it began, and not at what is then the latest.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_from_the_latest_goes_on_where_it_began() {
    for server in both() {
        let (stream, place) = (name("latest"), tempfile::tempdir().expect("temp"));
        python(&server, &stream, "create(2)\nsend(range(10)); time.sleep(1.1)");
        let start = || {
            let (copies, collected) = collect();
            let texts = source(&server, &stream).from_latest().texts();
            let job = Engine::new().checkpoint(place.path()).start(copy::Ports { texts, copies });
            (job.expect("it starts"), collected)
        };
        let (mut job, _) = start();
        wait_for(|| job.metrics().source("texts").is_some_and(|source| source.partitions.len() == 2)).await;
        // It began when a batch with these positions was written: batches before that one may be under way.
        let begun = job.metrics().batches_delivered + 5;
        wait_for(|| job.metrics().batches_delivered > begun).await;
        job.stop().await.expect("it stops");
        python_beside(&server, &stream, "time.sleep(1.1); send(range(10, 16))").await;
        let (mut job, collected) = start();
        wait_for(|| collected.records().len() >= 6).await;
        job.stop().await.expect("it stops");
        let mut got = collected.records();
        got.sort();
        assert_eq!(got, ["10", "11", "12", "13", "14", "15"]);
    }
}

/// A stream that was made anew does not have the record at the position: that is an error, or counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_is_gone_is_an_error_or_counted() {
    for server in both() {
        let (stream, place) = (name("lost"), tempfile::tempdir().expect("temp"));
        python(&server, &stream, "create(1)\nsend(range(10))");
        let start = |policy| {
            let (copies, collected) = collect();
            let texts = source(&server, &stream).on_lost_records(policy).texts();
            let job = Engine::new().checkpoint(place.path()).start(copy::Ports { texts, copies });
            (job.expect("it starts"), collected)
        };
        let (mut job, collected) = start(kinesis::OnLostRecords::Fail);
        wait_for(|| collected.records().len() >= 10).await;
        job.stop().await.expect("it stops");
        let again = "client.delete_stream(StreamName=stream)\nwhile stream in client.list_streams()['StreamNames']: time.sleep(0.05)\ntime.sleep(1.1); create(1)\nsend(range(10, 15))";
        python_beside(&server, &stream, again).await;
        let (mut job, _) = start(kinesis::OnLostRecords::Fail);
        let ended = tokio::time::timeout(Duration::from_secs(60), job.join()).await.expect("it ends");
        let Err(JobError::Source { source, .. }) = ended else { panic!("{ended:?}") };
        assert!(matches!(fault(&source), Some(kinesis::Fault::LostRecords { .. })), "{server}: {source}");
        let (mut job, collected) = start(kinesis::OnLostRecords::Earliest);
        wait_for(|| collected.records().len() >= 5).await;
        assert_eq!(
            job.metrics().source("texts").expect("it is one").events[0],
            ("kinesis lost positions", 1)
        );
        job.stop().await.expect("it stops");
    }
}
