//! `cargo run --release -p benches-nexmark`: Nexmark, the auction benchmark: persons, auctions and bids, 1 : 3 : 46, and
//! queries q0 to q22 on them (not q10, which writes files).
//!
//! Events are those of the crate `nexmark`, one stream of all kinds in which each query finds its own. The engine has no
//! event time yet, so ONE BATCH IS ONE SECOND OF EVENT TIME: at a rate of `R` events a second, batch `n`, from 0, has the
//! `R` events of second `n`, exactly (see [`events`]). Windows of ten seconds, tumbling or every two seconds, are windows of
//! batches then, and end at multiples of their slide; those that end within a run are delivered, the first ones with
//! what there is. Where SQL keeps a result for ever, so does the pipeline, and delivers its changes.
//!
//! The checksum of a run is the sum over all outputs of the hash of the record times how often it comes (+) or goes (-):
//! that of the accumulated multiset, so engines may deliver in other steps. The plain loops are the reference: each run
//! compares after each batch of a small run first, and at the end of each that is timed.
//!
//! Estimate, before the first run, one worker. An event is 170 bytes with three strings or more: to move it in costs 20 ns,
//! to free what a query does not keep 50 ns, in a plain loop as well; so 10 M events/s is the most that a loop does here.
//! - q0-q2, q13, q14, q21, q22: the engine adds the queue and the way to the sink, 10-20 ns: 0.8-0.9 of the loop; two
//!   workers 1.3x of one.
//! - q3, q8: all but 8 % of the events are thrown away: 0.9.
//! - q5, q7, q11, q12: a look-up an event in the batch's map, 20 ns, and the windows, which have few keys: 0.8.
//! - q4, q6: a bid goes through the join, which gathers the batch by key: 100-150 ns for the loop's 40: 0.5. q9 carries
//!   whole bids through it: 0.4.
//! - q15: three maps with a key each for the loop's four sets: 0.8. q16 has strings in each of three keys: 0.4.
//! - q17: 0.7. q18, q19 copy the bids that they take back, as the loop does: 0.7. q20 keeps every bid, because nothing says
//!   that ids are unique, where the loop drops four of five: 0.3.

mod checksum;
mod events;
mod joined;
mod kept;
mod query;
mod reference;
mod stateless;
mod windowed;

use std::{collections::BTreeMap, error::Error, fs::File, io::Write, path::PathBuf};

use clap::Parser;
use contenders::measure::{self, Contender, Output, Row, Runs, in_turn};
use query::{Batches, Query, Run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Queries q0 to q22 of Nexmark on auctions and bids, beside plain loops")]
struct Arguments {
    /// Also write one JSON object a row to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The small size and few repeats.
    #[arg(long)]
    quick: bool,
    /// The small size, which is that of the peers.
    #[arg(long)]
    brief: bool,
    /// Runs of each engine; the median is reported.
    #[arg(long)]
    repeat: Option<usize>,
    /// Only these queries: `q5`, or `q1,q12`.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let rows = run(Runs {
        quick: arguments.quick,
        brief: arguments.brief,
        repeat: arguments.repeat.unwrap_or(if arguments.quick { 3 } else { 7 }),
        only: arguments.only.map(|only| &*only.leak()),
    });
    measure::print(&rows);
    if let Some(path) = arguments.json {
        let mut file = File::create(path)?;
        for row in &rows {
            writeln!(file, "{}", serde_json::to_string(row)?)?;
        }
    }
    Ok(())
}

/// All, by number.
fn queries() -> Vec<Query> {
    let parts = [stateless::queries(), joined::queries(), windowed::queries(), kept::queries()];
    let mut all: Vec<Query> = parts.into_iter().flatten().collect();
    all.sort_by_key(|query| query.name[1..].parse::<u32>().expect("q and a number"));
    all
}

fn run(runs: Runs) -> Vec<Row> {
    let sizes: &[(usize, usize)] = match runs {
        Runs { quick: true, .. } | Runs { brief: true, .. } => &[(10_000, 20)],
        _ => &[(10_000, 20), (100_000, 20)],
    };
    // Part of a name would be that of many: `--only q1,q12`.
    let is_wanted =
        |query: &Query| runs.only.is_none_or(|only| only.split(',').any(|name| name == query.name));
    let mut rows = Vec::new();
    for &(rate, seconds) in sizes {
        let events = events::batches(rate, seconds);
        for query in queries().into_iter().filter(is_wanted) {
            check(&query);
            let contenders = [
                contender("plain", 1, &events, &query.plain),
                contender("stream", 1, &events, &query.stream),
                contender("stream", 2, &events, &query.stream),
            ];
            let params = BTreeMap::from([
                ("query", query.name.into()),
                ("events_a_batch", rate.into()),
                ("batches", seconds.into()),
            ]);
            rows.extend(in_turn("nexmark", params, (rate * seconds) as u64, runs, &contenders));
        }
    }
    rows
}

/// Compares a query with its plain loop after each batch of a small run.
fn check(query: &Query) {
    let events = events::batches(1_000, 40);
    let wanted = (query.plain)(events.clone(), 1)(40);
    assert_ne!(wanted[39], 0, "{} delivers something", query.name);
    for workers in [1, 2] {
        let seen = (query.stream)(events.clone(), workers)(40);
        assert_eq!(seen, wanted, "{} after each batch, workers: {workers}", query.name);
    }
}

fn contender<'a>(engine: &'static str, workers: usize, events: &'a Batches, run: &'a Run) -> Contender<'a> {
    let set_up = move || -> Box<dyn FnOnce() -> Output> {
        let (events, batches, run) = (events.clone(), events.len(), run.clone());
        Box::new(move || {
            let sums = run(events, workers);
            // After the last batch.
            Box::new(move || sums(batches).pop().unwrap_or_default())
        })
    };
    Contender { engine, workers, set_up: Box::new(set_up) }
}

#[cfg(test)]
mod tests {
    use super::events;

    #[test]
    fn a_batch_is_a_second() {
        for (n, events) in (0..).zip(events::batches(1_000, 3)) {
            let second = events::BASE + n * 1000..events::BASE + (n + 1) * 1000;
            assert!(events.is_sorted_by_key(|event| event.timestamp()));
            assert!(events.iter().all(|event| second.contains(&event.timestamp())));
        }
    }
}
