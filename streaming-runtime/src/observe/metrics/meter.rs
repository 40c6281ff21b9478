//! How many records each operator took and made, and how long it was busy.
//!
//! Timely logs when an operator begins and ends, and each message with its number of records; differential logs how many
//! updates its arrangements gain and lose. A [`Meter`] adds that up on the worker, and publishes the sums when a batch
//! closes, before the worker sleeps, and every 20 ms in between.
//!
//! The alternative was to measure in `blame::named`, under which every operator's body runs. It would count the
//! operators that this crate has written and miss those of differential's; and a record is counted by whoever handles it,
//! while a log counts a message of a thousand at once. The log costs two looks at the clock each time an operator runs and
//! two a message, some 30 ns each: about a nanosecond a record where records come in chunks of a thousand, see
//! `benches -- observed`.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use differential_dataflow::logging::{DifferentialEvent, DifferentialEventBuilder};
use timely::{
    logging::{MessagesEvent, StartStop, TimelyEvent, TimelyEventBuilder},
    worker::Worker,
};

use crate::observe::{
    metrics::owners::{OperatorOwners, Owner, Plan},
    operator_stats::{Cells, Made},
};

/// Published at least this often while a worker does not come to rest.
const EVERY: Duration = Duration::from_millis(20);

/// Adds up one worker's log. Without a log it does nothing.
pub(crate) struct Meter(Option<Rc<RefCell<Tally>>>);

impl Meter {
    /// Listens to the worker's log from now on: before its dataflow is built.
    pub(crate) fn listen(worker: &Worker, cells: Option<&Arc<Cells>>) -> Self {
        let (Some(cells), Some(mut register)) = (cells, worker.log_register()) else { return Meter(None) };
        let tally = Rc::new(RefCell::new(Tally::new(cells.clone())));
        let (timely, differential) = (tally.clone(), tally.clone());
        register.insert::<TimelyEventBuilder, _>("timely", move |time, events| {
            timely.borrow_mut().timely(*time, events.as_mut());
        });
        register.insert::<DifferentialEventBuilder, _>("differential/arrange", move |_, events| {
            differential.borrow_mut().differential(events.as_mut());
        });
        Meter(Some(tally))
    }

    /// The dataflow is built.
    pub(crate) fn begin(&self, made: Made) {
        if let Some(tally) = &self.0 {
            tally.borrow_mut().begin(made);
        }
    }

    /// Shows what there is so far.
    pub(crate) fn publish(&self) {
        if let Some(tally) = &self.0 {
            tally.borrow_mut().publish();
        }
    }

    /// Shows what there is, and nothing later: how a dataflow is taken down is of no interest.
    pub(crate) fn end(&self) {
        if let Some(tally) = &self.0 {
            let mut tally = tally.borrow_mut();
            tally.publish();
            tally.is_over = true;
        }
    }
}

/// What was counted of one operator of the pipeline, or of the engine's own.
#[derive(Clone, Copy, Default)]
struct OperatorTally {
    records_in: u64,
    records_out: u64,
    busy: Duration,
    arranged: i64,
    arranged_bytes: i64,
}

/// An operator that runs, with what ran inside of it.
struct ScopeFrame {
    owner: Owner,
    began: Duration,
    inner: Duration,
}

struct Tally {
    cells: Arc<Cells>,
    plan: Plan,
    owners: OperatorOwners,
    /// By operator; the last is the engine.
    counts: Vec<OperatorTally>,
    running: Vec<ScopeFrame>,
    /// Whether something was counted since the last time that it was published, and when that was.
    is_fresh: bool,
    published: Duration,
    is_over: bool,
}

impl Tally {
    fn new(cells: Arc<Cells>) -> Self {
        Tally {
            counts: vec![OperatorTally::default(); cells.names.len() + 1],
            cells,
            plan: Plan::default(),
            owners: OperatorOwners::default(),
            running: Vec::new(),
            is_fresh: false,
            published: Duration::ZERO,
            is_over: false,
        }
    }

    fn begin(&mut self, made: Made) {
        self.owners = std::mem::take(&mut self.plan).owners(self.cells.names, made);
        for operator in self.owners.all() {
            self.cells.operators[operator].is_made.store(true, Relaxed);
        }
    }

    fn timely(&mut self, time: Duration, events: Option<&mut Vec<(Duration, TimelyEvent)>>) {
        let Some(events) = events else {
            // The end of a step.
            if self.is_fresh && time - self.published >= EVERY {
                self.published = time;
                self.publish();
            }
            return;
        };
        self.is_fresh = true;
        for (time, event) in events.drain(..) {
            match event {
                TimelyEvent::Operates(made) => self.plan.operator(made),
                TimelyEvent::Channels(made) => self.plan.channel(made),
                TimelyEvent::Schedule(event) => match event.start_stop {
                    StartStop::Start => {
                        let owner = self.owners.of(event.id);
                        self.running.push(ScopeFrame { owner, began: time, inner: Duration::ZERO });
                    }
                    StartStop::Stop => self.stopped(time),
                },
                TimelyEvent::Messages(message) => self.message(&message),
                _ => {}
            }
        }
    }

    fn stopped(&mut self, time: Duration) {
        let Some(ScopeFrame { owner, began, inner }) = self.running.pop() else { return };
        let whole = time.saturating_sub(began);
        self.count(owner).busy += whole.saturating_sub(inner);
        if let Some(around) = self.running.last_mut() {
            around.inner += whole;
        }
    }

    fn message(&mut self, message: &MessagesEvent) {
        let records = message.record_count.max(0) as u64;
        let way = self.owners.way(message.channel);
        match message.is_send {
            true if way.counts_out => self.count(way.from).records_out += records,
            false if way.counts_in => self.count(way.to).records_in += records,
            _ => {}
        }
    }

    fn differential(&mut self, events: Option<&mut Vec<(Duration, DifferentialEvent)>>) {
        let Some(events) = events else { return };
        self.is_fresh = true;
        for (_, event) in events.drain(..) {
            let (number, updates, bytes) = match event {
                DifferentialEvent::Batch(batch) => (batch.operator, batch.length as i64, None),
                DifferentialEvent::Merge(merge) => {
                    let Some(merged) = merge.complete else { continue };
                    let before = (merge.length1 + merge.length2) as i64;
                    (merge.operator, merged as i64 - before, None)
                }
                DifferentialEvent::Drop(dropped) => (dropped.operator, -(dropped.length as i64), None),
                DifferentialEvent::Batcher(waiting) => {
                    let bytes = waiting.capacity_diff as i64;
                    (waiting.operator, waiting.records_diff as i64, Some(bytes).filter(|bytes| *bytes != 0))
                }
                _ => continue,
            };
            let bytes = bytes.unwrap_or(updates * self.owners.update_bytes(number) as i64);
            let count = self.count(self.owners.of(number));
            count.arranged += updates;
            count.arranged_bytes += bytes;
        }
    }

    fn count(&mut self, owner: Owner) -> &mut OperatorTally {
        let engine = self.counts.len() - 1;
        &mut self.counts[owner.map_or(engine, |operator| operator as usize)]
    }

    fn publish(&mut self) {
        if self.is_over || !self.is_fresh {
            return;
        }
        self.is_fresh = false;
        let (engine, counts) = self.counts.split_last().expect("the engine's is always there");
        self.cells.engine_nanos.store(engine.busy.as_nanos() as u64, Relaxed);
        for (cell, count) in self.cells.operators.iter().zip(counts) {
            cell.records_in.store(count.records_in, Relaxed);
            cell.records_out.store(count.records_out, Relaxed);
            cell.busy_nanos.store(count.busy.as_nanos() as u64, Relaxed);
            cell.arranged[0].store(count.arranged.max(0) as u64, Relaxed);
            cell.arranged[1].store(count.arranged_bytes.max(0) as u64, Relaxed);
        }
    }
}
