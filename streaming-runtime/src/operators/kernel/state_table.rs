//! The states of an operator's keys, and when each key was last touched.
//!
//! Keys are stored in slots; a ring links the slots in the order of their last touch. So a touch costs the same for any number of keys,
//! and finding idle keys costs the keys that are found.

use crate::{
    checkpoint::state_log::StateWriter,
    ids::Epoch,
    observe::operator_stats::Held,
    operators::kernel::{output::Output, slots::Slots},
    record::{Key, Record},
    stream::context::BatchContext,
    time::BatchTime,
};
use hashbrown::HashMap;

/// The state of one key, for the function that is called with it. See
/// [`map_with_state`](crate::Stream::map_with_state).
#[derive(Debug)]
pub struct KeyState<S> {
    state: Option<S>,
    /// What it was before the function changed it.
    before: Option<S>,
    is_changed: bool,
    is_removed: bool,
    is_timing_out: bool,
}

impl<S> KeyState<S> {
    fn new(state: Option<S>, is_timing_out: bool) -> Self {
        KeyState { state, before: None, is_changed: false, is_removed: false, is_timing_out }
    }

    /// Whether the key has a state.
    pub fn exists(&self) -> bool {
        self.state.is_some()
    }

    /// The key's state, if it has one.
    pub fn get(&self) -> Option<&S> {
        self.state.as_ref()
    }

    /// Gives the key a state, or another one.
    ///
    /// # Panics
    /// After [`remove`](KeyState::remove) in the same call, and while the key is timing out.
    #[track_caller]
    pub fn update(&mut self, state: S) {
        self.check("updated");
        self.replace(Some(state));
    }

    /// Forgets the key.
    ///
    /// # Panics
    /// As [`update`](KeyState::update).
    #[track_caller]
    pub fn remove(&mut self) {
        self.check("removed");
        self.replace(None);
        self.is_removed = true;
    }

    /// Whether the key was idle for too long: this call is the last with its state.
    pub fn is_timing_out(&self) -> bool {
        self.is_timing_out
    }

    #[track_caller]
    fn check(&self, how: &str) {
        assert!(!self.is_timing_out, "a state that is timing out cannot be {how}: it goes by itself");
        assert!(!self.is_removed, "a state cannot be {how} after it was removed in the same call");
    }

    fn replace(&mut self, state: Option<S>) {
        let old = std::mem::replace(&mut self.state, state);
        if !self.is_changed {
            self.is_changed = true;
            self.before = old;
        }
    }
}

struct StateSlot<S> {
    /// `None`: it was removed in this batch.
    state: Option<S>,
    /// Whether it changed in this batch.
    is_changed: bool,
    is_listed: bool,
    touched: BatchTime,
}

impl<S> Default for StateSlot<S> {
    fn default() -> Self {
        StateSlot { state: None, is_changed: false, is_listed: false, touched: BatchTime::default() }
    }
}

/// The states of the keys that a worker owns.
pub(crate) struct StateTable<K, S> {
    slots: Slots<K, StateSlot<S>>,
    /// Where keys time out.
    touched: Option<Ring>,
    /// Slots that changed in this batch, with what they held before it.
    changed: Vec<(u32, Option<S>)>,
    /// Slots that were touched in this batch, where that is to be written down.
    listed: Option<Vec<u32>>,
}

impl<K: Key, S: Record> StateTable<K, S> {
    pub(crate) fn new(times_out: bool, is_written: bool) -> Self {
        StateTable {
            slots: Slots::default(),
            touched: times_out.then(Ring::default),
            changed: Vec::new(),
            listed: is_written.then(Vec::new),
        }
    }

    /// Calls `f` with the state of `key`, for a record of it.
    pub(crate) fn touch<R>(
        &mut self,
        time: BatchTime,
        key: K,
        f: impl FnOnce(&K, &mut KeyState<S>) -> R,
    ) -> R {
        let number = self.slots.number(key);
        let (key, slot) = self.slots.get_mut(number);
        let mut state = KeyState::new(slot.state.take(), false);
        let result = f(key, &mut state);
        self.put(number, state, time);
        let (_, slot) = self.slots.get(number);
        if slot.state.is_none() && !slot.is_changed {
            self.slots.release(number); // it had no state, and was given none
        }
        result
    }

    /// Calls `f` with the state of the key that is idle longest, if `is_over` of the time of its last touch, and
    /// forgets it.
    pub(crate) fn time_out<R>(
        &mut self,
        is_over: impl FnOnce(BatchTime) -> bool,
        f: impl FnOnce(&K, &mut KeyState<S>) -> R,
    ) -> Option<R> {
        let number = self.touched.as_ref()?.oldest()?;
        let (key, slot) = self.slots.get_mut(number);
        let touched = slot.touched;
        if !is_over(touched) {
            return None;
        }
        let mut state = KeyState::new(slot.state.take(), true);
        let result = f(key, &mut state);
        state.replace(None);
        self.put(number, state, touched);
        Some(result)
    }

    /// Ends a batch: writes the changes and the contents.
    pub(crate) fn close<E>(&mut self, epoch: Epoch, output: &mut Output<(K, S), E>, log: &StateWriter) {
        self.write(epoch, log);
        let mut changed = std::mem::take(&mut self.changed);
        for (number, before) in changed.drain(..) {
            let (key, slot) = self.slots.get_mut(number);
            slot.is_changed = false;
            if output.wants_changes() {
                for (state, times) in [(before, -1), (slot.state.clone(), 1)] {
                    output.changes.extend(state.map(|state| ((key.clone(), state), times)));
                }
            }
            if slot.state.is_none() {
                self.slots.release(number);
            }
        }
        self.changed = changed;
        if output.wants_contents() {
            self.write_contents(output);
        }
        output.held = self.held();
    }

    fn write_contents<E>(&self, output: &mut Output<(K, S), E>) {
        let pairs = self.slots.iter().filter_map(|(key, slot)| Some((key, slot.state.as_ref()?)));
        output.contents.extend(pairs.map(|(key, state)| (key.clone(), state.clone())));
    }

    /// Writes down the keys that were touched; a touch without a change counts where keys time out.
    fn write(&mut self, epoch: Epoch, log: &StateWriter) {
        let Some(listed) = &mut self.listed else { return };
        let times_out = self.touched.is_some();
        log.keys::<K, (S, u64), _, _>(epoch, |put| {
            for number in &*listed {
                let (key, slot) = self.slots.get(*number);
                let touched = if times_out { slot.touched.as_nanos() } else { 0 };
                put(key, slot.state.as_ref().map(|state| (state, touched)).as_ref());
            }
        });
        for number in listed.drain(..) {
            self.slots.get_mut(number).1.is_listed = false;
        }
    }

    /// Restores the states of the keys that this worker owns, and writes them as contents. Those that were written while none timed
    /// out are idle from the batch of `context` on.
    pub(crate) fn restore<E>(
        &mut self,
        context: BatchContext<'_>,
        output: &mut Output<(K, S), E>,
        log: &StateWriter,
    ) {
        let mut known = HashMap::<K, (S, u64), foldhash::fast::RandomState>::default();
        log.states(|key: K, state: Option<(S, u64)>| match state {
            _ if !context.job.owns(&key) => {}
            Some(state) => drop(known.insert(key, state)),
            None => drop(known.remove(&key)),
        });
        let mut known: Vec<(K, (S, u64))> = known.into_iter().collect();
        known.sort_unstable_by_key(|(_, (_, touched))| if *touched == 0 { u64::MAX } else { *touched });
        for (key, (state, touched)) in known {
            let number = self.slots.number(key);
            let (_, slot) = self.slots.get_mut(number);
            slot.state = Some(state);
            slot.touched = if touched == 0 { context.time } else { BatchTime::from_nanos(touched) };
            if let Some(ring) = &mut self.touched {
                ring.touch(number);
                if touched == 0
                    && let Some(listed) = &mut self.listed
                {
                    slot.is_listed = true;
                    listed.push(number);
                }
            }
        }
        self.write_contents(output);
        output.held = self.held();
    }

    fn held(&self) -> Held {
        let links = self.touched.as_ref().map_or(0, |ring| ring.0.capacity());
        Held::new(self.slots.len(), self.slots.bytes() + links * size_of::<(u32, u32)>())
    }

    fn put(&mut self, number: u32, state: KeyState<S>, time: BatchTime) {
        let (_, slot) = self.slots.get_mut(number);
        slot.state = state.state;
        slot.touched = time;
        if let Some(listed) = &mut self.listed
            && (state.is_changed || self.touched.is_some() && slot.state.is_some())
            && !std::mem::replace(&mut slot.is_listed, true)
        {
            listed.push(number);
        }
        if state.is_changed && !slot.is_changed {
            slot.is_changed = true;
            self.changed.push((number, state.before));
        }
        match &mut self.touched {
            Some(ring) if slot.state.is_some() => ring.touch(number),
            Some(ring) => ring.leave(number),
            None => {}
        }
    }
}

/// Slots in the order of their last touch: of each the one before and the one after it, by number + 1. The first
/// link is the ring's own, between the newest and the oldest; a slot that is not in the ring is linked to itself.
struct Ring(Vec<(u32, u32)>);

impl Default for Ring {
    fn default() -> Self {
        Ring(vec![(0, 0)])
    }
}

impl Ring {
    fn touch(&mut self, number: u32) {
        let link = number + 1;
        while self.0.len() <= link as usize {
            self.0.push((self.0.len() as u32, self.0.len() as u32));
        }
        self.leave(number);
        let (newest, _) = self.0[0];
        self.0[link as usize] = (newest, 0);
        self.0[newest as usize].1 = link;
        self.0[0].0 = link;
    }

    fn leave(&mut self, number: u32) {
        let link = number + 1;
        let Some(links) = self.0.get_mut(link as usize) else { return };
        let (before, after) = std::mem::replace(links, (link, link));
        if before != link {
            self.0[before as usize].1 = after;
            self.0[after as usize].0 = before;
        }
    }

    fn oldest(&self) -> Option<u32> {
        self.0[0].1.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Output<(u32, u32)> {
        Output::new(Default::default())
    }

    #[test]
    fn keys_time_out_oldest_touch_first() {
        let (mut table, mut output, at) =
            (StateTable::<u32, u32>::new(true, false), said(), BatchTime::from_millis);
        for round in 0..10 {
            for key in [1, 2, 3].map(|key| key + round) {
                table.touch(at(1), key, |_, state| state.update(key));
            }
            table.touch(at(2), 1 + round, |_, state| assert_eq!(state.get(), Some(&(1 + round))));
            table.close(0, &mut output, &StateWriter::nowhere());
            let next = |table: &mut StateTable<u32, u32>, before| {
                table.time_out(
                    |touched| touched < at(before),
                    |key, state| (*key - round, state.is_timing_out()),
                )
            };
            assert_eq!(
                [2, 2, 2].map(|before| next(&mut table, before)),
                [Some((2, true)), Some((3, true)), None]
            );
            assert_eq!(next(&mut table, 3), Some((1, true)), "it was touched again");
            table.close(0, &mut output, &StateWriter::nowhere());
            assert_eq!(table.slots.len(), 0);
        }
    }

    #[test]
    fn a_removed_key_is_not_timed_out() {
        let (mut table, at) = (StateTable::<u32, u32>::new(true, false), BatchTime::from_millis);
        table.touch(at(1), 7, |_, state| state.update(1));
        table.touch(at(2), 7, |_, state| state.remove());
        assert!(table.time_out(|_| true, |_, _| ()).is_none());
        table.touch(at(2), 7, |_, state| assert!(!state.exists()));
        table.close(0, &mut said(), &StateWriter::nowhere());
        assert_eq!(table.slots.len(), 0);
    }
}
