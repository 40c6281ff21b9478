//! Types that serde would not read back as it writes them are refused before anything of them is written.

mod types;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use streaming_runtime::{
    Aggregate, JobError, ManualClock, Pipeline, StartError,
    aggregate::Associative,
    connect::{durable, queue},
    prelude::*,
};

use support::Lasting;
use types::*;

/// Starts a job that must be refused for its checkpoint, and returns why.
pub(crate) fn refused(state: &Path, pipeline: impl Pipeline) -> (&'static str, String) {
    let engine = Engine::new().manual_clock(&ManualClock::new()).checkpoint(state);
    match engine.start(pipeline) {
        Err(StartError::Checkpoint(error)) => (error.code(), error.to_string()),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it starts"),
    }
}

/// Says so if `said` lacks one of the words.
fn has(said: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(said.contains(word), "`{word}` is not in: {said}"));
}

/// A program for each type: it keeps the last value of each key. And one that only logs what comes.
macro_rules! keeping {
    ($($name:ident $type:ty;)*) => {$(
        // Not each is asked for both.
        #[allow(dead_code)]
        mod $name {
            use super::*;

            stream!(
                #[batch(secs(1))]
                pub fn last<values: Source<(u8, $type)>, out: Sink<(u8, $type)>>() {
                    let last = values.update_state(|_, old, new: &[$type]| new.last().cloned().or(old));
                    last.allow_unbounded("a test").to(out);
                }
            );
            stream!(
                #[batch(secs(1))]
                pub fn copy<values: Source<(u8, $type)>, out: Sink<(u8, $type)>>() {
                    values.to(out);
                }
            );

            pub fn last_of(values: &[$type], out: &Lasting) -> impl Pipeline {
                let values = values.iter().map(|value| vec![(1, value.clone())]).collect();
                last::Ports { values: queue(values), out: out.clone() }
            }

            /// What each of the two is refused for.
            pub fn refusals(values: &[$type]) -> [(&'static str, String); 2] {
                let state = tempfile::tempdir().expect("temp");
                let batches = values.iter().map(|value| vec![(1, value.clone())]).collect();
                let logged = copy::Ports { values: durable(queue::shared(1).1), out: Lasting::default() };
                let kept = last::Ports { values: queue(batches), out: Lasting::default() };
                [refused(state.path(), kept), refused(state.path(), logged)]
            }
        }
    )*};
}

keeping! {
    noted Noted;
    zeros Zeros;
    pair Pair;
    status Status;
    untagged Untagged;
    tagged Tagged;
    json serde_json::Value;
    flat Flat;
    unwritten Unwritten;
    unread Unread;
    timed Timed;
    deep Deep;
    odd Odd;
    adjacent Adjacent;
    sound Sound;
}

/// A type's name, how it is refused where it is kept and where it is logged, and words of the refusals.
type Case<'a> = (&'a str, [(&'static str, String); 2], &'a [&'a str]);

/// The types that are refused, with the words that the refusal has of each.
#[tokio::test]
async fn what_is_not_read_back_is_refused_at_the_start() {
    let cases: [Case<'_>; 13] = [
        (
            "noted",
            noted::refusals(&[Noted { total: 1, note: Some("x".to_owned()), last: 2 }]),
            &["Noted", "`note`", "skip_serializing_if"],
        ),
        (
            "zeros",
            zeros::refusals(&[Zeros { total: 1, last: 2 }]),
            &["Zeros", "`total`", "skip_serializing_if"],
        ),
        ("pair", pair::refusals(&[Pair(1, vec![1], 2)]), &["Pair", "skip_serializing_if"]),
        (
            "status",
            status::refusals(&[Status::Sent, Status::Paid, Status::Late]),
            &["`Status::Sent` is read back as `Status::Paid`", "(`skip`)"],
        ),
        (
            "untagged",
            untagged::refusals(&[Untagged::Number(1), Untagged::Text("x".to_owned())]),
            &["Untagged", "`untagged`"],
        ),
        (
            "tagged",
            tagged::refusals(&[Tagged::A { n: 1 }, Tagged::B { text: "x".to_owned() }]),
            &["Tagged", "`tag`"],
        ),
        (
            "adjacent",
            adjacent::refusals(&[Adjacent::Unit, Adjacent::One(1), Adjacent::Named { a: "x".to_owned() }]),
            &["Adjacent", "`tag`"],
        ),
        ("json", json::refusals(&[serde_json::json!({"a": 1})]), &["Value", "`serde_json::Value`"]),
        ("flat", flat::refusals(&[Flat { id: 1, rest: BTreeMap::new() }]), &["Flat", "`flatten`"]),
        (
            "unwritten",
            unwritten::refusals(&[Unwritten { total: 1, secret: 2 }]),
            &["`secret` of `Unwritten`", "skip_serializing"],
        ),
        (
            "unread",
            unread::refusals(&[Unread { total: 1, cached: 2 }]),
            &["`cached` of `Unread`", "skip_deserializing"],
        ),
        ("timed", timed::refusals(&[Timed { took: millis(7) }]), &["Timed", "`serialize_with`"]),
        (
            "deep",
            deep::refusals(&[
                Deep::Plain,
                Deep::Nested { parts: vec![Part::None, Part::Named { name: Some(Box::new(Part::None)) }] },
            ]),
            &["`name`", "skip_serializing_if"],
        ),
    ];
    for (case, [kept, logged], words) in cases {
        let of = ["operator `last/last/update_state`", "source `values`"];
        for ((code, said), of) in [kept, logged].into_iter().zip(of) {
            assert_eq!(code, "checkpoint.unreadable", "{case}: {said}");
            has(&said, words);
            has(&said, &[of, "plain derives"]);
        }
    }
}

/// Attributes and types that do no harm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sound {
    some_number: u128,
    #[serde(rename = "nan", default)]
    float: Option<f32>,
    #[serde(alias = "old")]
    keyed: HashMap<(u8, char), HashSet<String>>,
    other: Vec<Kind>,
    boxed: Option<Box<Sound>>,
    #[serde(with = "millis_both_ways")]
    took: Duration,
    wrapped: std::num::Wrapping<i8>,
    unit: (),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Unit,
    One(u8),
    Named { a: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Known,
    #[serde(other)]
    Unknown,
}

mod millis_both_ways {
    use super::*;

    pub(super) fn serialize<S: Serializer>(took: &Duration, to: S) -> Result<S::Ok, S::Error> {
        as_millis(took, to)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

async fn run(
    state: &Path,
    pipeline: impl Pipeline,
    clock: &ManualClock,
    batches: u64,
) -> Result<(), JobError> {
    let engine = Engine::new().manual_clock(clock).checkpoint(state);
    let mut job = engine.start(pipeline).unwrap_or_else(|error| panic!("{error}"));
    for _ in 0..batches {
        clock.advance(secs(1));
        if job.delivered(clock.now()).await.is_err() {
            return job.join().await;
        }
    }
    job.stop().await
}

#[tokio::test]
async fn what_serde_reads_back_is_kept() {
    let whole = Sound {
        some_number: u128::MAX,
        float: Some(-0.0),
        keyed: HashMap::from([
            ((1, 'a'), (0..9).map(|n: u8| n.to_string()).collect()),
            ((2, 'b'), HashSet::new()),
        ]),
        other: vec![Kind::Known, Kind::Unknown],
        boxed: Some(Box::default()),
        took: millis(1500),
        wrapped: std::num::Wrapping(-1),
        unit: (),
    };
    for value in [Sound::default(), whole] {
        let state = tempfile::tempdir().expect("temp");
        let (clock, out) = (ManualClock::new(), Lasting::default());
        let values = [value.clone()];
        for _ in 0..2 {
            run(state.path(), sound::last_of(&[values[0].clone(), value.clone()], &out), &clock, 1)
                .await
                .expect("runs");
        }
        assert_eq!(out.delivered().len(), 2);
        for said in out.delivered().into_values() {
            // Sets and maps are gone through in any order, so the text is compared by its letters.
            let letters = |text: &str| {
                let mut letters: Vec<char> = text.chars().collect();
                letters.sort_unstable();
                letters
            };
            assert_eq!(letters(&said[0]), letters(&format!("{:?}", (1, &value))));
        }
    }
}

/// No made-up value shows it, so it is found when such a value comes, and before it is written.
#[tokio::test]
async fn a_value_that_is_not_read_back_is_never_written() {
    let state = tempfile::tempdir().expect("temp");
    let (clock, out) = (ManualClock::new(), Lasting::default());
    let good = [Odd { n: 1, last: 2 }, Odd { n: 3, last: 4 }];
    let bad = [good.as_slice(), &[Odd { n: 4711, last: 5 }]].concat();
    let error =
        run(state.path(), odd::last_of(&bad, &out), &clock, 3).await.expect_err("the third is not read back");
    assert_eq!(error.code(), "checkpoint.unreadable");
    has(&error.to_string(), &["operator `last/last/update_state`", "`Odd`", "`n`", "skip_serializing_if"]);
    assert_eq!(out.delivered().len(), 2, "the batch is not delivered");
    // What was written before is read.
    let good = [good.as_slice(), &[Odd { n: 5, last: 6 }]].concat();
    run(state.path(), odd::last_of(&good, &out), &clock, 1).await.expect("goes on");
    assert_eq!(out.last(), ["(1, Odd { n: 5, last: 6 })"]);
}

/// What gathers values is kept as well.
struct Gather;

impl Aggregate<i64> for Gather {
    type Accumulator = Noted;
    type Result = i64;
    type Algebra = Associative;
    const NAME: &'static str = "gather";
    fn create(&self, total: i64) -> Noted {
        Noted { total, note: None, last: 0 }
    }
    fn merge(&self, older: Noted, newer: Noted) -> Noted {
        Noted { total: older.total + newer.total, ..newer }
    }
    fn result(&self, noted: Noted) -> i64 {
        noted.total
    }
}

stream!(
    #[batch(secs(1))]
    fn gathered<values: Source<(u8, i64)>, out: Sink<(u8, i64)>>() {
        values.window(secs(4), secs(1)).aggregate_by_key(Gather).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn keyed<values: Source<(Status2, i64)>, out: Sink<(Status2, i64)>>() {
        values.window(secs(4), secs(1)).reduce_by_key(|a, b| a + b).to(out);
    }
);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
enum Status2 {
    A(u8),
}

#[tokio::test]
async fn accumulators_and_keys_are_looked_at_too() {
    let state = tempfile::tempdir().expect("temp");
    let (code, said) =
        refused(state.path(), gathered::Ports { values: queue(vec![]), out: Lasting::default() });
    assert_eq!(code, "checkpoint.unreadable");
    has(&said, &["operator `gathered/out/aggregate_by_key`", "`note`"]);
    let values = queue(vec![vec![(Status2::A(1), 1)]]);
    let (code, said) = refused(state.path(), keyed::Ports { values, out: Lasting::default() });
    assert_eq!(code, "checkpoint.unreadable");
    has(&said, &["operator `keyed/out/reduce_by_key`", "`untagged`"]);
}
