//! What is not there, or not any more.

use super::*;

#[tokio::test]
async fn what_is_not_there_is_a_typed_error() {
    let Some(broker) = broker() else { return };
    let lost = name("lost");
    python(
        &broker,
        &lost,
        "create(1)\nfor i in range(10): producer.produce(topic, b'x', partition=0)\nproducer.flush()\n\
        from confluent_kafka import TopicPartition\n\
        admin.delete_records([TopicPartition(topic, 0, 5)])\n\
        import time\n\
        from confluent_kafka import Consumer\n\
        c = Consumer({'bootstrap.servers': broker, 'group.id': 'x'})\n\
        while c.get_watermark_offsets(TopicPartition(topic, 0))[0] < 5: time.sleep(0.05)",
    );
    let from =
        |offset| kafka::topic(&broker, &lost).from_offsets([((lost.clone(), 0), offset)]).until_latest();
    assert!(matches!(
        fault(from(2)).await,
        Some(kafka::Fault::LostOffsets { position: 2, low: 5, high: 10, .. })
    ));
    let (copies, collected) = collect();
    let texts = from(2).on_lost_offsets(kafka::OnLostOffsets::Earliest).texts();
    let mut job = Engine::new().start(copy::Ports { texts, copies }).expect("it starts");
    job.join().await.expect("it ends well");
    assert_eq!(collected.records().len(), 5);
    assert_eq!(job.metrics().source("texts").expect("it is one").events[0], ("kafka lost offsets", 3));
    let missing = fault(kafka::topic(&broker, name("missing"))).await;
    assert!(matches!(missing, Some(kafka::Fault::UnknownTopic { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_topic_that_is_deleted_ends_the_job() {
    let Some(broker) = broker() else { return };
    let topic = name("deleted");
    python(&broker, &topic, "create(1)\nproducer.produce(topic, b'x')\nproducer.flush()");
    let (copies, collected) = collect();
    let texts = kafka::topic(&broker, &topic).discover_every(millis(100)).texts();
    let mut job = Engine::new().start(copy::Ports { texts, copies }).expect("it starts");
    wait_for(|| !collected.records().is_empty()).await;
    python(&broker, &topic, "[f.result() for f in admin.delete_topics([topic]).values()]");
    let error = job.join().await.expect_err("it ends").to_string();
    assert!(error.contains(&topic), "{error}");
}

#[tokio::test]
async fn no_broker_is_an_error_within_the_limit() {
    let begin = Instant::now();
    let retry = Retry::default().attempts(2);
    let (copies, _collected) = collect();
    let texts = kafka::topic("127.0.0.1:1", "x").retry(retry).texts();
    let mut job = Engine::new().start(copy::Ports { texts, copies }).expect("it starts");
    wait_for(|| explained(&job).contains("source `texts`: look for topic `x`")).await;
    assert!(explained(&job).contains("asked 1 times of at most 2"), "{}", explained(&job));
    let Err(JobError::Source { source: error, .. }) = job.join().await else {
        panic!("it ends with an error")
    };
    assert!(matches!(error, ConnectorError::Unreachable { attempts: 2, .. }), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}

/// A setting that needs what is not compiled in is refused at the start, and the error names the feature.
#[tokio::test]
async fn a_setting_without_its_feature_is_an_error_at_the_start() {
    for (key, value, feature) in [
        ("security.protocol", "ssl", "kafka-ssl"),
        ("sasl.mechanism", "SCRAM-SHA-512", "kafka-ssl"),
        ("sasl.mechanism", "GSSAPI", "kafka-sasl"),
    ] {
        let error = source_error(kafka::topic("127.0.0.1:1", "x").option(key, value)).await;
        let ConnectorError::Config(error) = error else { panic!("{error}") };
        assert!(error.contains(key) && error.contains(feature), "{error}");
    }
    let secret =
        kafka::topic("127.0.0.1:1", "x").option("sasl.password", "hunter2").option("no.such", "hunter2");
    assert!(!format!("{secret:?}").contains("password\": \"hunter2"), "{secret:?}");
}

/// Retention may pass a job while it runs, if it is slow: it is found where the job next reads.
#[tokio::test(flavor = "multi_thread")]
async fn retention_that_passes_a_job_is_an_error_and_no_jump() {
    let Some(broker) = broker() else { return };
    let (topic, place) = (name("passed"), tempfile::tempdir().expect("temp"));
    python(&broker, &topic, "create(1)\nsend(range(10))");
    let engine = Engine::new().checkpoint(place.path());
    let start = |source: kafka::Topics| {
        let (copies, collected) = collect();
        (engine.start(copy::Ports { texts: source.texts(), copies }).expect("it starts"), collected)
    };
    let (mut job, collected) = start(kafka::topic(&broker, &topic).until_latest());
    job.join().await.expect("it ends well");
    assert_eq!(collected.records().len(), 10);
    python(
        &broker,
        &topic,
        "send(range(10, 20))\nadmin.delete_records([TopicPartition(topic, 0, 15)])[TopicPartition(topic, 0)].result()",
    );
    let (mut job, _) = start(kafka::topic(&broker, &topic).until_latest());
    let error = job.join().await.expect_err("the offsets are lost").to_string();
    assert!(error.contains("from offset 10 on, and has 15 to 20 only"), "{error}");
    let earliest = kafka::topic(&broker, &topic).on_lost_offsets(kafka::OnLostOffsets::Earliest);
    let (mut job, collected) = start(earliest.until_latest());
    job.join().await.expect("it ends well");
    assert_eq!(collected.records().len(), 5);
}
