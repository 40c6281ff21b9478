//! Topics and partitions that come and go, and their rates.

use super::*;

#[tokio::test]
async fn partitions_that_are_added_are_read_and_a_restart_goes_on() {
    let Some(broker) = broker() else { return };
    let (topic, directory) = (name("grows"), tempfile::tempdir().expect("a directory"));
    python(
        &broker,
        &topic,
        "create(3)\nfor i in range(300): producer.produce(topic, str(i).encode(), partition=i % 3)\nproducer.flush()",
    );
    let mut records = Vec::new();
    for (run, script) in [
        "admin.create_partitions([a.NewPartitions(topic, 6)])[topic].result()\n\
         import time\n\
         while len(admin.list_topics(topic).topics[topic].partitions) < 6: time.sleep(0.05)\n\
         producer = Producer({'bootstrap.servers': broker})\n\
         for i in range(300, 600): producer.produce(topic, str(i).encode(), partition=i % 6)\nproducer.flush()",
        "for i in range(600, 900): producer.produce(topic, str(i).encode(), partition=i % 6)\nproducer.flush()",
    ]
    .into_iter()
    .enumerate()
    {
        let (copies, collected) = collect();
        let texts = kafka::topic(&broker, &topic).discover_every(millis(100)).texts();
        let engine = Engine::new().checkpoint(directory.path());
        let mut job = engine.start(copy::Ports { texts, copies }).expect("it starts");
        let (broker, topic) = (broker.clone(), topic.clone());
        let fed = tokio::task::spawn_blocking(move || python(&broker, &topic, script));
        fed.await.expect("it is fed");
        wait_for(|| collected.records().len() >= [600, 300][run]).await;
        job.stop().await.expect("it stops");
        records.extend(collected.records());
    }
    let mut numbers: Vec<u32> = records.iter().map(|text| text.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..900).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_of_a_pattern_come_and_go() {
    let Some(broker) = broker() else { return };
    let base = name("many");
    python(
        &broker,
        &base,
        "for n in ('-a', '-b'): create(2, topic + n)\ncreate(1, topic)\nsend([1], name=topic + '-a'); send([2], name=topic + '-b'); send([9])",
    );
    let named = kafka::topics(&broker, [format!("{base}-a"), format!("{base}-b")]).until_latest();
    assert_eq!(all(named.texts()).await, ["1", "2"]);
    let (copies, collected) = collect();
    let texts = kafka::pattern(&broker, format!("{base}-*")).discover_every(millis(100)).texts();
    let mut job = Engine::new().start(copy::Ports { texts, copies }).expect("it starts");
    let has = |wanted: &'static [&'static str]| {
        let collected = collected.clone();
        move || {
            let mut records = collected.records();
            records.sort();
            records == wanted
        }
    };
    wait_for(has(&["1", "2"])).await;
    python_beside(
        &broker,
        &base,
        "create(1, topic + '-c'); send([3], name=topic + '-c'); delete(topic + '-a')",
    )
    .await;
    wait_for(has(&["1", "2", "3"])).await;
    let left = || {
        let metrics = job.metrics();
        let partitions = &metrics.source("texts").expect("it is one").partitions;
        partitions.iter().map(|at| at.name.strip_prefix(&base).expect("ours").to_owned()).collect::<Vec<_>>()
    };
    wait_for(|| left() == ["-b/0", "-b/1", "-c/0"]).await;
    python_beside(&broker, &base, "send([4], name=topic + '-b')").await;
    wait_for(has(&["1", "2", "3", "4"])).await;
    job.stop().await.expect("it stops");
}

/// `spark.streaming.kafka.maxRatePerPartition`. Time is only bounded from below, so a slow machine changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn each_partition_has_a_rate_and_lag_is_seen() {
    let Some(broker) = broker() else { return };
    let topic = name("rates");
    python(&broker, &topic, "create(2)\nsend(range(0, 2000, 2), 1); send(range(400), 2)");
    let (copies, collected) = collect();
    let texts = kafka::topic(&broker, &topic).max_rate_per_partition(400.0).until_latest().texts();
    let begin = Instant::now();
    let mut job = Engine::new().start(copy::Ports { texts, copies }).expect("it starts");
    let at = |n: usize| {
        let metrics = job.metrics();
        metrics.source("texts").expect("it is one").partitions.get(n).cloned()
    };
    // Of 1200 and 200.
    wait_for(|| at(0).is_some_and(|at| at.lag.is_some_and(|lag| lag > 0 && lag < 1200))).await;
    let (first, said) = (at(0).expect("it was there"), explained(&job));
    assert!(first.records < 1200 && first.position.as_u64() < Some(1200), "{first:?}");
    let expected = "records that wait before source `texts`: ";
    assert!(said.contains(expected) && said.contains(&format!(" of `{topic}/0`")), "{said}");
    job.join().await.expect("it ends well");
    assert_eq!(collected.records().len(), 1400);
    // A tenth of a second is caught up on.
    assert!(begin.elapsed().as_secs_f64() > 1200.0 / 400.0 - 0.2, "{:?}", begin.elapsed());
    let nothing = kafka::topic(&broker, &topic).max_rate_per_partition(0.0);
    assert!(matches!(source_error(nothing).await, ConnectorError::Config(_)));
}

/// The rate of a source is that of all its partitions, and goes where the records are; Spark's direct stream does that with its PID's.
#[tokio::test(flavor = "multi_thread")]
async fn partitions_share_the_rate_of_their_source_by_lag() {
    let Some(broker) = broker() else { return };
    let topic = name("shares");
    python(&broker, &topic, "create(2)\nsend(range(0, 18000, 2), 2); send(range(1, 2000, 2), 2)");
    let (copies, collected) = collect();
    let texts = kafka::topic(&broker, &topic).texts();
    let begin = Instant::now();
    let mut job = Engine::new().max_rate(2_000.0).start(copy::Ports { texts, copies }).expect("it starts");
    wait_for(|| collected.records().len() >= 2_000).await;
    assert!(begin.elapsed().as_secs_f64() > 2_000.0 / 2_000.0 - 0.2, "{:?}", begin.elapsed());
    let of = |rest: u32| {
        collected.records().iter().filter(|n| n.parse::<u32>().expect("a number") % 2 == rest).count()
    };
    // 9,000 records and 1,000; where one is late the other has its part.
    let (many, few) = (of(0), of(1));
    assert!(few > 0 && many > 2 * few, "{many} and {few}");
    job.stop().await.expect("it stops");
}
