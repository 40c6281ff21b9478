//! Random runs of pipelines of many shapes against a naive model of their meaning: with early batches, restarts in any
//! place, one to three workers, contents and changes.
//!
//! Every shape is a `stream!` with a model beside it ([`shapes`]), of the words in [`model`]. A run does to a job what a
//! [`script`] says ([`drive`]): records come, the clock moves by parts of a batch, the job is stopped or crashes, and goes on
//! with another number of workers. Each source also goes to a sink as it is; what that got of each batch is what the
//! model is computed from, so it need not know when early batches closed. Then every sink is compared, batch by batch
//! ([`check`]).
//!
//! ```text
//! cargo test -p tests --test fuzz                                                    some runs of each shape, of a fixed seed
//! FUZZ_SECONDS=600 FUZZ_SEED=7 cargo test -p tests --test fuzz long -- --ignored --nocapture      for so long, from a seed
//! FUZZ_SHAPE=lookups .. long ..                                                      one shape
//! FUZZ_SCRIPT='{"shape":..}' cargo test -p tests --test fuzz again -- --ignored --nocapture       what a failure has printed
//! ```

mod check;
mod drive;
mod guarantees;
mod model;
mod ports;
mod records;
mod script;
mod shapes;

use std::time::{Duration, Instant};

use script::{Random, Script};
use shapes::{SHAPES, Shape};

/// Runs of each shape that belong to the suite.
const RUNS: u64 = 16;
/// Their seed.
const SEED: u64 = 20_261_130;
/// For how long a script that fails is made smaller.
const SHRINKS: Duration = Duration::from_secs(40);

/// Runs a script; what was wrong, if something was.
fn attempt(shape: &Shape, script: &Script) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let seen = runtime.block_on(drive::run(shape, script))?;
    check::check(shape, script, &seen)
}

/// What kind of failure it is: its words up to where numbers begin.
fn kind(wrong: &str) -> &str {
    wrong.split(|c: char| c.is_ascii_digit()).next().expect("a split has a part")
}

/// Makes a script that fails smaller for as long as it does so in the same way; returns what then was wrong.
fn shrink(shape: &Shape, mut script: Script, mut wrong: String) -> (Script, String) {
    let began = Instant::now();
    'smaller: while began.elapsed() < SHRINKS {
        for smaller in script.smaller() {
            if began.elapsed() > SHRINKS {
                break;
            }
            if let Err(now) = attempt(shape, &smaller)
                && kind(&now) == kind(&wrong)
            {
                (script, wrong) = (smaller, now);
                continue 'smaller;
            }
        }
        break;
    }
    (script, wrong)
}

/// One run of a shape.
fn run(shape: &Shape, seed: u64) {
    let script = Script::random(shape.name, shape.sources, seed);
    if let Err(wrong) = attempt(shape, &script) {
        let (script, smallest) = shrink(shape, script, wrong.clone());
        let script = serde_json::to_string(&script).expect("it is plain data");
        panic!(
            "shape `{}`, seed {seed}: {wrong}\nmade smaller: {smallest}\n\
             FUZZ_SCRIPT='{script}' cargo test -p tests --test fuzz again -- --ignored --nocapture",
            shape.name
        );
    }
}

/// Some runs of a shape, always the same.
fn of_suite(name: &str) {
    let shape = SHAPES.iter().find(|shape| shape.name == name).expect("it is one of the shapes");
    let place = SHAPES.iter().position(|shape| shape.name == name).expect("it is one of them");
    let mut random = Random::new(SEED + place as u64);
    (0..RUNS).for_each(|_| run(shape, random.next()));
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// All shapes in turn, for as long as `FUZZ_SECONDS` says. A shape that has failed is left out from then on.
#[test]
#[ignore = "takes as long as it is told: FUZZ_SECONDS=600 FUZZ_SEED=.."]
fn long() {
    let seconds = setting("FUZZ_SECONDS").unwrap_or(60);
    let seed = setting("FUZZ_SEED").unwrap_or(SEED);
    let only: Option<String> = setting("FUZZ_SHAPE");
    let mut shapes: Vec<(&Shape, u64)> = SHAPES.iter().map(|shape| (shape, 0)).collect();
    shapes.retain(|(shape, _)| only.as_ref().is_none_or(|only| only == shape.name));
    let mut failed = Vec::new();
    let (began, mut random) = (Instant::now(), Random::new(seed));
    while began.elapsed() < Duration::from_secs(seconds) && !shapes.is_empty() {
        shapes.retain_mut(|(shape, runs)| {
            let seed = random.next();
            let result = std::panic::catch_unwind(|| run(shape, seed));
            match result {
                Ok(()) => *runs += 1,
                Err(_) => failed.push((shape.name, *runs)),
            }
            result.is_ok()
        });
    }
    let passed: u64 = shapes.iter().map(|(_, runs)| runs).sum();
    println!("seed {seed}: {passed} runs in {:.0} s", began.elapsed().as_secs_f64());
    shapes.iter().for_each(|(shape, runs)| println!("  {}: {runs} runs", shape.name));
    failed.iter().for_each(|(name, runs)| println!("  {name}: failed after {runs} runs"));
    assert!(failed.is_empty(), "these have failed: {failed:?}");
}

/// The script in `FUZZ_SCRIPT`.
#[test]
#[ignore = "runs what a failure has printed: FUZZ_SCRIPT='..'"]
fn again() {
    let script = std::env::var("FUZZ_SCRIPT").expect("FUZZ_SCRIPT has a script");
    let script: Script = serde_json::from_str(&script).expect("it is as it was printed");
    let shape = SHAPES.iter().find(|shape| shape.name == script.shape).expect("it is one of the shapes");
    if let Err(wrong) = attempt(shape, &script) {
        panic!("shape `{}`: {wrong}\n{script:#?}", shape.name);
    }
}

/// A test for each shape, so that they run beside each other and are told apart.
macro_rules! of_suite {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            of_suite(stringify!($name));
        })*

        #[test]
        fn every_shape_has_a_test() {
            let tests = [$(stringify!($name)),*];
            assert!(SHAPES.iter().map(|shape| shape.name).eq(tests), "{tests:?}");
        }
    };
}

of_suite!(
    chain,
    by_key,
    inverse,
    order,
    counts,
    update_state,
    map_with_state,
    window_joins,
    lookups,
    kept_joins,
    unions,
    history,
    nested,
    components,
    shared,
    behind_joins,
);
