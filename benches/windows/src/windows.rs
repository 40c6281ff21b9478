//! Sliding windows by key: 100k records a batch, 100k keys (Zipf), a slide each batch, windows of 10 to 1,000.
//!
//! Estimate, before the first run, u64 keys, one worker. A batch has some 25,000 different keys.
//! - The plain loop: 100k look-ups in the batch's map, 20 ns, 2 ms; 25,000 keys enter and 25,000 leave, 30 ns each,
//!   1.5 ms; the contents of up to 100k keys, 5 ns each, 0.5 ms: 4 ms a batch, and changes 1 ms more.
//! - The engine: the same look-ups for the batch; keys enter by a look-up and leave by their slots' numbers, so
//!   0.5 ms less than the plain loop; 0.3 ms for the way in and out. 0.8 to 1.0 of the plain loop's speed. Strings:
//!   the same, since a pane holds no keys. Two workers: the batch's maps halve, the exchange of 50,000 pairs is
//!   added: 1.2x.
//! - A window of 1,000 against one of 10: what enters and leaves is the same, but the contents grow from 60,000
//!   to 100,000 keys and the slots leave the cache: 1.2x.
//! - The twin that recomputes merges 25,000 keys a pane, 15 ns each, 0.4 ms: with the batch's own 2.5 ms it
//!   costs 6 ms at 10 panes, 14 at 30, 120 at 300: 1.5x, 3.5x, 30x of the engine's.
//! - The twin with an inverse is the plain loop with bigger panes: 0.9x of it.
//! - Differential sorts: 50,000 updates a batch by 100 ns and the count of what they touch, 15 ms for sums. A `reduce`
//!   reads all panes of a key that changed: at 30 panes 45,000 keys of up to 30 values, 60 ms.
//!
//! Two stacks turn over once in a window, nearly all keys in the same batch, so they are timed for a whole window
//! at least: the mean has its share of that batch, and `p999` shows the batch itself.

mod by_hand;
mod differential;
mod ours;
mod plain;

use std::collections::BTreeMap;

use ours::{MaxStacks, Pipelines, RangeStacks, SumBack, SumNamed, SumStacks, Workload};
use plain::Plain;
use timely::ExchangeData;

use contenders::{
    function::{self, Inverse},
    lockstep::{Contestant, Entrant, Timed, side_by_side},
    measure::{Params, Row, Runs},
    pairs::{BenchKey, Pairs},
    twin::{Inverted, Recompute, Windowed},
};

/// The engine's sum with an inverse, one worker.
pub fn driven_sums(window: u64) -> impl Contestant<Vec<(u64, i64)>> {
    ours::contents::<u64, SumBack>(window, 1)
}

type Batch<K> = Vec<(K, i64)>;

/// Which form of the window is delivered.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Contents,
    Changes,
}

/// A run of one workload in one form: the list of entrants that grows.
struct Field<'a, K> {
    scale: &'a Scale,
    form: Form,
    /// Batches to time of what puts work off, see the module.
    whole_window: bool,
    entrants: Vec<Entrant<Batch<K>>>,
}

/// How much to run.
struct Scale {
    runs: Runs,
    records: usize,
    windows: &'static [u64],
    timed: u64,
}

impl Scale {
    fn of(runs: Runs) -> Scale {
        match runs {
            Runs { quick: true, .. } => Scale { runs, records: 5_000, windows: &[3, 10], timed: 10 },
            Runs { brief: true, .. } => {
                Scale { runs, records: 100_000, windows: &[10, 30, 100, 300], timed: 20 }
            }
            _ => Scale { runs, records: 100_000, windows: &[10, 30, 100, 300, 1000], timed: 50 },
        }
    }
}

pub fn run(runs: Runs) -> Vec<Row> {
    let scale = Scale::of(runs);
    let pairs = Pairs::new(100_000, scale.records);
    let mut rows = keys::<u64>(&scale, &pairs);
    if !runs.brief {
        rows.extend(keys::<String>(&scale, &pairs));
    }
    rows
}

fn keys<K: BenchKey + ExchangeData>(scale: &Scale, pairs: &Pairs) -> Vec<Row>
where
    SumBack: Pipelines<K>,
    SumNamed: Pipelines<K>,
    SumStacks: Pipelines<K>,
    MaxStacks: Pipelines<K>,
    RangeStacks: Pipelines<K>,
{
    let mut rows = Vec::new();
    for form in [Form::Contents, Form::Changes] {
        rows.extend(both::<K, SumBack>(scale, form, pairs, false, |field| field.inverted::<function::Sum>()));
        rows.extend(both::<K, SumNamed>(scale, form, pairs, false, |field| {
            field.inverted::<function::Sum>();
            field.differential(u64::MAX, differential::sum::<K>);
        }));
        rows.extend(both::<K, SumStacks>(scale, form, pairs, true, |_| ()));
        rows.extend(both::<K, MaxStacks>(scale, form, pairs, true, |field| {
            field.differential(30, differential::reduce::<K, function::Max>);
        }));
        rows.extend(both::<K, RangeStacks>(scale, form, pairs, true, |field| {
            field.differential(30, differential::reduce::<K, function::Range>);
        }));
    }
    rows
}

/// The entrants that every workload has, and `more`.
fn both<K: BenchKey + ExchangeData, W: Pipelines<K>>(
    scale: &Scale,
    form: Form,
    pairs: &Pairs,
    whole_window: bool,
    more: impl FnOnce(&mut Field<'_, K>),
) -> Vec<Row> {
    let delivers = match form {
        Form::Contents => "contents",
        Form::Changes => "changes",
    };
    let label = format!("{} {} {delivers}", W::NAME, K::NAME);
    if !scale.runs.wants(&label) {
        return Vec::new();
    }
    let mut field = Field { scale, form, whole_window, entrants: Vec::new() };
    for &window in scale.windows {
        field.enter("plain loop", 1, window, field.timed(window), field.plain::<W>(window));
        let by_hand = by_hand::window::<K, W>(form, window);
        field.enter("timely by hand", 1, window, field.timed(window), by_hand);
        for workers in [1, 2] {
            let contestant = field.ours::<W>(window, workers);
            field.enter("stream", workers, window, field.timed(window), contestant);
        }
        if form == Form::Contents && window <= 300 {
            for threads in [1, 2] {
                let recompute = Windowed::<K, W::Function, Recompute<_, _>>::new(window, threads);
                field.enter("twin, recompute", threads, window, scale.timed.min(20), Box::new(recompute));
            }
        }
    }
    more(&mut field);
    let mut timed = side_by_side(field.entrants, |number| pairs.batch::<K>(number));
    timed.sort_by_key(|timed| timed.window);
    let params = BTreeMap::from([
        ("aggregate", W::NAME.into()),
        ("delivers", delivers.into()),
        ("key", K::NAME.into()),
        ("records_a_batch", scale.records.into()),
    ]);
    let mut rows: Vec<Row> =
        timed.iter().map(|timed| timed.row("windows", &params, scale.records as u64)).collect();
    rows.extend(ratios(&timed, &params));
    rows
}

impl<K: BenchKey> Field<'_, K> {
    fn enter(
        &mut self,
        engine: &'static str,
        workers: usize,
        window: u64,
        timed: u64,
        contestant: Box<dyn Contestant<Batch<K>>>,
    ) {
        self.entrants.push(Entrant { engine, workers, window, timed, contestant });
    }

    fn timed(&self, window: u64) -> u64 {
        if self.whole_window { window.max(self.scale.timed) } else { self.scale.timed }
    }

    fn plain<W: Workload>(&self, window: u64) -> Box<dyn Contestant<Batch<K>>> {
        match self.form {
            Form::Contents => Box::new(Plain::<K, W::Function, W::Upkeep, false>::new(window)),
            Form::Changes => Box::new(Plain::<K, W::Function, W::Upkeep, true>::new(window)),
        }
    }

    fn ours<W: Pipelines<K>>(&self, window: u64, workers: usize) -> Box<dyn Contestant<Batch<K>>> {
        match self.form {
            Form::Contents => Box::new(ours::contents::<K, W>(window, workers)),
            Form::Changes => Box::new(ours::changes::<K, W>(window, workers)),
        }
    }

    fn inverted<F: Inverse>(&mut self) {
        for &window in self.scale.windows.iter().filter(|window| **window <= 300) {
            if self.form == Form::Contents {
                for threads in [1, 2] {
                    let twin = Windowed::<K, F, Inverted<_, _>>::new(window, threads);
                    self.enter("twin, inverse", threads, window, self.scale.timed, Box::new(twin));
                }
            }
        }
    }

    /// Differential delivers changes. It is left out of windows that it would take minutes to fill.
    fn differential<C: Contestant<Batch<K>> + 'static>(&mut self, longest: u64, new: fn(u64) -> C) {
        let longest = if self.scale.runs.brief { longest.min(100) } else { longest };
        for &window in self.scale.windows.iter().filter(|window| **window <= longest) {
            if self.form == Form::Changes {
                self.enter("differential", 1, window, self.scale.timed.min(20), Box::new(new(window)));
            }
        }
    }
}

/// The ratios that the engine is held to.
fn ratios(timed: &[Timed], params: &Params) -> Vec<Row> {
    let mut rows = Vec::new();
    let find = |engine: &str, workers: usize, window: u64| {
        timed.iter().find(|t| t.engine == engine && t.workers == workers && t.window == window)
    };
    let mut ratio = |what: String, one: Option<&Timed>, other: Option<&Timed>, wanted: &'static str| {
        if let (Some(one), Some(other)) = (one, other) {
            let what = format!("{what} (medians {:.2})", one.median() / other.median());
            rows.push(Row::figure("windows", params, what, one.mean() / other.mean(), wanted));
        }
    };
    let longest = timed.iter().map(|timed| timed.window).max().unwrap_or(0);
    let shortest = timed.iter().map(|timed| timed.window).min().unwrap_or(0);
    for engine in ["plain loop", "stream"] {
        let what = format!("{engine}: time at window {longest} / {shortest}");
        let wanted = if engine == "stream" && longest == 1000 { "<= 1.5" } else { "" };
        ratio(what, find(engine, 1, longest), find(engine, 1, shortest), wanted);
    }
    for window in timed.iter().map(|timed| timed.window).collect::<std::collections::BTreeSet<_>>() {
        let stream = find("stream", 1, window);
        let other = |engine: &str| format!("time of {engine} / stream, window {window}");
        ratio(other("plain loop"), find("plain loop", 1, window), stream, ">= 0.6");
        let wanted = match window {
            10 => ">= 1",
            30 => ">= 2",
            300 => ">= 12",
            _ => "",
        };
        ratio(other("twin, recompute"), find("twin, recompute", 1, window), stream, wanted);
        ratio(other("twin, inverse"), find("twin, inverse", 1, window), stream, "");
        ratio(other("differential"), find("differential", 1, window), stream, "");
        ratio(other("timely by hand"), find("timely by hand", 1, window), stream, ">= 0.9");
        ratio(
            format!("time of 1 worker / 2 workers, window {window}"),
            stream,
            find("stream", 2, window),
            "",
        );
    }
    rows
}
