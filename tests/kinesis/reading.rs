//! Shards that come and go, and records in records.

use super::*;

/// Every key's records come in their order, also across a split and a merge: children are read after their parents.
#[tokio::test(flavor = "multi_thread")]
async fn splits_and_merges_in_mid_run_lose_none() {
    // Only kinesalite: moto puts records into the first shard of their range, which may be closed.
    for server in both().into_iter().take(1) {
        let (stream, place, copies) =
            (name("reshards"), tempfile::tempdir().expect("temp"), Lasting::default());
        python(&server, &stream, "create(1)\nsend(range(500))");
        let start = || {
            let engine = Engine::new().checkpoint(Checkpoint::new(place.path()).exactly_once());
            let texts = source(&server, &stream).texts();
            engine.start(copy::Ports { texts, copies: copies.clone() }).expect("it starts")
        };
        let mut job = start();
        wait_for(|| delivered(&copies).len() >= 500).await;
        let script = "split(open_shards()[0])\nsend(range(500, 1000))\nmerge(*open_shards()[:2])\nsend(range(1000, 1500))";
        python_beside(&server, &stream, script).await;
        wait_for(|| delivered(&copies).len() >= 1500).await;
        job.stop().await.expect("it stops");
        // While it is away, and shards that are drained are still listed.
        python_beside(&server, &stream, "split(open_shards()[0])\nsend(range(1500, 2000))").await;
        let mut job = start();
        wait_for(|| delivered(&copies).len() >= 2000).await;
        job.stop().await.expect("it stops");
        assert!(delivered(&copies) == numbers(2000), "{} records from {server}", delivered(&copies).len());
    }
}

stream!(
    /// Key, sub-sequence number and data of each record.
    #[batch(millis(50))]
    pub fn shown<records: Source<kinesis::Record>, texts: Sink<String>>() {
        records
            .map(|record: kinesis::Record| {
                let data = String::from_utf8_lossy(&record.data).into_owned();
                format!(
                    "{} {:?} {:?} {data}",
                    record.partition_key, record.explicit_hash_key, record.sub_sequence_number
                )
            })
            .to(texts);
    }
);

/// A record of several, as the producer library writes it, by the library of protocol buffers.
const AGGREGATE: &str = "
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
file = descriptor_pb2.FileDescriptorProto(name='kpl.proto', package='kpl')
def message(name, *fields):
    kind = file.message_type.add(name=name)
    for number, (field, label, of) in enumerate(fields, 1):
        more = {'type': 11, 'type_name': '.kpl.' + of} if isinstance(of, str) else {'type': of}
        kind.field.add(name=field, number=number, label=label, **more)
message('Tag', ('key', 2, 9), ('value', 1, 9))
message('Record', ('partition_key_index', 2, 4), ('explicit_hash_key_index', 1, 4), ('data', 2, 12), ('tags', 3, 'Tag'))
message('AggregatedRecord', ('partition_key_table', 3, 9), ('explicit_hash_key_table', 3, 9), ('records', 3, 'Record'))
pool = descriptor_pool.DescriptorPool(); pool.Add(file)
Aggregated = message_factory.GetMessageClass(pool.FindMessageTypeByName('kpl.AggregatedRecord'))
def aggregated(texts):
    whole = Aggregated(partition_key_table=['a', 'b'], explicit_hash_key_table=['7'])
    for n, text in enumerate(texts):
        one = whole.records.add(partition_key_index=n % 2, data=text.encode())
        if n == 0: one.explicit_hash_key_index = 0
        one.tags.add(key='k', value='v')
    body = whole.SerializeToString()
    return b'\\xf3\\x89\\x9a\\xc2' + body + hashlib.md5(body).digest()
def put(data): client.put_record(StreamName=stream, PartitionKey='all', Data=data)
";

#[tokio::test(flavor = "multi_thread")]
async fn aggregated_records_are_taken_apart() {
    for server in both() {
        let stream = name("aggregated");
        let script = format!(
            "{AGGREGATE}create(1)\nput(b'plain')\nput(aggregated(['x', 'y', 'z']))\nput(aggregated(['x'])[:-1] + b'?')\nput(aggregated([]))\nput(b'last')"
        );
        python(&server, &stream, &script);
        let (texts, collected) = collect();
        let records = source(&server, &stream);
        let mut job = Engine::new().start(shown::Ports { records, texts }).expect("it starts");
        wait_for(|| collected.records().iter().any(|text| text.ends_with("last"))).await;
        job.stop().await.expect("it stops");
        let got = collected.records();
        let whole =
            ["all None None plain", "a Some(\"7\") Some(0) x", "b None Some(1) y", "a None Some(2) z"];
        assert_eq!(got[..4], whole);
        // One that is not whole is as it is.
        assert!(got[4].starts_with("all None None ") && got.len() == 6, "{got:?}");
    }
}

/// A job that crashes within an aggregated record goes on behind what it had of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_within_an_aggregated_record() {
    for server in both() {
        let (stream, place, copies) =
            (name("within"), tempfile::tempdir().expect("temp"), Lasting::default());
        let script = format!(
            "{AGGREGATE}create(1)\nfor n in range(3): put(aggregated([str(i) for i in range(n * 400, n * 400 + 400)]))"
        );
        python(&server, &stream, &script);
        let start = |rate| {
            let engine =
                Engine::new().max_rate(rate).checkpoint(Checkpoint::new(place.path()).exactly_once());
            let texts = source(&server, &stream).texts();
            engine.start(copy::Ports { texts, copies: copies.clone() }).expect("it starts")
        };
        for _ in 0..3 {
            let before = delivered(&copies).len();
            let job = start(400.0);
            wait_for(|| delivered(&copies).len() > before).await;
            job.abort().await;
        }
        let had = delivered(&copies).len();
        assert!(had < 1200 && !had.is_multiple_of(400), "{had} records before the last start");
        let mut job = start(1e6);
        wait_for(|| delivered(&copies).len() >= 1200).await;
        job.stop().await.expect("it stops");
        assert!(delivered(&copies) == numbers(1200), "{} records from {server}", delivered(&copies).len());
    }
}
