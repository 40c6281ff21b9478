//! A source that begins anew, before state that does not.

use streaming_runtime::{
    Checkpoint, Job, Pipeline,
    aggregate::last,
    connect::{channel, durable, from_stream, queue},
    prelude::*,
};

use support::Lasting;

type Event = (u8, bool);

stream!(
    /// Requests of those who are not on a list that is read anew at each start.
    #[batch(secs(1))]
    fn blocking<
        list: Source<Event>,
        requests: Source<(u8, i64)>,
        clicks: Source<(u8, i64)>,
        allowed: Sink<(u8, i64)>,
        recent: Sink<(u8, i64)>,
        sums: Sink<(u8, i64)>,
    >() {
        let all = list.history().allow_unbounded("one entry an address");
        let blocked = all.aggregate_by_key(last()).filter(|(_, is_blocked)| *is_blocked);
        requests.antijoin(blocked.map(|(address, _)| address)).to(allowed);
        requests.union(clicks).window(secs(9), secs(1)).reduce_by_key(|a, b| a + b).to(recent);
        clicks
            .update_state(|_, sum, new: &[i64]| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()))
            .expire_after(hours(1))
            .to(sums);
    }
);

fn start(checkpoint: Option<Checkpoint>, pipeline: impl Pipeline) -> Job {
    let engine = match checkpoint {
        Some(checkpoint) => Engine::new().checkpoint(checkpoint),
        None => Engine::new(),
    };
    engine.start(pipeline).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn it_is_warned_of_by_name() {
    let state = tempfile::tempdir().expect("temp");
    let checkpoint = || Some(Checkpoint::new(state.path()));
    let ports = || {
        let (sink, list) = (Lasting::default, from_stream(futures::stream::iter(vec![(1, true)])));
        let (requests, clicks) = (channel(1).1, channel(1).1);
        blocking::Ports { list, requests, clicks, allowed: sink(), recent: sink(), sums: sink() }
    };
    for _ in 0..2 {
        let mut job = start(checkpoint(), ports());
        let warnings = job.warnings();
        // Of the requests only a window keeps something, from which it goes by itself.
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        for (warning, words) in warnings.iter().zip([
            ["source `list`", "`blocking/blocked/aggregate_by_key`", ".may_lose(\"list\")"],
            ["source `clicks`", "`blocking/sums/update_state`", ".may_lose(\"clicks\")"],
        ]) {
            for word in words.into_iter().chain(["durable(..)"]) {
                assert!(warning.contains(word), "`{word}` is not in: {warning}");
            }
        }
        assert_eq!(job.monitor().warnings(), warnings);
        job.stop().await.expect("stops");
    }
    let meant = checkpoint().map(|checkpoint| checkpoint.may_lose("list").may_lose("clicks"));
    let mut job = start(meant, ports());
    assert!(job.warnings().is_empty(), "{:?}", job.warnings());
    job.stop().await.expect("stops");
    // Without a checkpoint all begins anew.
    assert!(start(None, ports()).warnings().is_empty());
}

#[tokio::test]
async fn sources_that_send_again_are_no_matter() {
    let state = tempfile::tempdir().expect("temp");
    let sink = Lasting::default;
    let job = start(
        Some(Checkpoint::new(state.path())),
        blocking::Ports {
            list: queue(vec![]),
            requests: channel(1).1,
            clicks: durable(channel(1).1),
            allowed: sink(),
            recent: sink(),
            sums: sink(),
        },
    );
    assert!(job.warnings().is_empty(), "{:?}", job.warnings());
}
