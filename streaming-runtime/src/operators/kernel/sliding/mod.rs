//! The keys of a sliding window.
//!
//! Keys are stored in slots, and a pane holds the numbers of its slots. So a pane leaves without a look-up or a copy of a key, and a
//! batch costs what enters and leaves, whatever the window's length.

mod log;

use std::{collections::VecDeque, num::NonZeroU32};

use crate::{
    aggregate::{Aggregate, LeavingOf, StateOf, WindowState},
    checkpoint::state_log::StateWriter,
    observe::operator_stats::Held,
    operators::kernel::{
        output::Output,
        slots::Slots,
        window_spec::{RetainedKeys, WindowSpec},
    },
    record::Key,
    stream::context::BatchContext,
    time::BatchTime,
};

/// The state of a key. Access is random, so it is small: what only some windows need is stored beside it.
struct Slot<W> {
    window: W,
    /// The slide in which it changed last, modulo 2^32: it is only compared with the current one.
    changed: NonZeroU32,
}

impl<W: Default> Default for Slot<W> {
    fn default() -> Self {
        Slot { window: W::default(), changed: NEVER }
    }
}

/// No slide has this number.
const NEVER: NonZeroU32 = NonZeroU32::MIN;

/// The panes of a window and what they make of each key.
pub(crate) struct Sliding<K, V, G: Aggregate<V>> {
    spec: WindowSpec,
    retained: Option<RetainedKeys<(K, G::Result)>>,
    slots: Slots<K, Slot<StateOf<V, G>>>,
    /// The batch in which each slot had values last, where keys outlive their panes.
    fed: Vec<BatchTime>,
    panes: VecDeque<Pane<LeavingOf<V, G>>>,
    /// How many keys the panes have together.
    in_panes: usize,
    /// The allocation of a pane that left, for the next one that enters.
    spare: Vec<(u32, LeavingOf<V, G>)>,
    /// The pane that several batches are gathered in, what it has of its slots, and of each slot where that is, from 1.
    open: Option<BatchTime>,
    filled: Vec<(u32, Option<G::Accumulator>)>,
    places: Vec<u32>,
    slide: NonZeroU32,
    /// Slots that changed since the last slide, with what they were; or only those that no pane has any more.
    changed: Vec<(u32, Option<G::Result>)>,
}

struct Pane<L> {
    end: BatchTime,
    keys: Vec<(u32, L)>,
}

impl<K: Key, V, G: Aggregate<V>> Sliding<K, V, G> {
    pub(crate) fn new(spec: WindowSpec, retained: Option<RetainedKeys<(K, G::Result)>>) -> Self {
        Sliding {
            spec,
            retained,
            slots: Slots::default(),
            fed: Vec::new(),
            panes: VecDeque::new(),
            in_panes: 0,
            spare: Vec::new(),
            open: None,
            filled: Vec::new(),
            places: Vec::new(),
            slide: NEVER.saturating_add(1),
            changed: Vec::new(),
        }
    }

    /// Takes in the batch of `time`; `tracked` if changes are wanted.
    pub(crate) fn batch(
        &mut self,
        time: BatchTime,
        accumulators: impl Iterator<Item = (K, G::Accumulator)>,
        aggregate: &G,
        tracked: bool,
    ) {
        let end = self.spec.pane_of(time);
        if self.spec.is_between(end) {
            return;
        }
        if self.open != Some(end) {
            self.seal(aggregate, tracked);
            if time == end {
                return self.enter(time, accumulators, aggregate, tracked);
            }
            self.open = Some(end);
        }
        for (key, accumulator) in accumulators {
            let number = self.slots.number(key);
            self.feed(number, time);
            match at(&mut self.places, number) {
                free @ 0 => {
                    self.filled.push((number, Some(accumulator)));
                    *free = self.filled.len() as u32;
                }
                &mut place => {
                    let (_, open) = &mut self.filled[place as usize - 1];
                    *open = open.take().map(|open| aggregate.merge(open, accumulator));
                }
            }
        }
    }

    /// A pane of one batch enters as it comes.
    fn enter(
        &mut self,
        time: BatchTime,
        accumulators: impl Iterator<Item = (K, G::Accumulator)>,
        aggregate: &G,
        tracked: bool,
    ) {
        let mut keys = std::mem::take(&mut self.spare);
        for (key, accumulator) in accumulators {
            let number = self.slots.number(key);
            self.feed(number, time);
            self.enter_one(number, accumulator, aggregate, tracked, &mut keys);
        }
        self.enclose(time, keys);
    }

    /// Notes that a slot has values in the batch of `time`.
    #[inline]
    fn feed(&mut self, number: u32, time: BatchTime) {
        if self.writes_keys() {
            *at(&mut self.fed, number) = time;
        }
    }

    #[inline]
    fn enter_one(
        &mut self,
        number: u32,
        accumulator: G::Accumulator,
        aggregate: &G,
        tracked: bool,
        keys: &mut Vec<(u32, LeavingOf<V, G>)>,
    ) {
        if self.lists_changes(tracked) {
            self.touch(number, aggregate, tracked);
        }
        let (_, slot) = self.slots.get_mut(number);
        match self.spec.size {
            None => slot.window.grow(accumulator, aggregate),
            Some(_) => keys.push((number, slot.window.enter(accumulator, aggregate))),
        }
    }

    fn enclose(&mut self, end: BatchTime, keys: Vec<(u32, LeavingOf<V, G>)>) {
        match keys.is_empty() {
            true => self.spare = keys,
            false => {
                self.in_panes += keys.len();
                self.panes.push_back(Pane { end, keys });
            }
        }
    }

    /// Moves the window to the slide of this batch, and writes its contents and changes.
    pub(crate) fn slide(
        &mut self,
        context: BatchContext<'_>,
        aggregate: &G,
        output: &mut Output<(K, G::Result)>,
        log: &StateWriter,
    ) {
        let tracked = output.wants_changes();
        self.leave(context.time, aggregate, tracked);
        self.seal(aggregate, tracked);
        if self.writes_keys() {
            self.write_keys(context.epoch, log);
        }
        self.write_changes(tracked, aggregate, output);
        if let Some(retained) = self.retained.take() {
            let gone = self.forget(context.time, &retained, aggregate, output);
            self.retained = Some(retained);
            log.keys::<K, (G::Accumulator, u64), K, (G::Accumulator, u64)>(context.epoch, |put| {
                gone.iter().for_each(|number| put(&self.slots.get(*number).0, None));
            });
            gone.into_iter().for_each(|number| self.slots.release(number));
        }
        self.write_contents(aggregate, output);
    }

    fn write_contents(&mut self, aggregate: &G, output: &mut Output<(K, G::Result)>) {
        if output.wants_contents() {
            output.contents.reserve(self.slots.len());
            for (key, slot) in self.slots.iter() {
                output
                    .contents
                    .extend(slot.window.value(aggregate).and_then(|value| self.shown(key.clone(), value)));
            }
        }
        if self.slots.len() == 0 {
            (self.fed, self.places) = Default::default();
        }
        self.slide = self.slide.checked_add(1).unwrap_or(NEVER.saturating_add(1));
    }

    /// Whether the list of changed slots is needed.
    fn lists_changes(&self, tracked: bool) -> bool {
        tracked || self.writes_keys()
    }

    /// What is kept: keys, and of each pane the keys that it has.
    pub(crate) fn held(&self) -> Held {
        let entry = size_of::<(u32, LeavingOf<V, G>)>() + <StateOf<V, G> as WindowState<V, G>>::BYTES;
        let open = self.filled.capacity() * size_of::<(u32, Option<G::Accumulator>)>()
            + self.places.capacity() * size_of::<u32>()
            + self.fed.capacity() * size_of::<BatchTime>();
        let records = self.slots.len() + self.in_panes + self.filled.len();
        Held::new(records, self.slots.bytes() + self.in_panes * entry + open)
    }

    fn write_changes(&mut self, tracked: bool, aggregate: &G, output: &mut Output<(K, G::Result)>) {
        let mut changed = std::mem::take(&mut self.changed);
        if tracked {
            output.changes.reserve(2 * changed.len());
        }
        for (number, old) in changed.drain(..) {
            let (key, slot) = self.slots.get(number);
            if tracked {
                for (value, times) in [(old, -1), (slot.window.value(aggregate), 1)] {
                    let pair = value.and_then(|value| self.shown(key.clone(), value));
                    output.changes.extend(pair.map(|pair| (pair, times)));
                }
            }
            if slot.window.is_gone() && self.retained.is_none() {
                self.slots.release(number);
            }
        }
        self.changed = changed;
    }

    /// The pair, unless its operator hides it.
    fn shown(&self, key: K, value: G::Result) -> Option<(K, G::Result)> {
        let pair = (key, value);
        let shown = self.retained.as_ref().and_then(|retained| retained.shown.as_ref());
        shown.is_none_or(|shown| shown(&pair)).then_some(pair)
    }

    /// The keys to be forgotten: those that outlived their panes and are hidden, or were idle too long.
    fn forget(
        &mut self,
        time: BatchTime,
        retained: &RetainedKeys<(K, G::Result)>,
        aggregate: &G,
        output: &mut Output<(K, G::Result)>,
    ) -> Vec<u32> {
        if retained.shown.is_none() && retained.idle.get().is_none() {
            return Vec::new(); // kept for ever
        }
        let mut gone = Vec::new();
        for (number, (key, slot)) in self.slots.numbered().filter(|(_, (_, slot))| slot.window.is_gone()) {
            let Some(value) = slot.window.value(aggregate) else { continue };
            let pair = (key.clone(), value);
            let hidden = retained.shown.as_ref().is_some_and(|shown| !shown(&pair));
            let idle = retained.idle.get().is_some_and(|idle| self.fed[number as usize] + idle <= time);
            if idle && !hidden {
                output.change(|| pair, -1);
            }
            if idle || hidden {
                gone.push(number);
            }
        }
        gone
    }

    /// Lets the open pane enter.
    fn seal(&mut self, aggregate: &G, tracked: bool) {
        let Some(end) = self.open.take() else { return };
        let (mut filled, mut keys) = (std::mem::take(&mut self.filled), std::mem::take(&mut self.spare));
        for (number, accumulator) in filled.drain(..) {
            self.places[number as usize] = 0;
            let accumulator = accumulator.expect("it is taken only to be put back merged");
            self.enter_one(number, accumulator, aggregate, tracked, &mut keys);
        }
        self.filled = filled;
        self.enclose(end, keys);
    }

    /// Lets the panes leave that are in no window from `time` on.
    fn leave(&mut self, time: BatchTime, aggregate: &G, tracked: bool) {
        let (spec, listed) = (self.spec, self.lists_changes(tracked));
        while let Some(pane) = self.panes.pop_front_if(|pane| spec.has_left(pane.end, time)) {
            let mut keys = pane.keys;
            self.in_panes -= keys.len();
            for (number, leaving) in keys.drain(..) {
                if listed {
                    self.touch(number, aggregate, tracked);
                }
                let (_, slot) = self.slots.get_mut(number);
                slot.window.leave(leaving, aggregate);
                if !listed && slot.window.is_gone() {
                    self.changed.push((number, None));
                }
            }
            self.spare = keys;
        }
    }

    /// Notes that a slot is about to change.
    fn touch(&mut self, number: u32, aggregate: &G, tracked: bool) {
        let (_, slot) = self.slots.get_mut(number);
        if slot.changed != self.slide {
            slot.changed = self.slide;
            self.changed.push((number, if tracked { slot.window.value(aggregate) } else { None }));
        }
    }
}

/// The entry of a slot in a list, which grows as needed.
#[inline]
fn at<T: Clone + Default>(list: &mut Vec<T>, number: u32) -> &mut T {
    let number = number as usize;
    if list.len() <= number {
        list.resize(number + 1, T::default());
    }
    &mut list[number]
}
