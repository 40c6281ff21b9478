//! The keys of a sliding window.
//!
//! Keys are stored in slots, and a pane holds the numbers of its slots. So a pane leaves without a look-up or a copy of a key, and a
//! batch costs what enters and leaves, whatever the window's length.

use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

use hashbrown::HashMap;

use crate::{
    aggregate::{Aggregate, LeavingOf, Parameters, StateOf, WindowState, name_of, own_types},
    checkpoint::{StateShape, state_log::StateWriter},
    ids::Epoch,
    observe::operator_stats::Held,
    operators::kernel::{
        slots::Slots,
        stateful::{Audience, BatchContext, Output},
    },
    record::Key,
    schema,
    stream::{kind::Idle, rhythm::common},
    time::{BatchTime, nanos},
};

/// How a stream is cut into windows.
#[derive(Clone, Copy)]
pub(crate) struct WindowSpec {
    /// `None`: nothing ever leaves.
    pub(crate) size: Option<Duration>,
    pub(crate) slide: Duration,
    /// Windows begin and end at multiples of this.
    pane: Duration,
}

impl WindowSpec {
    /// Panes as long as windows of `size` at each multiple of `slide` allow.
    pub(crate) fn new(size: Option<Duration>, slide: Duration) -> Self {
        let pane = common(size.map_or(0, nanos), nanos(slide));
        WindowSpec { size, slide, pane: Duration::from_nanos(pane) }
    }

    /// The end of the pane of a batch.
    pub(crate) fn pane_of(self, time: BatchTime) -> BatchTime {
        time.at_or_next_multiple_of(self.pane)
    }

    /// Whether the pane that ended at `end` is in no window from `time` on.
    pub(crate) fn has_left(self, end: BatchTime, time: BatchTime) -> bool {
        self.size.is_some_and(|size| end + size <= time)
    }

    /// When the pane that ended at `end` is in no window any more and none that could change.
    pub(crate) fn until(self, end: BatchTime) -> Option<BatchTime> {
        self.size.map(|size| (end + size).at_or_next_multiple_of(self.slide))
    }

    /// Whether the pane that ends at `end` is in no window at all: it lies between two.
    pub(crate) fn is_between(self, end: BatchTime) -> bool {
        self.has_left(end, end.at_or_next_multiple_of(self.slide))
    }
}

type Filter<U> = Box<dyn Fn(&U) -> bool>;

/// What outlives its panes, and how long.
pub(crate) struct Lasts<U> {
    /// Whether a key is shown; one that is not, and is in no pane, is forgotten.
    pub(crate) shown: Option<Filter<U>>,
    /// How long a key without new values is remembered.
    pub(crate) idle: Idle,
}

/// What is kept of a key. It is looked up at random, so it is kept small: what not every window asks is kept beside it.
struct Slot<W> {
    window: W,
    /// The slide in which it changed last, by its last bits: only whether it is this one is asked.
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
    cut: WindowSpec,
    lasts: Option<Lasts<(K, G::Result)>>,
    slots: Slots<K, Slot<StateOf<V, G>>>,
    /// The batch in which each slot had values last, where keys outlive their panes.
    fed: Vec<BatchTime>,
    panes: VecDeque<Pane<LeavingOf<V, G>>>,
    /// How many keys the panes have together.
    in_panes: usize,
    /// The room of panes that left: where one enters for one that leaves, nothing is allocated.
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
    pub(crate) fn new(cut: WindowSpec, lasts: Option<Lasts<(K, G::Result)>>) -> Self {
        Sliding {
            cut,
            lasts,
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
        how: &G,
        tracked: bool,
    ) {
        let end = self.cut.pane_of(time);
        if self.cut.is_between(end) {
            return;
        }
        if self.open != Some(end) {
            self.seal(how, tracked);
            if time == end {
                return self.enter(time, accumulators, how, tracked);
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
                    *open = open.take().map(|open| how.merge(open, accumulator));
                }
            }
        }
    }

    /// A pane of one batch enters as it comes.
    fn enter(
        &mut self,
        time: BatchTime,
        accumulators: impl Iterator<Item = (K, G::Accumulator)>,
        how: &G,
        tracked: bool,
    ) {
        let mut keys = std::mem::take(&mut self.spare);
        for (key, accumulator) in accumulators {
            let number = self.slots.number(key);
            self.feed(number, time);
            self.enter_one(number, accumulator, how, tracked, &mut keys);
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
        how: &G,
        tracked: bool,
        keys: &mut Vec<(u32, LeavingOf<V, G>)>,
    ) {
        if self.lists_changes(tracked) {
            self.touch(number, how, tracked);
        }
        let (_, slot) = self.slots.get_mut(number);
        match self.cut.size {
            None => slot.window.grow(accumulator, how),
            Some(_) => keys.push((number, slot.window.enter(accumulator, how))),
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

    /// Brings the window to where it is at the slide `at`, and says what it holds.
    pub(crate) fn slide(
        &mut self,
        at: BatchContext,
        how: &G,
        said: &mut Output<(K, G::Result)>,
        log: &StateWriter,
    ) {
        let tracked = said.wants_changes();
        self.leave(at.time, how, tracked);
        self.seal(how, tracked);
        if self.writes_keys() {
            self.write_keys(at.epoch, log);
        }
        self.say_changes(tracked, how, said);
        if let Some(lasts) = self.lasts.take() {
            let gone = self.forget(at.time, &lasts, how, said);
            self.lasts = Some(lasts);
            log.keys::<K, (G::Accumulator, u64), K, (G::Accumulator, u64)>(at.epoch, |put| {
                gone.iter().for_each(|number| put(&self.slots.get(*number).0, None));
            });
            gone.into_iter().for_each(|number| self.slots.release(number));
        }
        self.say_contents(how, said);
    }

    fn say_contents(&mut self, how: &G, said: &mut Output<(K, G::Result)>) {
        if said.wants_contents() {
            said.contents.reserve(self.slots.len());
            for (key, slot) in self.slots.iter() {
                said.contents.extend(slot.window.value(how).and_then(|value| self.shown(key.clone(), value)));
            }
        }
        if self.slots.len() == 0 {
            (self.fed, self.places) = Default::default();
        }
        self.slide = self.slide.checked_add(1).unwrap_or(NEVER.saturating_add(1));
    }

    /// How the state is written down: what comes in, for as long as it is in a window. What never leaves, or outlives its
    /// panes, is written key by key; unless it is all that came, for then to write a key again is to write all of it.
    pub(crate) fn shape(&self, parameters: Parameters) -> StateShape {
        let (size, slide) = (self.cut.size, Some(self.cut.slide));
        let (key, accumulator) = (schema::name::<K>(&[]), schema::name::<G::Accumulator>(&own_types()));
        let schema = schema::of_named::<(K, G::Accumulator)>(&format!("({key}, {accumulator})"));
        let panes = StateShape::panes_of(schema, size, slide);
        let shape = if self.writes_keys() { panes.with_keys() } else { panes };
        let filters = self.lasts.as_ref().is_some_and(|lasts| lasts.shown.is_some());
        let parameters =
            if filters { Parameters::all([parameters, Parameters::of("filter")]) } else { parameters };
        shape.by(name_of::<V, G>()).with(parameters.said())
    }

    fn writes_keys(&self) -> bool {
        self.lasts.is_some() || self.cut.size.is_none() && !<StateOf<V, G> as WindowState<V, G>>::HAS_ALL
    }

    /// Whether anybody asks which slots changed.
    fn lists_changes(&self, tracked: bool) -> bool {
        tracked || self.writes_keys()
    }

    /// Writes down the batch that is about to be taken in; `next` is the slide that it waits for, if it does.
    pub(crate) fn write(
        &self,
        BatchContext { epoch, time }: BatchContext,
        next: Option<BatchTime>,
        accumulators: &[(K, G::Accumulator)],
        log: &StateWriter,
    ) {
        let end = self.cut.pane_of(time);
        let until = match self.cut.size {
            _ if accumulators.is_empty() || self.cut.is_between(end) => return,
            Some(_) => self.cut.until(end),
            None if !self.writes_keys() => None,
            // From then on it is in its keys, which are written at each slide.
            None => match next {
                None => return,
                next => next,
            },
        };
        log.pane::<(K, G::Accumulator), _>(epoch, until, accumulators);
    }

    /// Writes down the keys that have changed since the last slide.
    fn write_keys(&self, epoch: Epoch, log: &StateWriter) {
        log.keys::<K, (G::Accumulator, u64), _, _>(epoch, |put| {
            for (number, _) in &self.changed {
                let (key, slot) = self.slots.get(*number);
                let fed = self.fed[*number as usize].as_nanos();
                put(key, slot.window.whole().map(|whole| (whole, fed)).as_ref());
            }
        });
    }

    /// Takes up what was written, as it was at the slide `due`, says that, and takes in what came after it.
    pub(crate) fn restore(
        &mut self,
        due: BatchTime,
        owns: impl Fn(&K) -> bool,
        how: &G,
        said: &mut Output<(K, G::Result)>,
        log: &StateWriter,
    ) {
        let mut later = Vec::new();
        log.panes(|time, _, mut batch: Vec<(K, G::Accumulator)>| {
            batch.retain(|(key, _)| owns(key));
            match time > due {
                true => later.push((time, batch)),
                // What is written may be more than what counts.
                false if self.cut.has_left(self.cut.pane_of(time), due) => {}
                false => self.batch(time, batch.into_iter(), how, false),
            }
        });
        self.leave(due, how, false);
        self.seal(how, false);
        if self.writes_keys() {
            self.changed.clear();
            self.restore_keys(owns, how, log);
        }
        self.say_changes(false, how, said);
        said.speaking(Audience::Contents, |said| self.say_contents(how, said));
        for (time, batch) in later {
            self.batch(time, batch.into_iter(), how, said.wants_changes());
        }
    }

    fn restore_keys(&mut self, owns: impl Fn(&K) -> bool, how: &G, log: &StateWriter) {
        let mut known = HashMap::<K, Option<(G::Accumulator, u64)>, foldhash::fast::RandomState>::default();
        log.states(|key: K, state| {
            if owns(&key) {
                known.insert(key, state);
            }
        });
        for (key, state) in known {
            let Some((whole, fed)) = state else { continue };
            let number = self.slots.number(key);
            self.slots.get_mut(number).1.window.put(whole, how);
            self.feed(number, BatchTime::from_nanos(fed));
        }
        // What was forgotten before the last slide, of panes that had left by then.
        let gone: Vec<u32> = self
            .slots
            .numbered()
            .filter(|(_, (_, slot))| slot.window.whole().is_none())
            .map(|(number, _)| number)
            .collect();
        gone.into_iter().for_each(|number| self.slots.release(number));
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

    fn say_changes(&mut self, tracked: bool, how: &G, said: &mut Output<(K, G::Result)>) {
        let mut changed = std::mem::take(&mut self.changed);
        if tracked {
            said.changes.reserve(2 * changed.len());
        }
        for (number, old) in changed.drain(..) {
            let (key, slot) = self.slots.get(number);
            if tracked {
                for (value, times) in [(old, -1), (slot.window.value(how), 1)] {
                    let pair = value.and_then(|value| self.shown(key.clone(), value));
                    said.changes.extend(pair.map(|pair| (pair, times)));
                }
            }
            if slot.window.is_gone() && self.lasts.is_none() {
                self.slots.release(number);
            }
        }
        self.changed = changed;
    }

    /// The pair, unless its operator hides it.
    fn shown(&self, key: K, value: G::Result) -> Option<(K, G::Result)> {
        let pair = (key, value);
        let shown = self.lasts.as_ref().and_then(|lasts| lasts.shown.as_ref());
        shown.is_none_or(|shown| shown(&pair)).then_some(pair)
    }

    /// The keys to be forgotten: those that outlived their panes and are hidden, or were idle too long.
    fn forget(
        &mut self,
        time: BatchTime,
        lasts: &Lasts<(K, G::Result)>,
        how: &G,
        said: &mut Output<(K, G::Result)>,
    ) -> Vec<u32> {
        if lasts.shown.is_none() && lasts.idle.get().is_none() {
            return Vec::new(); // kept for ever
        }
        let mut gone = Vec::new();
        for (number, (key, slot)) in self.slots.numbered().filter(|(_, (_, slot))| slot.window.is_gone()) {
            let Some(value) = slot.window.value(how) else { continue };
            let pair = (key.clone(), value);
            let hidden = lasts.shown.as_ref().is_some_and(|shown| !shown(&pair));
            let idle = lasts.idle.get().is_some_and(|idle| self.fed[number as usize] + idle <= time);
            if idle && !hidden {
                said.change(|| pair, -1);
            }
            if idle || hidden {
                gone.push(number);
            }
        }
        gone
    }

    /// Lets the open pane enter.
    fn seal(&mut self, how: &G, tracked: bool) {
        let Some(end) = self.open.take() else { return };
        let (mut filled, mut keys) = (std::mem::take(&mut self.filled), std::mem::take(&mut self.spare));
        for (number, accumulator) in filled.drain(..) {
            self.places[number as usize] = 0;
            let accumulator = accumulator.expect("it is taken only to be put back merged");
            self.enter_one(number, accumulator, how, tracked, &mut keys);
        }
        self.filled = filled;
        self.enclose(end, keys);
    }

    /// Lets the panes leave that are in no window from `time` on.
    fn leave(&mut self, time: BatchTime, how: &G, tracked: bool) {
        let (cut, listed) = (self.cut, self.lists_changes(tracked));
        while let Some(pane) = self.panes.pop_front_if(|pane| cut.has_left(pane.end, time)) {
            let mut keys = pane.keys;
            self.in_panes -= keys.len();
            for (number, leaving) in keys.drain(..) {
                if listed {
                    self.touch(number, how, tracked);
                }
                let (_, slot) = self.slots.get_mut(number);
                slot.window.leave(leaving, how);
                if !listed && slot.window.is_gone() {
                    self.changed.push((number, None));
                }
            }
            self.spare = keys;
        }
    }

    /// Notes that a slot is about to change.
    fn touch(&mut self, number: u32, how: &G, tracked: bool) {
        let (_, slot) = self.slots.get_mut(number);
        if slot.changed != self.slide {
            slot.changed = self.slide;
            self.changed.push((number, if tracked { slot.window.value(how) } else { None }));
        }
    }
}

/// What a list has of a slot; it is as long as it need be.
#[inline]
fn at<T: Clone + Default>(list: &mut Vec<T>, number: u32) -> &mut T {
    let number = number as usize;
    if list.len() <= number {
        list.resize(number + 1, T::default());
    }
    &mut list[number]
}
