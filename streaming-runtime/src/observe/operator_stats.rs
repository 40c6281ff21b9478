//! What operators report about themselves: which one runs, its progress, and the size of its state.
//!
//! A worker has [`Cells`]: atomics that it alone writes and that anyone may read at any time. An operator takes a
//! [`OperatorStats`] when it is built, and says what it holds when it closes a batch: a few stores a batch, none a record. What
//! can be counted from outside, records and time, the operators know nothing of: see `engine::metrics::meter`.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    mem::size_of,
    ops::Range,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use crate::ids::{Epoch, OpId};

/// Entries that are kept, and the bytes that they take at least: what lies behind a pointer in them, such as the
/// letters of a `String`, is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

impl Held {
    pub(crate) fn new(records: usize, bytes: usize) -> Self {
        Held { records: records as u64, bytes: bytes as u64 }
    }
}

/// What gathers a batch, and knows how much it has.
pub(crate) trait Holds {
    fn held(&self) -> Held;
}

impl<T> Holds for Vec<T> {
    fn held(&self) -> Held {
        Held::new(self.len(), self.capacity() * size_of::<T>())
    }
}

impl Holds for i64 {
    fn held(&self) -> Held {
        Held::new(1, size_of::<i64>())
    }
}

/// What one worker knows of one operator of the pipeline. Written by the worker alone, so a load and a store are as
/// good as an addition.
pub(crate) struct OperatorCell {
    /// Whether the dataflow has an operator for it: a closure that was fused into its reader has none.
    pub(crate) is_made: AtomicBool,
    pub(crate) records_in: AtomicU64,
    pub(crate) records_out: AtomicU64,
    pub(crate) busy_nanos: AtomicU64,
    held: [AtomicU64; 2],
    /// What is in differential's arrangements.
    pub(crate) arranged: [AtomicU64; 2],
    /// The oldest batch that it has not finished; [`SILENT`] if it does not say.
    frontier: AtomicU64,
}

const SILENT: u64 = u64::MAX;

impl OperatorCell {
    fn new() -> Self {
        OperatorCell {
            is_made: AtomicBool::new(false),
            records_in: AtomicU64::new(0),
            records_out: AtomicU64::new(0),
            busy_nanos: AtomicU64::new(0),
            held: Default::default(),
            arranged: Default::default(),
            frontier: AtomicU64::new(SILENT),
        }
    }

    /// All that is kept.
    pub(crate) fn held(&self) -> Held {
        let both = |i: usize| self.held[i].load(Relaxed) + self.arranged[i].load(Relaxed);
        Held { records: both(0), bytes: both(1) }
    }

    /// The oldest batch that it has not finished, if it reports that.
    pub(crate) fn frontier(&self) -> Option<Epoch> {
        Some(self.frontier.load(Relaxed)).filter(|frontier| *frontier != SILENT)
    }
}

/// What one worker publishes of its operators.
pub(crate) struct Cells {
    /// The operators' ids.
    pub(crate) names: &'static [&'static str],
    pub(crate) operators: Box<[OperatorCell]>,
    /// Time in what is no operator of the pipeline's.
    pub(crate) engine_nanos: AtomicU64,
    /// The operator that runs, by its place and 1; 0 if none does.
    running: AtomicUsize,
    /// Since when, by `now`; 0 if that is not known.
    since: AtomicU64,
    now: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Cells {
    pub(crate) fn new(names: &'static [&'static str], now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Cells {
            names,
            operators: names.iter().map(|_| OperatorCell::new()).collect(),
            engine_nanos: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            now: Box::new(now),
        }
    }

    /// The operator that runs, by its place, and since when if that is known.
    pub(crate) fn running(&self) -> Option<(usize, Option<u64>)> {
        let operator = self.running.load(Relaxed).checked_sub(1)?;
        Some((operator, Some(self.since.load(Relaxed)).filter(|since| *since > 0)))
    }
}

/// A dataflow under construction on this thread.
struct Building {
    cells: Arc<Cells>,
    /// The number that the next thing made in the dataflow gets.
    next: Box<dyn Fn() -> usize>,
    /// How far the dataflow operators of each operator are.
    frontiers: HashMap<usize, Rc<RefCell<Vec<Epoch>>>>,
    made: Made,
}

/// Whose the dataflow operators are that could not be named, by their numbers, and how many bytes an update takes that
/// is arranged in them. The narrowest range comes first.
#[derive(Default)]
pub(crate) struct Made(Vec<(Range<usize>, Option<usize>, usize)>);

impl Made {
    /// The operator of the pipeline that has made the dataflow operator of this number.
    pub(crate) fn by(&self, number: usize) -> Option<usize> {
        self.0.iter().filter(|(numbers, ..)| numbers.contains(&number)).find_map(|(_, operator, _)| *operator)
    }
    /// Bytes of an update that it arranges.
    pub(crate) fn update_bytes(&self, number: usize) -> usize {
        let of = |(numbers, _, bytes): &&(Range<usize>, _, usize)| numbers.contains(&number) && *bytes > 0;
        self.0.iter().find(of).map_or(0, |(_, _, bytes)| *bytes)
    }
}

thread_local! {
    static BUILDING: RefCell<Option<Building>> = const { RefCell::new(None) };
}

/// Runs `build`, which makes a dataflow; its operators' gauges show in `cells`, if there are any. `next` is the number that the next
/// thing in the dataflow gets.
pub(crate) fn building<R>(
    cells: Option<Arc<Cells>>,
    next: impl Fn() -> usize + 'static,
    build: impl FnOnce() -> R,
) -> (R, Made) {
    /// Also when `build` panics: another job may be built on this thread.
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            BUILDING.set(None);
        }
    }
    let _reset = Reset;
    BUILDING.set(cells.map(|cells| Building {
        cells,
        next: Box::new(next),
        frontiers: HashMap::new(),
        made: Made::default(),
    }));
    let result = build();
    let made = BUILDING.with_borrow_mut(|building| building.take().map(|building| building.made));
    (result, made.unwrap_or_default())
}

/// Runs `build`: what it makes in the dataflow is `id`'s, whatever its name, and an update that is arranged in it takes
/// `bytes`, if any are.
pub(crate) fn made<R>(id: OpId, bytes: usize, build: impl FnOnce() -> R) -> R {
    let next = || BUILDING.with_borrow(|building| building.as_ref().map(|building| (building.next)()));
    let from = next();
    let result = build();
    if let Some((from, to)) = from.zip(next()) {
        BUILDING.with_borrow_mut(|building| {
            let building = building.as_mut().expect("it was there");
            let operator = place(&building.cells, id);
            building.made.0.push((from..to, operator, bytes));
        });
    }
    result
}

fn place(cells: &Cells, id: OpId) -> Option<usize> {
    cells.names.iter().position(|name| *name == id.0)
}

/// Where an operator reports its state and progress. Outside of a job, or unmetered, reports are dropped.
pub(crate) struct OperatorStats(Option<StatsPlace>);

struct StatsPlace {
    cells: Arc<Cells>,
    operator: usize,
    /// The reports of this dataflow operator; several of them may be one operator of the pipeline.
    held: Cell<Held>,
    frontiers: Rc<RefCell<Vec<Epoch>>>,
    me: usize,
}

impl OperatorStats {
    /// The gauge of an operator that is being built.
    pub(crate) fn of(id: OpId) -> Self {
        BUILDING.with_borrow_mut(|building| {
            let Some(building) = building else { return OperatorStats(None) };
            let cells = building.cells.clone();
            let Some(operator) = place(&cells, id) else { return OperatorStats(None) };
            let frontiers = building.frontiers.entry(operator).or_default().clone();
            let me = frontiers.borrow().len();
            frontiers.borrow_mut().push(SILENT);
            OperatorStats(Some(StatsPlace { cells, operator, held: Cell::default(), frontiers, me }))
        })
    }

    /// As [`of`](OperatorStats::of), of an operator that gathers batches and says which it has [`reached`](OperatorStats::reached).
    pub(crate) fn of_batches(id: OpId) -> Self {
        let gauge = Self::of(id);
        gauge.reached(0);
        gauge
    }

    /// Says that the operator runs, until what is returned is dropped.
    pub(crate) fn runs(&self) -> Runs<'_> {
        self.enter(|cells| (cells.now)())
    }

    /// As [`runs`](OperatorStats::runs), for what takes so little time that to look at the clock would take as much.
    pub(crate) fn runs_briefly(&self) -> Runs<'_> {
        self.enter(|_| 0)
    }

    fn enter(&self, now: impl FnOnce(&Cells) -> u64) -> Runs<'_> {
        let cells = self.0.as_ref().map(|place| {
            place.cells.since.store(now(&place.cells), Relaxed);
            place.cells.running.store(place.operator + 1, Relaxed);
            &*place.cells
        });
        Runs(cells)
    }

    /// Says what is kept.
    pub(crate) fn holds(&self, now: Held) {
        if let Some(StatsPlace { cells, operator, held, .. }) = &self.0 {
            let before = held.replace(now);
            let said = &cells.operators[*operator].held;
            for (said, before, now) in
                [(&said[0], before.records, now.records), (&said[1], before.bytes, now.bytes)]
            {
                said.store((said.load(Relaxed) + now).saturating_sub(before), Relaxed);
            }
        }
    }

    /// Says that all batches before this one are finished.
    pub(crate) fn reached(&self, epoch: Epoch) {
        if let Some(StatsPlace { cells, operator, frontiers, me, .. }) = &self.0 {
            let mut frontiers = frontiers.borrow_mut();
            if frontiers[*me] != epoch {
                frontiers[*me] = epoch;
                // Those that gather no batches stay silent, and are passed over.
                let least = frontiers.iter().copied().min().unwrap_or(SILENT);
                cells.operators[*operator].frontier.store(least, Relaxed);
            }
        }
    }
}

/// While this is there, the operator runs.
pub(crate) struct Runs<'a>(Option<&'a Cells>);

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        if let Some(cells) = self.0 {
            cells.running.store(0, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: &[&str] = &["p/a/map", "p/a/count"];

    #[test]
    fn stats_of_one_operator_add_up() {
        let cells = Arc::new(Cells::new(IDS, || 7));
        let ((one, other, stranger), _) = building(
            Some(cells.clone()),
            || 0,
            || {
                (
                    OperatorStats::of(OpId(IDS[1])),
                    OperatorStats::of(OpId(IDS[1])),
                    OperatorStats::of(OpId("words")),
                )
            },
        );
        let count = &cells.operators[1];
        assert_eq!((count.held(), count.frontier()), (Held::default(), None));
        one.holds(Held::new(10, 100));
        other.holds(Held::new(5, 50));
        one.holds(Held::new(3, 30));
        assert_eq!(count.held(), Held::new(8, 80));
        one.reached(4);
        assert_eq!(count.frontier(), Some(4));
        other.reached(3);
        assert_eq!(count.frontier(), Some(3), "the one that is behind counts");
        stranger.holds(Held::new(1, 1));
        assert_eq!(cells.operators[0].held(), Held::default());
    }

    #[test]
    fn the_operator_that_runs_is_known_while_it_runs() {
        let cells = Arc::new(Cells::new(IDS, || 7));
        let (gauge, _) = building(Some(cells.clone()), || 0, || OperatorStats::of(OpId(IDS[0])));
        {
            let _runs = gauge.runs();
            assert_eq!(cells.running(), Some((0, Some(7))));
        }
        assert_eq!(cells.running(), None);
        let _runs = gauge.runs_briefly();
        assert_eq!(cells.running(), Some((0, None)));
    }

    #[test]
    fn what_is_made_belongs_to_the_narrowest_range() {
        let (number, cells) = (Rc::new(Cell::new(0)), Arc::new(Cells::new(IDS, || 7)));
        let next = number.clone();
        let ((), all) = building(
            Some(cells),
            move || next.get(),
            || {
                made(OpId(IDS[0]), 0, || {
                    number.set(2);
                    made(OpId(IDS[1]), 24, || number.set(4));
                    number.set(5);
                });
            },
        );
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(|n| all.by(n)),
            [Some(0), Some(0), Some(1), Some(1), Some(0), None]
        );
        assert_eq!((all.update_bytes(1), all.update_bytes(3)), (0, 24));
        assert_eq!(made(OpId(IDS[0]), 0, || 3), 3, "outside of a job it does nothing");
    }
}
