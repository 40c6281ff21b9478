//! Streams as sinks.

use streaming_runtime::connect::queue;

use super::*;

stream!(
    /// Each text, under itself as its key.
    #[batch(millis(50))]
    pub fn put<texts: Source<String>, puts: Sink<(String, String)>>() {
        texts.map(|text: String| (text.chars().take(200).collect::<String>(), text)).to(puts);
    }
);

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sink_is_given_is_in_the_stream() {
    for server in both() {
        let stream = name("sink");
        python(&server, &stream, "create(2)");
        let batch = |n: u32| (n * 700..(n + 1) * 700).map(|n| n.to_string()).collect();
        let texts = queue((0..3).map(batch).collect());
        let puts = kinesis::append(&stream).endpoint(&server);
        let mut job = Engine::new().start(put::Ports { texts, puts }).expect("it starts");
        job.join().await.expect("it ends well");
        let script = "got = drain()\nassert all(r['PartitionKey'].encode() == r['Data'] for r in got)\nassert sorted(int(r['Data']) for r in got) == list(range(2100)), len(got)";
        python_beside(&server, &stream, script).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_is_an_error_of_its_kind() {
    for server in both() {
        let stream = name("large");
        python(&server, &stream, "create(1)");
        let texts = queue(vec![vec!["x".repeat(1 << 20)]]);
        let puts = kinesis::append(&stream).endpoint(&server);
        let mut job = Engine::new().start(put::Ports { texts, puts }).expect("it starts");
        let Err(JobError::Sink { source, .. }) = job.join().await else { panic!("it ends well") };
        let limit = 1 << 20;
        assert_eq!(fault(&source), Some(&kinesis::Fault::TooLarge { bytes: limit + 200, limit }), "{source}");
    }
}
