use super::*;
use crate::{
    contract::testing,
    time::{BatchTime, secs},
};

fn at(batch: usize) -> BatchTime {
    BatchTime::from_millis(1000 * (batch as u64 + 1))
}

#[tokio::test]
async fn one_given_batch_a_batch_then_the_end() {
    let mut running = testing::run(queue(vec![vec![1, 2], vec![], vec![3]]));
    for (k, want) in [vec![1, 2], vec![], vec![3]].into_iter().enumerate() {
        assert_eq!(running.batch(at(k)).await, Some(want));
    }
    let (rest, ended) = running.finish().await;
    assert!(rest.is_empty());
    ended.expect("a clean end");
    testing::run(queue(Vec::<Vec<u8>>::new())).finish().await.1.expect("nothing to give");
}

#[tokio::test]
async fn a_job_that_ends_earlier_is_no_error() {
    let mut running = testing::run(queue(vec![vec![1], vec![2]]));
    assert_eq!(running.batch(at(0)).await, Some(vec![1]));
    running.end_pace();
    let (rest, ended) = running.finish().await;
    assert!(rest.is_empty());
    ended.expect("a clean end");
}

/// A conformance case of kind `queue_stream`: `steps[k]` is pushed just before batch `k`.
async fn case<T: Clone + Send + PartialEq + fmt::Debug + 'static>(
    id: &str,
    one_at_a_time: bool,
    default: Option<Vec<T>>,
    steps: Vec<Vec<Vec<T>>>,
    expected: Vec<Vec<T>>,
) {
    let (pusher, mut source) = shared(16);
    if !one_at_a_time {
        source = source.all_at_once();
    }
    if let Some(default) = default {
        source = source.default_batch(default);
    }
    let mut running = testing::start(source, secs(1), BatchTime::from_millis(0));
    for (k, want) in expected.into_iter().enumerate() {
        for dataset in steps.get(k).into_iter().flatten() {
            pusher.try_push(dataset.clone()).expect("room");
        }
        assert_eq!(running.batch(at(k)).await, Some(want), "{id}, batch {k}");
    }
}

#[tokio::test]
async fn conformance_queue_stream() {
    case(
        "d-queue-default",
        true,
        Some(vec![9, 9]),
        vec![vec![vec![1], vec![2]], vec![], vec![], vec![vec![3]], vec![]],
        vec![vec![1], vec![2], vec![9, 9], vec![3], vec![9, 9]],
    )
    .await;
    case(
        "d-queue-all-default",
        false,
        Some(vec![7]),
        vec![vec![vec![1], vec![2, 3]], vec![], vec![vec![4], vec![5], vec![6]]],
        vec![vec![1, 2, 3], vec![7], vec![4, 5, 6]],
    )
    .await;
    case(
        "d-queue-empty-datasets",
        true,
        None,
        vec![vec![vec![], vec![1]], vec![], vec![]],
        vec![vec![], vec![1], vec![]],
    )
    .await;
    case(
        "queue-one-at-a-time",
        true,
        None,
        vec![vec![vec!["1"], vec!["2"]], vec![vec!["3"], vec!["4"]], vec![vec!["5"]], vec![], vec![]],
        vec![vec!["1"], vec!["2"], vec!["3"], vec!["4"], vec!["5"]],
    )
    .await;
    case(
        "queue-all-at-once",
        false,
        None,
        vec![vec![vec!["1"], vec!["2"], vec!["3"]], vec![vec!["4"], vec!["5"]]],
        vec![vec!["1", "2", "3"], vec!["4", "5"]],
    )
    .await;
    case(
        "java-queueStream",
        true,
        None,
        vec![vec![vec![1, 2, 3], vec![4, 5, 6], vec![7, 8, 9]], vec![], vec![]],
        vec![vec![1, 2, 3], vec![4, 5, 6], vec![7, 8, 9]],
    )
    .await;
    case(
        "py-queueStream",
        true,
        None,
        vec![vec![vec![0], vec![0, 1], vec![0, 1, 2]], vec![], vec![]],
        vec![vec![0], vec![0, 1], vec![0, 1, 2]],
    )
    .await;
}

#[tokio::test]
async fn what_was_pushed_is_delivered_after_the_pushers_went() {
    let (pusher, source) = shared(2);
    let mut running = testing::run(source.default_batch(vec![0]));
    pusher.try_push(vec![1]).expect("room");
    pusher.clone().try_push(vec![2]).expect("room");
    assert_eq!(pusher.try_push(vec![3]), Err(Unsent::Full(vec![3])));
    drop(pusher);
    assert_eq!(running.batch(at(0)).await, Some(vec![1]));
    assert_eq!(running.batch(at(1)).await, Some(vec![2]));
    let (rest, ended) = running.finish().await;
    assert!(rest.is_empty(), "no default after the end");
    ended.expect("a clean end");
}
