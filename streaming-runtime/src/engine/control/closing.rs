//! When and how a batch closes.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crate::{
    engine::{
        cluster::Peers,
        control::{
            Control, WorkerOrder,
            batches::{Batches, InFlight},
        },
    },
    ids::Epoch,
    intake::pending_acks::PendingAcks,
    observe::{listener::BatchInfo, metrics::LATE_BATCHES},
    time::BatchTime,
    timeline::{Follows, Jump, at_the_end},
};

/// The most records that late, empty batches in flight may have for the sinks together, if each has as many as the last
/// delivered batch.
const LATE_RECORDS: u64 = 1 << 16;

impl Control {
    /// When the open batch closes, now that its boundary is reached.
    pub(crate) fn due(&self) -> (BatchTime, Follows) {
        let state = self.state();
        let boundary = state.boundary;
        let last = self.clock.now().at_or_last_multiple_of(self.interval);
        let slides = self.counters.slides.get().filter(|_| self.skips_missed && last > boundary);
        let Some(slides) = slides else { return (boundary, Follows::Closely) };
        // No window loses what it has: the next slide behind the last records is not left out.
        let next = slides.iter().filter_map(|slide| at_the_end(state.last_with_records, *slide));
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

    fn has_room_in(&self, state: &Batches) -> bool {
        let in_flight = state.in_flight.len();
        in_flight < self.limit || in_flight < self.late(state)
    }

    /// How many batches may be in flight where the next is late and empty: many share a sync.
    fn late(&self, state: &Batches) -> usize {
        if self.log.get().is_none() || self.is_dirty() || self.clock.now() < state.boundary + self.interval {
            return 0;
        }
        LATE_BATCHES.min((LATE_RECORDS / state.written.max(1)) as usize)
    }

    /// Whether a source may be asked for all of a batch: one that waits for memory is waiting for a delivery.
    pub(crate) fn has_memory(&self) -> bool {
        self.is_idle() || !self.board.admissions.account.is_full()
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
        let slides = self.counters.slides.get().filter(|_| state.has_begun)?;
        let due = slides.iter().filter_map(|slide| at_the_end(from, *slide));
        let next = due.filter(|due| *due > state.last).min()?;
        Some((next, Follows::AtTheEnd(Jump::new(from, next, slides))))
    }

    /// Paced sources are about to be asked for the batch of `time`: what closes before that was closed by now.
    pub(crate) fn pace(&self, time: BatchTime) {
        self.state().paced_until = time;
    }

    /// Closes the batch `open`, in which the caller has records, if all that was sent is in it and there is
    /// room. Another worker may have closed it meanwhile; then there is nothing to do. Returns how long to wait
    /// where it is too soon after the batch before.
    pub(crate) fn close_early(&self, open: Epoch) -> Option<Duration> {
        let least = self.early?;
        if self.counters.pending.load(Ordering::Acquire) > 0 || self.is_replaying.load(Ordering::Acquire) {
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
        let is_paced = || self.peers.is_some() || self.progress.iter().any(|source| source.is_paced());
        let is_asked = now >= state.boundary || state.paced_until > state.last;
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

    fn close_locked(&self, state: &mut Batches, time: BatchTime, follows: Follows) {
        let epoch = state.next;
        state.next += 1;
        let marks: Vec<_> = self.progress.iter().map(|source| source.close()).collect();
        if marks.iter().any(|mark| mark.records > 0) {
            state.last_with_records = time;
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
        if time >= state.replay_until {
            self.is_replaying.store(false, Ordering::Release);
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
            acks: PendingAcks::default(),
            written: 0,
        });
        self.holding.store(state.in_flight.len() >= self.limit, Ordering::Release);
        self.order(|| WorkerOrder::Close(epoch, time, follows));
        self.peers.iter().for_each(|peers| peers.closed(epoch, time, follows));
    }
}
