//! What is read, from where to where.

use streaming_runtime::formats::{Rejected, json};

use super::*;

stream!(
    /// Words and how often they come.
    #[batch(millis(50))]
    pub fn words<texts: Source<String>, counts: Sink<(String, i64)>>() {
        let words = texts.flat_map(|text| text.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
    }
);

#[tokio::test]
async fn words_of_a_topic_are_counted_to_its_end() {
    let Some(broker) = broker() else { return };
    let topic = name("words");
    python(
        &broker,
        &topic,
        "create(3)\nfor i in range(3000): producer.produce(topic, b'a b a', partition=i % 3)\nproducer.flush()",
    );
    let (counts, collected) = collect();
    let texts = kafka::topic(&broker, &topic).until_latest().texts();
    let mut job = Engine::new().start(words::Ports { texts, counts }).expect("it starts");
    job.join().await.expect("it ends well");
    let of = |word: &str| {
        collected.records().iter().filter(|(found, _)| found == word).map(|(_, n)| n).sum::<i64>()
    };
    assert_eq!((of("a"), of("b")), (6000, 3000));
}

#[tokio::test]
async fn bounds_empty_topics_and_a_record_of_a_megabyte() {
    let Some(broker) = broker() else { return };
    let topic = name("bounds");
    python(&broker, &topic, "create(1, max_message_bytes='2097152')");
    assert!(all(kafka::topic(&broker, &topic).until_latest().texts()).await.is_empty());
    python(
        &broker,
        &topic,
        "for i in range(10): producer.produce(topic, str(i).encode(), partition=0)\nproducer.flush()",
    );
    let some = kafka::topic(&broker, &topic).from_offsets([((topic.clone(), 0), 2)]);
    let some = all(some.until_offsets([((topic.clone(), 0), 5)]).texts()).await;
    assert_eq!(some, ["2", "3", "4"]);
    assert!(all(kafka::topic(&broker, &topic).from_latest().until_latest().texts()).await.is_empty());
    python(
        &broker,
        &topic,
        "producer = Producer({'bootstrap.servers': broker, 'message.max.bytes': 2000000})\nproducer.produce(topic, b'x' * (1 << 20), partition=0)\nproducer.flush()",
    );
    let all = all(kafka::pattern(&broker, format!("{topic}*")).until_latest().texts()).await;
    assert_eq!((all.len(), all[10].len()), (11, 1 << 20));
}

#[tokio::test]
async fn what_was_aborted_is_not_read_and_the_end_is_found_behind_it() {
    let Some(broker) = broker() else { return };
    let topic = name("aborted");
    let script = "create(1)\n\
        p = Producer({'bootstrap.servers': broker, 'transactional.id': topic})\n\
        p.init_transactions()\n\
        for i, end in enumerate([p.commit_transaction, p.abort_transaction, p.commit_transaction, p.abort_transaction]):\n \
            p.begin_transaction(); p.produce(topic, str(i).encode()); p.flush(); end()\n";
    python(&broker, &topic, script);
    assert_eq!(all(kafka::topic(&broker, &topic).until_latest().texts()).await, ["0", "2"]);
}

stream!(
    /// Where each message was and what it says, as text.
    #[batch(millis(50))]
    pub fn describe<messages: Source<kafka::Message>, texts: Sink<String>>() {
        messages
            .map(|m| {
                let text = |bytes: &Option<Vec<u8>>| {
                    bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                };
                let headers: Vec<_> =
                    m.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
                format!(
                    "{}/{}@{} {:?} {:?} {:?} {headers:?}",
                    m.topic,
                    m.partition,
                    m.offset,
                    m.timestamp,
                    text(&m.key),
                    text(&m.payload)
                )
            })
            .to(texts);
    }
);

/// What a batch is made of: `RDD.offsetRanges`, and more.
#[tokio::test]
async fn a_message_has_its_place_time_key_and_headers() {
    let Some(broker) = broker() else { return };
    let topic = name("places");
    python(
        &broker,
        &topic,
        "
create(2, retention_ms='-1')
producer.produce(topic, b'x', b'k', partition=0, timestamp=1000, headers=[('h', b'1'), ('h', None)])
producer.produce(topic, None, b'k', partition=0, timestamp=2000)
producer.produce(topic, b'', partition=1, timestamp=3000)
producer.flush()",
    );
    let (texts, collected) = collect();
    let messages = kafka::topic(&broker, &topic).until_latest();
    let mut job = Engine::new().start(describe::Ports { messages, texts }).expect("it starts");
    job.join().await.expect("it ends well");
    let mut got = collected.records();
    got.sort();
    let expected = [
        format!(r#"{topic}/0@0 Some(1000) Some("k") Some("x") [("h", Some("1")), ("h", None)]"#),
        format!(r#"{topic}/0@1 Some(2000) Some("k") None []"#),
        format!(r#"{topic}/1@0 Some(3000) None Some("") []"#),
    ];
    assert_eq!(got, expected);
}

#[tokio::test]
async fn a_run_begins_at_a_time_and_ends_before_an_offset() {
    let Some(broker) = broker() else { return };
    let topic = name("times");
    python(
        &broker,
        &topic,
        "create(1, retention_ms='-1')\nfor i in range(10): send([i], timestamp=1000 * (i + 1))",
    );
    let at = |millis| std::time::UNIX_EPOCH + Duration::from_millis(millis);
    let source = || kafka::topic(&broker, &topic);
    let some = source().from_timestamp(at(6_500)).until_latest();
    assert_eq!(all(some.texts()).await, ["6", "7", "8", "9"]);
    let some = source().from_timestamp(at(3_000)).until_offsets([((topic.clone(), 0), 4)]);
    assert_eq!(all(some.texts()).await, ["2", "3"]);
    let none = source().from_timestamp(at(10_001)).until_latest();
    assert!(all(none.texts()).await.is_empty());
}

stream!(
    /// Numbers as JSON, and what is none.
    #[batch(millis(50))]
    pub fn numbers<messages: Source<kafka::Message>, numbers: Sink<u32>, poison: Sink<Rejected>>() {
        let (parsed, rejected) = messages.decode(json::<u32>());
        parsed.to(numbers);
        rejected.to(poison);
    }
);

/// Bytes that nothing can read end no job: they are a record like any other.
#[tokio::test]
async fn a_poison_record_is_a_record() {
    let Some(broker) = broker() else { return };
    let topic = name("poison");
    python(
        &broker,
        &topic,
        "create(1)\nfor b in [b'1', b'\\xff\\xfe', b'', None, b'2']: producer.produce(topic, b, partition=0)\nproducer.flush()",
    );
    let texts = all(kafka::topic(&broker, &topic).until_latest().texts()).await;
    assert_eq!(texts, ["", "", "1", "2", "\u{FFFD}\u{FFFD}"]);
    let ((numbers, parsed), (poison, rejected)) = (collect(), collect());
    let messages = kafka::topic(&broker, &topic).until_latest();
    let mut job = Engine::new().start(numbers::Ports { messages, numbers, poison }).expect("it starts");
    job.join().await.expect("it ends well");
    assert_eq!(parsed.records(), [1, 2]);
    let rejected: Vec<_> = rejected.records().into_iter().map(|r| (r.bytes, r.position)).collect();
    let at = |offset| Some(format!("{topic}/0 at {offset}"));
    assert_eq!(rejected, [(b"\xff\xfe".to_vec(), at(1)), (Vec::new(), at(2)), (Vec::new(), at(3))]);
}

/// Records after an open transaction may not be read yet, so they are not what is there.
#[tokio::test]
async fn the_latest_is_before_an_open_transaction() {
    let Some(broker) = broker() else { return };
    let topic = name("open");
    let script = "
create(1)
send([0, 1])
p = Producer({'bootstrap.servers': broker, 'transactional.id': topic})
p.init_transactions(); p.begin_transaction(); p.produce(topic, b'2', partition=0); p.flush()
send([3])
print('open', flush=True)
sys.stdin.readline()
p.commit_transaction()";
    let mut held = held_python(&broker, &topic, script);
    let source = || kafka::topic(&broker, &topic).until_latest();
    assert_eq!(all(source().texts()).await, ["0", "1"]);
    assert_eq!(all(source().option("isolation.level", "read_uncommitted").texts()).await.len(), 4);
    drop(held.stdin.take());
    assert!(held.wait().expect("it ends").success());
    assert_eq!(all(source().texts()).await, ["0", "1", "2", "3"]);
}

/// Offsets that compaction and markers have left out are no records, and no loss.
#[tokio::test]
async fn gaps_of_compaction_and_of_markers_are_passed() {
    let Some(broker) = broker() else { return };
    let topic = name("compacted");
    let script = "
create(1, cleanup_policy='compact', segment_ms='100', min_cleanable_dirty_ratio='0.01', min_compaction_lag_ms='0')
for i in range(200):
    producer.produce(topic, str(i).encode(), str(i % 10).encode(), partition=0)
    if i % 50 == 0: producer.flush(); time.sleep(0.2)
p = Producer({'bootstrap.servers': broker, 'transactional.id': topic})
p.init_transactions()
for i in range(3):
    p.begin_transaction(); p.produce(topic, b't', b't%d' % i, partition=0); p.flush()
    (p.commit_transaction, p.abort_transaction)[i % 2]()
    time.sleep(0.2)
def read():
    c = consumer(auto_offset_reset='earliest', enable_partition_eof=True)
    c.assign([TopicPartition(topic, 0, 0)])
    got = []
    while True:
        m = c.poll(10)
        if m.error(): return got
        got.append(m.value().decode())
until = time.time() + 50
while len(got := read()) > 100 and time.time() < until:
    producer.produce(topic, b'later', b'later', partition=0); producer.flush(); time.sleep(0.3)
assert len(got) <= 100, len(got)
producer.flush()
print(*sorted(read()))";
    let script = python(&broker, &topic, script);
    let oracle: Vec<&str> = script.split_whitespace().collect();
    let got = all(kafka::topic(&broker, &topic).until_latest().texts()).await;
    // It may be compacted further in between.
    assert!(
        got.len() >= 12 && got.iter().all(|text| oracle.contains(&text.as_str())),
        "{got:?} for {oracle:?}"
    );
    assert!(!got.iter().any(|text| text == "0"), "of an old key");
}
