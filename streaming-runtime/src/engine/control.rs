//! Which batch is open, which batches are in flight, and who must be told.
//!
//! A batch is closed by the supervisor at its boundary, or, where early closing is on, by the worker that
//! finds all queues drained; both go through [`Control::close`], under one lock, so that batches are numbered
//! without gaps and their times only grow.
//!
//! Invariant: at most `limit` batches are closed and not delivered. At the limit no worker takes in records, so the queues fill and
//! sources wait. Only late empty batches, as after an absence, may be more: many of them then share one sync of the disk.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};

use crate::{
    engine::{Backpressure, clock::Clock, cluster::Peers, job_log::JobLog},
    ids::Epoch,
    intake::{
        handover::Handover,
        progress::SourceProgress,
        source_context::{IntakeCounters, PendingAcks, Signal},
    },
    observe::{
        listener::{BatchInfo, Listeners},
        metrics::{Board, LATE_BATCHES},
    },
    stream::timeline::{Follows, Jump, Timeline, at_the_end},
    time::BatchTime,
};

/// What a worker is told.
pub(crate) enum WorkerOrder {
    /// Take in what waits, then close the batch under this number and time.
    Close(Epoch, BatchTime, Follows),
    /// All is delivered: leave.
    Leave,
}

/// How many records the empty batches that are in flight and late may have for the sinks together: as many as the last one
/// each.
const LATE_RECORDS: u64 = 1 << 16;

/// How many batches a stop closes at most that are due by a test's clock.
const OWED: u128 = 10_000;

pub(crate) struct Control {
    state: Mutex<BatchesState>,
    pub(crate) clock: Clock,
    pub(crate) interval: Duration,
    limit: usize,
    /// Whether workers close a batch as soon as everything that was sent is in it, but not sooner than this after
    /// the batch before.
    early: Option<Duration>,
    /// Whether batches are left out whose boundaries were missed.
    skips_missed: bool,
    /// The source ports, and the number of sinks that take each batch.
    sources: Vec<&'static str>,
    sinks: usize,
    workers: Vec<(mpsc::Sender<WorkerOrder>, Arc<Signal>)>,
    pub(crate) books: Arc<IntakeCounters>,
    /// Where batches cut the records of the sources, by source.
    cuts: Vec<Arc<SourceProgress>>,
    /// Where batches are written down, once that is begun.
    log: OnceLock<JobLog>,
    /// Whether batches run again, whose ends are known.
    again: AtomicBool,
    backpressure: Option<Mutex<Backpressure>>,
    /// Workers that took in records for the open batch.
    dirty: AtomicUsize,
    holding: AtomicBool,
    aborted: AtomicBool,
    /// Woken when a batch was delivered.
    pub(crate) room: Notify,
    delivered: watch::Sender<Option<BatchTime>>,
    pub(crate) board: Arc<Board>,
    pub(crate) listeners: Arc<Listeners>,
    /// The other processes of the job.
    peers: Option<Peers>,
}

struct BatchesState {
    next: Epoch,
    last: BatchTime,
    boundary: BatchTime,
    in_flight: VecDeque<InFlight>,
    /// The last batch that runs again.
    again_upto: BatchTime,
    /// Whether a batch was closed in this run.
    has_closed: bool,
    /// Whether `last` is the time of a batch, of this run or the one before.
    has_begun: bool,
    /// The last batch that had records, as far as is known: of those before this run the last of all.
    fed: BatchTime,
    /// If the last batch is one at the end: the last batch before that.
    ends_from: Option<BatchTime>,
    /// The open batch that the leader was told to be ripe.
    ripe: Option<Epoch>,
    /// The boundary for which paced sources were asked last.
    paced: BatchTime,
    /// Records that the last batch to be delivered had for the sinks.
    written: u64,
}

struct InFlight {
    epoch: Epoch,
    /// Sinks that have yet to take it.
    sinks: usize,
    /// Workers that have yet to take in their records of it.
    workers: usize,
    /// Other processes from which it is to be heard that their sinks have taken it.
    peers: usize,
    closed: Instant,
    info: BatchInfo,
    /// What is due when it is delivered.
    dues: PendingAcks,
    /// Records that sinks have taken.
    written: u64,
}

/// What a [`Control`] is made of.
pub(crate) struct ControlSettings {
    pub(crate) interval: Duration,
    pub(crate) limit: usize,
    pub(crate) early: Option<Duration>,
    pub(crate) skips_missed: bool,
    pub(crate) sources: Vec<&'static str>,
    pub(crate) cuts: Vec<Arc<SourceProgress>>,
    pub(crate) sinks: usize,
    pub(crate) backpressure: Option<Backpressure>,
    pub(crate) board: Arc<Board>,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) peers: Option<Peers>,
}

impl Control {
    pub(crate) fn new(
        settings: ControlSettings,
        workers: Vec<(mpsc::Sender<WorkerOrder>, Arc<Signal>)>,
        books: Arc<IntakeCounters>,
    ) -> Self {
        let ControlSettings {
            interval,
            limit,
            early,
            skips_missed,
            sources,
            cuts,
            sinks,
            backpressure,
            board,
            listeners,
            peers,
        } = settings;
        let clock = board.clock.clone();
        let now = clock.now();
        let state = BatchesState {
            next: 0,
            last: now,
            boundary: now.next_multiple_of(interval),
            in_flight: VecDeque::new(),
            again_upto: BatchTime::default(),
            has_closed: false,
            has_begun: false,
            fed: now,
            ends_from: None,
            ripe: None,
            paced: BatchTime::default(),
            written: 0,
        };
        board.set_boundary(state.boundary);
        Control {
            state: Mutex::new(state),
            clock,
            interval,
            limit,
            early,
            skips_missed,
            sources,
            sinks,
            workers,
            books,
            cuts,
            log: OnceLock::new(),
            again: AtomicBool::new(false),
            backpressure: backpressure.map(Mutex::new),
            dirty: AtomicUsize::new(0),
            holding: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
            room: Notify::new(),
            delivered: watch::Sender::new(None),
            board,
            listeners,
            peers,
        }
    }

    fn state(&self) -> MutexGuard<'_, BatchesState> {
        self.state.lock().expect("nothing panics under this lock")
    }

    /// The other processes of the job.
    pub(crate) fn peers(&self) -> Option<&Peers> {
        self.peers.as_ref()
    }

    /// Sets the time at which the job starts, which for several processes is when all are there.
    pub(crate) fn begin(&self, now: BatchTime) {
        let mut state = self.state();
        state.last = now;
        state.boundary = now.next_multiple_of(self.interval);
    }

    /// Goes on behind the batch of time `restored`, which is number 0 here, with batches that run again from the one of
    /// the first time in `again` to the one of the second; writes down what comes.
    pub(crate) fn go_on(
        &self,
        restored: Option<(BatchTime, Timeline)>,
        again: Option<(BatchTime, BatchTime)>,
        log: JobLog,
    ) {
        let just_before = |time: BatchTime| BatchTime::from_nanos(time.as_nanos().saturating_sub(1));
        let (restored, timeline) = restored.unzip();
        if let Some(last) = restored.or(again.map(|(first, _)| just_before(first))) {
            let mut state = self.state();
            state.next = if restored.is_some() { 1 } else { 0 };
            state.last = last;
            state.has_begun = restored.is_some();
            state.fed = last;
            state.ends_from = timeline.and_then(|timeline| timeline.ends_from(last));
            if state.ends_from.is_some() {
                // The end did not wait for the clock.
                self.clock.go_on_from(last);
            }
            state.boundary = last.next_multiple_of(self.interval);
            self.board.set_boundary(state.boundary);
        }
        if let Some(last) = again.map(|(_, last)| last).or(restored) {
            // Or no batch would close until a clock that was set back had caught up.
            self.clock.not_before(last);
        }
        // The sinks have what is not given to them again.
        self.delivered.send_replace(restored);
        self.state().again_upto = again.map_or(BatchTime::default(), |(_, last)| last);
        self.again.store(again.is_some(), Ordering::Release);
        assert!(self.log.set(log).is_ok(), "a job has one log");
    }

    /// The sources that have not sent all records of a batch that runs again, and how many each lacks.
    pub(crate) fn lacking(&self) -> Vec<(usize, u64)> {
        let lacks = |cut: &Arc<SourceProgress>| cut.lacks().filter(|lacks| *lacks > 0);
        let lacking = self.cuts.iter().enumerate().filter_map(|(index, cut)| Some((index, lacks(cut)?)));
        lacking.collect()
    }

    /// A source that has sent more to a batch that runs again than it had, and how many.
    pub(crate) fn surplus(&self) -> Option<(usize, u64)> {
        let surplus = self.cuts.iter().map(|cut| cut.surplus()).enumerate();
        surplus.into_iter().find(|(_, surplus)| *surplus > 0)
    }

    /// Whether a source is asked for its batches.
    pub(crate) fn is_paced(&self, source: usize) -> bool {
        self.cuts[source].is_paced()
    }

    /// Whether a paced source is to be asked for the open batch: for one that runs again only if it was before.
    pub(crate) fn is_due(&self, source: usize) -> bool {
        self.cuts[source].is_due()
    }

    /// Waits until a source has sent all records of a batch that runs again.
    pub(crate) async fn filled(&self, source: usize) {
        self.cuts[source].filled().await;
    }

    /// How many records the open batch had of a source, if it runs again.
    pub(crate) fn had(&self, source: usize) -> u64 {
        self.cuts[source].had()
    }

    /// Whether all sources had ended when the job ended before, so that it has most likely nothing to go on with.
    pub(crate) fn had_ended(&self) -> bool {
        !self.cuts.is_empty() && self.cuts.iter().all(|cut| cut.had_ended() && !cut.is_paced())
    }

    /// Whether batches are due by a test's clock that are not closed, and not more than somebody who stops the job would
    /// wait for.
    pub(crate) fn owes_batches(&self) -> bool {
        let (now, boundary) = (self.clock.now(), self.boundary());
        let late = u128::from(now.as_nanos().saturating_sub(boundary.as_nanos()));
        self.clock.is_manual() && now >= boundary && late / self.interval.as_nanos() < OWED
    }

    /// Has the sources hand on what the program gave them, and waits until they have.
    pub(crate) async fn hand_on(&self) {
        for handover in self.cuts.iter().filter_map(|cut| cut.handover()) {
            handover.ask().await;
        }
    }

    /// Whether a source, one that takes records from the program, is gone.
    pub(crate) fn is_over(&self, source: usize) -> bool {
        self.cuts[source].handover().is_some_and(Handover::is_over)
    }

    /// The name of a source.
    pub(crate) fn source(&self, index: usize) -> &'static str {
        self.sources[index]
    }

    pub(crate) fn log(&self) -> Option<&JobLog> {
        self.log.get()
    }

    /// The number of the open batch.
    pub(crate) fn open(&self) -> Epoch {
        self.state().next
    }

    /// The time at which the next regular batch closes.
    pub(crate) fn boundary(&self) -> BatchTime {
        self.state().boundary
    }

    /// When the open batch closes, now that its boundary is reached.
    pub(crate) fn due(&self) -> (BatchTime, Follows) {
        let state = self.state();
        let boundary = state.boundary;
        let last = self.clock.now().at_or_last_multiple_of(self.interval);
        let slides = self.books.slides.get().filter(|_| self.skips_missed && last > boundary);
        let Some(slides) = slides else { return (boundary, Follows::Closely) };
        // No window loses what it has: the next slide behind the last records is not left out.
        let next = slides.iter().filter_map(|slide| at_the_end(state.fed, *slide));
        let time = next.filter(|next| *next > state.last).chain([last]).min().unwrap_or(boundary);
        match time == boundary {
            true => (boundary, Follows::Closely),
            false => (time, Follows::AfterMissed(Jump::new(state.last, time, slides))),
        }
    }

    /// Whether another batch may be closed.
    pub(crate) fn has_room(&self) -> bool {
        self.has_room_in(&self.state())
    }

    fn has_room_in(&self, state: &BatchesState) -> bool {
        let in_flight = state.in_flight.len();
        in_flight < self.limit || in_flight < self.late(state)
    }

    /// How many batches may be in flight where the next is late and empty: many share a sync.
    fn late(&self, state: &BatchesState) -> usize {
        if self.log.get().is_none() || self.is_dirty() || self.clock.now() < state.boundary + self.interval {
            return 0;
        }
        LATE_BATCHES.min((LATE_RECORDS / state.written.max(1)) as usize)
    }

    /// Whether a source may be asked for all of a batch: one that waits for memory is waiting for a delivery.
    pub(crate) fn has_memory(&self) -> bool {
        self.is_idle() || !self.board.gates.account.is_full()
    }

    /// Whether any batch was closed here since the job was started.
    pub(crate) fn has_closed(&self) -> bool {
        self.state().has_closed
    }

    /// Whether everything that was closed is delivered.
    pub(crate) fn is_idle(&self) -> bool {
        self.state().in_flight.is_empty()
    }

    /// Whether workers must leave records in the queues.
    pub(crate) fn is_holding(&self) -> bool {
        self.holding.load(Ordering::Acquire)
    }

    /// A worker took in its first records of the open batch.
    pub(crate) fn soiled(&self) {
        self.dirty.fetch_add(1, Ordering::AcqRel);
    }

    /// A worker that had records in the open batch has closed it.
    pub(crate) fn cleaned(&self) {
        self.dirty.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether the open batch has records, or will have as soon as a worker looks. Exact only while nothing is
    /// in flight: before, a worker may not have seen yet that its batch was closed.
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Acquire) > 0 || self.books.pending.load(Ordering::Acquire) > 0
    }

    /// Closes the open batch at `time`, a boundary, unless there is no room; returns whether a batch of that time
    /// or later is closed.
    pub(crate) fn close(&self, time: BatchTime, follows: Follows) -> bool {
        let mut state = self.state();
        if time <= state.last {
            return true;
        }
        let room = self.has_room_in(&state);
        if room {
            self.close_locked(&mut state, time, follows);
        }
        room
    }

    /// Whether the last batch was closed early, so that what is due at the boundary behind it is not delivered.
    pub(crate) fn is_between_boundaries(&self) -> bool {
        let state = self.state();
        state.has_begun && !state.last.is_multiple_of(self.interval)
    }

    /// The next batch at the end, when all sources have ended and everything is closed: the next slide of windows that
    /// were not delivered since the last batch that had records. `None` when all were.
    pub(crate) fn next_at_the_end(&self) -> Option<(BatchTime, Follows)> {
        let state = self.state();
        let from = state.ends_from.unwrap_or(state.last);
        let slides = self.books.slides.get().filter(|_| state.has_begun)?;
        let due = slides.iter().filter_map(|slide| at_the_end(from, *slide));
        let next = due.filter(|due| *due > state.last).min()?;
        Some((next, Follows::AtTheEnd(Jump::new(from, next, slides))))
    }

    /// How many batches may be closed and not delivered.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Paced sources are about to be asked for the batch of `time`: what closes before that was closed by now.
    pub(crate) fn pace(&self, time: BatchTime) {
        self.state().paced = time;
    }

    /// Closes the batch `open`, in which the caller has records, if all that was sent is in it and there is
    /// room. Another worker may have closed it meanwhile; then there is nothing to do. Returns how long to wait
    /// where it is too soon after the batch before.
    pub(crate) fn close_early(&self, open: Epoch) -> Option<Duration> {
        let least = self.early?;
        if self.books.pending.load(Ordering::Acquire) > 0 || self.again.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.state();
        if state.next != open || state.in_flight.len() >= self.limit {
            return None;
        }
        if let Some(leader) = self.peers.as_ref().filter(|peers| !peers.leads()) {
            if state.ripe.replace(open) != Some(open) {
                leader.ripe(open);
            }
            return None;
        }
        let (now, soonest) = (self.clock.now(), state.last + least);
        if self.clock.is_manual() && now >= state.boundary {
            // What was sent before a test moved its clock is to be in this batch, and may be on its way: the supervisor
            // knows when it is there.
            return None;
        }
        // What a paced source gives to the batch of a boundary is all in that batch, also when it runs again.
        let is_paced = || self.peers.is_some() || self.cuts.iter().any(|cut| cut.is_paced());
        let is_asked = now >= state.boundary || state.paced > state.last;
        if is_asked && is_paced() {
            return None;
        }
        if !least.is_zero() && now < soonest {
            // At the boundary the supervisor closes it.
            let early = soonest < state.boundary;
            return early.then(|| Duration::from_nanos(soonest.as_nanos() - now.as_nanos()));
        }
        // Two batches may close within a tick of the clock, and their times must differ.
        let time = now.max(state.last + Duration::from_nanos(1)).min(state.boundary);
        if time > state.last {
            self.close_locked(&mut state, time, Follows::Closely);
        }
        None
    }

    /// For a follower: closes the batch that the leader has closed; returns whether it is the open one.
    pub(crate) fn close_as(&self, epoch: Epoch, time: BatchTime, follows: Follows) -> bool {
        let mut state = self.state();
        let is_open = state.next == epoch && time > state.last;
        if is_open {
            self.close_locked(&mut state, time, follows);
        }
        is_open
    }

    fn close_locked(&self, state: &mut BatchesState, time: BatchTime, follows: Follows) {
        let epoch = state.next;
        state.next += 1;
        let marks: Vec<_> = self.cuts.iter().map(|cut| cut.close()).collect();
        if marks.iter().any(|mark| mark.records > 0) {
            state.fed = time;
        }
        if let Some(log) = self.log.get() {
            log.mark(epoch, (time, follows), marks);
        }
        state.last = time;
        state.has_closed = true;
        state.has_begun = true;
        state.ends_from = match follows {
            Follows::AtTheEnd(jump) => Some(jump.from),
            Follows::Closely | Follows::AfterMissed(_) => None,
        };
        if time >= state.again_upto {
            self.again.store(false, Ordering::Release);
        }
        if time >= state.boundary {
            state.boundary = time.next_multiple_of(self.interval);
            self.board.set_boundary(state.boundary);
        }
        self.board.batch_closed(epoch, time);
        let delay = self.clock.now().as_nanos().saturating_sub(time.as_nanos());
        let info = BatchInfo {
            job: self.board.job.clone(),
            time,
            records: self.sources.iter().map(|name| (*name, 0)).collect(),
            scheduling_delay: Duration::from_nanos(delay),
            processing_delay: Duration::ZERO,
        };
        let peers = self.peers.as_ref().map_or(0, Peers::count);
        state.in_flight.push_back(InFlight {
            epoch,
            sinks: self.sinks,
            workers: self.workers.len(),
            peers,
            closed: Instant::now(),
            info,
            dues: PendingAcks::default(),
            written: 0,
        });
        self.holding.store(state.in_flight.len() >= self.limit, Ordering::Release);
        self.tell(|| WorkerOrder::Close(epoch, time, follows));
        self.peers.iter().for_each(|peers| peers.closed(epoch, time, follows));
    }

    /// Does a piece of a worker's work, and counts its time where that is to be known.
    pub(crate) fn timed(&self, seat: usize, work: impl FnOnce()) {
        let Some(backpressure) = &self.backpressure else { return work() };
        let began = Instant::now();
        work();
        let state = self.state();
        let closed = state.in_flight.front().map(|batch| batch.closed);
        let mut backpressure = backpressure.lock().expect("nothing panics under this lock");
        backpressure.was_busy(seat, began, Instant::now(), closed);
    }

    /// A worker has closed its inputs for a batch that took in `records`, by source, for which `dues` are due.
    pub(crate) fn took_in(&self, epoch: Epoch, records: &[u64], dues: &mut PendingAcks) {
        let mut state = self.state();
        // No sink has taken it yet: this worker has not stepped since.
        let batch = state.in_flight.iter_mut().find(|batch| batch.epoch == epoch);
        let batch = batch.expect("a batch is in flight until each worker has sent its part");
        for ((_, total), n) in batch.info.records.iter_mut().zip(records) {
            *total += n;
        }
        batch.dues.append(dues);
        batch.workers -= 1;
        let is_heard = || !self.listeners.is_empty() || tracing::enabled!(tracing::Level::DEBUG);
        let started = (batch.workers == 0 && is_heard()).then(|| batch.info.clone());
        drop(state);
        if let Some(batch) = started {
            tracing::debug!(job = %batch.job, time = %batch.time, records = ?batch.records, "batch started");
            self.listeners.tell(|listener| listener.batch_started(&batch));
        }
    }

    /// A sink has taken a batch with so many records.
    pub(crate) fn took_out(&self, epoch: Epoch, records: u64) {
        let mut state = self.state();
        let batch = state.in_flight.iter_mut().find(|batch| batch.epoch == epoch);
        let batch = batch.expect("a sink takes each batch once");
        batch.sinks -= 1;
        batch.written += records;
        if batch.sinks == 0 {
            self.peers.iter().for_each(|peers| peers.taken(epoch));
        }
        self.deliver(state);
    }

    /// All sinks of a follower have taken a batch; to a follower, all sinks everywhere.
    pub(crate) fn peer_took(&self, epoch: Epoch) {
        let mut state = self.state();
        if let Some(batch) = state.in_flight.iter_mut().find(|batch| batch.epoch == epoch) {
            batch.peers = batch.peers.saturating_sub(1);
        }
        self.deliver(state);
    }

    /// What everybody has taken is delivered.
    fn deliver(&self, mut state: MutexGuard<'_, BatchesState>) {
        let mut done = Vec::new();
        let taken = |batch: &mut InFlight| batch.sinks == 0 && batch.peers == 0;
        while let Some(mut batch) = state.in_flight.pop_front_if(taken) {
            let now = Instant::now();
            batch.info.processing_delay = now - batch.closed;
            state.written = batch.written;
            if let Some(backpressure) = &self.backpressure {
                let mut backpressure = backpressure.lock().expect("nothing panics under this lock");
                backpressure.batch_completed(&batch.info, batch.closed, now);
            }
            self.peers.iter().for_each(|peers| peers.delivered(batch.epoch));
            if let Some(log) = self.log.get() {
                log.delivered(batch.epoch);
            }
            done.push((batch.info, batch.dues.into_receipts()));
        }
        if done.is_empty() {
            return;
        }
        state.ripe = None;
        let held_up = self.holding.swap(false, Ordering::AcqRel);
        drop(state);
        for (batch, receipts) in done {
            self.board.batch_delivered(batch.time, batch.scheduling_delay, batch.processing_delay);
            tracing::debug!(job = %batch.job, time = %batch.time, records = ?batch.records, took = ?batch.processing_delay, "batch delivered");
            self.listeners.tell(|listener| listener.batch_completed(&batch));
            self.delivered.send_replace(Some(batch.time));
            receipts.into_iter().for_each(|receipts| receipts.deliver(batch.time));
        }
        self.room.notify_waiters();
        // A worker that was not held up has nothing new to do, and waking it costs it and us some 10 us. In a cluster it
        // may have to tell the leader once more that it could close early.
        if held_up || self.peers.is_some() {
            self.workers.iter().for_each(|(_, signal)| signal.raise());
        }
    }

    /// Waits until a batch of `time` or later, and all before it, were delivered.
    pub(crate) fn watch_delivered(&self) -> watch::Receiver<Option<BatchTime>> {
        self.delivered.subscribe()
    }

    /// Tells the workers to leave: all is delivered.
    pub(crate) fn leave(&self) {
        self.tell(|| WorkerOrder::Leave);
    }

    /// Tells the workers to drop everything.
    pub(crate) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.workers.iter().for_each(|(_, signal)| signal.raise());
    }

    /// The job has ended: whoever waits for a receipt of a batch that was not delivered hears that it never will be.
    pub(crate) fn lose_receipts(&self) {
        let lost: Vec<PendingAcks> =
            self.state().in_flight.iter_mut().map(|batch| std::mem::take(&mut batch.dues)).collect();
        // Not under the lock: it wakes those who wait.
        drop(lost);
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    fn tell(&self, order: impl Fn() -> WorkerOrder) {
        for (orders, signal) in &self.workers {
            // A worker that is gone has reported why; the job is on its way down.
            let _ = orders.send(order());
            signal.raise();
        }
    }
}
