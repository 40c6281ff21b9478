//! What two streams make together, key by key, brought up to date by what enters and what leaves either.
//!
//! The operator behind all joins of windows: a symmetric hash join. A key's slot has the values of both sides, oldest
//! first; panes hold slot numbers, as in `sliding`. A value that comes or goes meets what the other side has then, so
//! a batch costs the pairs that it changes.

use std::{collections::VecDeque, convert::Infallible, rc::Rc, time::Duration};

use serde::{Deserialize, Serialize};
use timely::dataflow::{StreamVec, channels::pact::Exchange};

use super::{
    by_key::owner,
    keep::{At, Keeper, Said, Says, keep},
    slots::Slots,
};
use crate::{
    checkpoint::{StateShape, short_name},
    gauge::Held,
    ledger::Entry,
    past::Relation,
    record::{Key, Record},
    rhythm::Rhythm,
    stream::{Epoch, JobContext, OpId},
    time::BatchTime,
};

/// A value with its side.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side<V, W> {
    Left(V),
    Right(W),
}

/// What the values of a key make together.
#[doc(hidden)]
pub trait Meeting<K, V, W>: 'static {
    type Out;
    /// Whether a left value makes something when there is no right one.
    const LEFT_ALONE: bool;
    const RIGHT_ALONE: bool;
    /// Whether what a key makes changes as a whole, and not pair by pair.
    const WHOLE: bool;

    /// All that a key makes.
    fn all(&self, key: &K, left: &VecDeque<V>, right: &VecDeque<W>, out: &mut impl FnMut(Self::Out));
    /// What a left value makes that comes or goes; `alone` if it is the only one.
    fn left(
        &self,
        key: &K,
        value: &V,
        alone: bool,
        right: &VecDeque<W>,
        out: &mut impl FnMut(Self::Out, i64),
    );
    fn right(
        &self,
        key: &K,
        value: &W,
        alone: bool,
        left: &VecDeque<V>,
        out: &mut impl FnMut(Self::Out, i64),
    );
}

/// How long a side keeps what it gets.
pub(super) enum Span<V> {
    /// Until it is renewed.
    Batch,
    /// For a window; `None` for ever.
    Window(Option<Duration>),
    /// Until it is taken back.
    Kept(fn(&V, &V) -> bool),
}

impl<V> Span<V> {
    /// In one word.
    fn name(&self) -> String {
        match self {
            Span::Batch => "batch".to_owned(),
            Span::Window(Some(size)) => format!("{size:?}"),
            Span::Window(None) => "history".to_owned(),
            Span::Kept(_) => "kept".to_owned(),
        }
    }

    /// The size of a window, if it is one.
    fn window(&self) -> Option<Option<Duration>> {
        match self {
            Span::Window(size) => Some(*size),
            Span::Batch | Span::Kept(_) => None,
        }
    }

    fn is_window(&self) -> bool {
        self.window().is_some()
    }

    /// Whether what comes is made again when the job goes on: as changes, or as contents that stand.
    fn comes_again(&self, rhythm: &Rhythm) -> bool {
        match self {
            Span::Batch => rhythm.stands(),
            Span::Window(_) => false,
            Span::Kept(_) => true,
        }
    }
}

/// When two sides are renewed, left and right, and when what they make is.
pub(super) struct MeetingTimes {
    pub(super) sides: [Rhythm; 2],
    pub(super) made: Rhythm,
}

struct Slot<V, W> {
    left: VecDeque<V>,
    right: VecDeque<W>,
    /// The time in which it changed last.
    touched: u64,
}

impl<V, W> Default for Slot<V, W> {
    fn default() -> Self {
        Slot { left: VecDeque::new(), right: VecDeque::new(), touched: 0 }
    }
}

/// Bytes of slots that are found as fast in any order: those of a second cache.
const NEAR: usize = 1 << 20;

/// The slots of what came in one batch, which leaves together.
type Panes = VecDeque<(BatchTime, Vec<u32>)>;

struct Meet<K, V, W, M: Meeting<K, V, W>> {
    how: M,
    left: Span<V>,
    right: Span<W>,
    left_panes: Panes,
    right_panes: Panes,
    slots: Slots<K, Slot<V, W>>,
    /// How many values each side has.
    lefts: usize,
    rights: usize,
    /// Slots that changed, with what they made before where that is wanted.
    touched: Vec<(u32, Vec<M::Out>)>,
    now: u64,
}

/// Whether what came then has left a side that is renewed now.
fn has_left<V>(span: &Span<V>, came: BatchTime, now: BatchTime) -> bool {
    match span {
        Span::Batch => true,
        Span::Window(Some(size)) => came + *size <= now,
        Span::Window(None) | Span::Kept(_) => false,
    }
}

impl<K: Key, V: Record, W: Record, M: Meeting<K, V, W, Out: Clone>> Meet<K, V, W, M> {
    /// Renews the sides for which there is a time, left and right: lets leave what has left by then, and enter what
    /// comes.
    fn meet(
        &mut self,
        [left_now, right_now]: [Option<BatchTime>; 2],
        entering: impl Iterator<Item = Coming<K, V, W>>,
        said: &mut Said<M::Out>,
    ) {
        self.now += 1;
        while let Some(now) = left_now
            && let Some((_, numbers)) =
                self.left_panes.pop_front_if(|(came, _)| has_left(&self.left, *came, now))
        {
            for number in numbers {
                self.touch(number, said);
                let value = self.slots.get_mut(number).1.left.pop_front().expect("it came with its pane");
                self.lefts -= 1;
                self.left_moves(number, &value, -1, said);
            }
        }
        while let Some(now) = right_now
            && let Some((_, numbers)) =
                self.right_panes.pop_front_if(|(came, _)| has_left(&self.right, *came, now))
        {
            for number in numbers {
                self.touch(number, said);
                let value = self.slots.get_mut(number).1.right.pop_front().expect("it came with its pane");
                self.rights -= 1;
                self.right_moves(number, &value, -1, said);
            }
        }
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        // A window that slides over gaps has lost it before it was ever in.
        let misses_left =
            |came| self.left.is_window() && left_now.is_some_and(|now| has_left(&self.left, came, now));
        let misses_right =
            |came| self.right.is_window() && right_now.is_some_and(|now| has_left(&self.right, came, now));
        for (came, key, side, times) in entering {
            match side {
                Side::Left(value) if !misses_left(came) => {
                    lefts.push((came, self.slots.number(key), value, times));
                }
                Side::Right(value) if !misses_right(came) => {
                    rights.push((came, self.slots.number(key), value, times));
                }
                _ => {}
            }
        }
        if self.slots.bytes() > NEAR {
            // In the order of the slots, so that slots, and what they have allocated, are gone through and not jumped in;
            // and so in turn when the panes leave. The values of a key stay in their order.
            lefts.sort_by_key(|(came, number, ..)| (*came, *number));
            rights.sort_by_key(|(came, number, ..)| (*came, *number));
        }
        for (came, number, value, times) in lefts {
            self.left_comes(came, number, value, times, said);
        }
        for (came, number, value, times) in rights {
            self.right_comes(came, number, value, times, said);
        }
        for (number, before) in std::mem::take(&mut self.touched) {
            if M::WHOLE && said.wants_changes() {
                before.into_iter().for_each(|made| said.changes.push((made, -1)));
                let (key, slot) = self.slots.get(number);
                self.how.all(key, &slot.left, &slot.right, &mut |made| said.changes.push((made, 1)));
            }
            let (_, slot) = self.slots.get(number);
            if slot.left.is_empty() && slot.right.is_empty() {
                self.slots.release(number);
            }
        }
    }

    /// What is kept: keys, and the values of both sides.
    fn held(&self) -> Held {
        let values = self.lefts * size_of::<V>() + self.rights * size_of::<W>();
        Held::new(self.slots.len() + self.lefts + self.rights, self.slots.bytes() + values)
    }

    fn left_comes(&mut self, came: BatchTime, number: u32, value: V, times: i64, said: &mut Said<M::Out>) {
        self.touch(number, said);
        if let Span::Kept(same) = self.left {
            for _ in 0..times.abs() {
                if times < 0 {
                    take_back(&mut self.slots.get_mut(number).1.left, &value, same);
                    self.lefts -= 1;
                }
                self.left_moves(number, &value, times.signum(), said);
                if times > 0 {
                    self.slots.get_mut(number).1.left.push_back(value.clone());
                    self.lefts += 1;
                }
            }
            return;
        }
        self.left_moves(number, &value, 1, said);
        self.slots.get_mut(number).1.left.push_back(value);
        self.lefts += 1;
        note(&self.left, &mut self.left_panes, came, number);
    }

    fn right_comes(&mut self, came: BatchTime, number: u32, value: W, times: i64, said: &mut Said<M::Out>) {
        self.touch(number, said);
        if let Span::Kept(same) = self.right {
            for _ in 0..times.abs() {
                if times < 0 {
                    take_back(&mut self.slots.get_mut(number).1.right, &value, same);
                    self.rights -= 1;
                }
                self.right_moves(number, &value, times.signum(), said);
                if times > 0 {
                    self.slots.get_mut(number).1.right.push_back(value.clone());
                    self.rights += 1;
                }
            }
            return;
        }
        self.right_moves(number, &value, 1, said);
        self.slots.get_mut(number).1.right.push_back(value);
        self.rights += 1;
        note(&self.right, &mut self.right_panes, came, number);
    }

    /// Says what a left value makes that is not, or no longer, in its slot.
    fn left_moves(&mut self, number: u32, value: &V, times: i64, said: &mut Said<M::Out>) {
        if !M::WHOLE && said.wants_changes() {
            let (key, slot) = self.slots.get(number);
            let out = &mut |made, n: i64| said.changes.push((made, n * times));
            self.how.left(key, value, slot.left.is_empty(), &slot.right, out);
        }
    }

    fn right_moves(&mut self, number: u32, value: &W, times: i64, said: &mut Said<M::Out>) {
        if !M::WHOLE && said.wants_changes() {
            let (key, slot) = self.slots.get(number);
            let out = &mut |made, n: i64| said.changes.push((made, n * times));
            self.how.right(key, value, slot.right.is_empty(), &slot.left, out);
        }
    }

    /// Notes that a slot is about to change.
    fn touch(&mut self, number: u32, said: &Said<M::Out>) {
        let (key, slot) = self.slots.get_mut(number);
        if slot.touched == self.now {
            return;
        }
        slot.touched = self.now;
        let mut before = Vec::new();
        if M::WHOLE && said.wants_changes() {
            self.how.all(key, &slot.left, &slot.right, &mut |made| before.push(made));
        }
        self.touched.push((number, before));
    }

    fn say_contents(&self, said: &mut Said<M::Out>) {
        if !said.wants_contents() {
            return;
        }
        let contents = &mut said.contents;
        let mut say = |(key, slot): &(K, Slot<V, W>)| {
            self.how.all(key, &slot.left, &slot.right, &mut |made| contents.push(made));
        };
        // Where a batch is looked up in a table, the rest of the table makes nothing.
        let batch = match (&self.left, &self.right) {
            (Span::Batch, _) if !M::RIGHT_ALONE => &self.left_panes,
            (_, Span::Batch) if !M::LEFT_ALONE => &self.right_panes,
            _ => return self.slots.iter().for_each(say),
        };
        let mut numbers: Vec<u32> = batch.iter().flat_map(|(_, numbers)| numbers).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().for_each(|number| say(self.slots.get(number)));
    }
}

fn take_back<V>(values: &mut VecDeque<V>, value: &V, same: fn(&V, &V) -> bool) {
    let place = values.iter().position(|other| same(other, value));
    values.remove(place.expect(
        "what is taken back was there: closures give the same for the same record, or what they gave is lost",
    ));
}

/// Notes what leaves with its batch.
fn note<V>(span: &Span<V>, panes: &mut Panes, came: BatchTime, number: u32) {
    if let Span::Window(None) | Span::Kept(_) = span {
        return;
    }
    match panes.back_mut() {
        Some((last, numbers)) if *last == came => numbers.push(number),
        _ => panes.push_back((came, vec![number])),
    }
}

/// Something that comes: in which batch, and how often.
type Coming<K, V, W> = (BatchTime, K, Side<V, W>, i64);

/// Brings the two sides of each key to its owner, and keeps what they make together up to date.
pub(super) fn meet<'s, K: Key, V: Record, W: Record, M: Meeting<K, V, W, Out: Clone + 'static>>(
    sides: StreamVec<'s, Epoch, (K, Side<V, W>, i64)>,
    (left, right): (Span<V>, Span<W>),
    times: MeetingTimes,
    id: OpId,
    job: Rc<JobContext>,
    how: M,
) -> Relation<'s, M::Out> {
    let meet = Meet {
        how,
        left,
        right,
        left_panes: Panes::new(),
        right_panes: Panes::new(),
        slots: Slots::default(),
        lefts: 0,
        rights: 0,
        touched: Vec::new(),
        now: 0,
    };
    let keeper = Join { meet, waiting: Default::default(), times, job: job.clone() };
    keep(sides, Exchange::new(|(key, ..): &(K, Side<V, W>, i64)| owner(key)), id, job, keeper)
}

/// Both sides, and what waits until its side is renewed.
struct Join<K, V, W, M: Meeting<K, V, W>> {
    meet: Meet<K, V, W, M>,
    /// By side: in which order the two come is chance, and changes would tell.
    waiting: [Vec<Coming<K, V, W>>; 2],
    times: MeetingTimes,
    job: Rc<JobContext>,
}

impl<K: Key, V: Record, W: Record, M: Meeting<K, V, W, Out: Clone>> Join<K, V, W, M> {
    /// Which sides are renewed, left and right. What is kept comes as changes, which are there when it is.
    fn renewed(&self, epoch: Epoch) -> [bool; 2] {
        let [left, right] = &self.times.sides;
        let Meet { left: one, right: other, .. } = &self.meet;
        let is_due = |rhythm| self.job.is_due(epoch, rhythm);
        [matches!(one, Span::Kept(_)) || is_due(left), matches!(other, Span::Kept(_)) || is_due(right)]
    }

    /// Writes down what comes to windows, each for as long as it is in them. The rest is made again of what comes.
    fn write(&self, At { epoch, time }: At, batch: &[(K, Side<V, W>, i64)], log: &Entry) {
        let interval = self.job.interval;
        let came = time.at_or_next_multiple_of(interval);
        let [left, right] = &self.times.sides;
        let sides = [(true, self.meet.left.window(), left), (false, self.meet.right.window(), right)];
        for (is_left, window, rhythm) in sides {
            let Some(size) = window else { continue };
            let side: Vec<_> =
                batch.iter().filter(|(_, side, _)| matches!(side, Side::Left(_)) == is_left).collect();
            if !side.is_empty() {
                log.pane(epoch, size.map(|size| rhythm.at_or_next(came + size, interval)), &side);
            }
        }
    }
}

impl<K: Key, V: Record, W: Record, M: Meeting<K, V, W, Out: Clone>> Keeper for Join<K, V, W, M> {
    type In = (K, Side<V, W>, i64);
    type Out = M::Out;
    type Emitted = Infallible;

    fn shape(&self) -> Option<StateShape> {
        let Meet { left, right, .. } = &self.meet;
        let [one, other] = &self.times.sides;
        let windows = match (left.is_window(), right.is_window()) {
            (true, true) => one.or(other),
            (true, false) => one.clone(),
            (false, true) => other.clone(),
            (false, false) => return None,
        };
        let how = format!("{}[{},{}]", short_name::<M>(), left.name(), right.name());
        Some(StateShape::panes::<Self::In>(None, windows.slide()).by(how))
    }

    fn close(&mut self, at: At, batch: &mut Vec<Self::In>, said: &mut Said<M::Out>, log: &Entry) {
        if log.is_on() {
            self.write(at, batch, log);
        }
        // Batches that closed early belong to the boundary behind them.
        let came = at.time.at_or_next_multiple_of(self.job.interval);
        for (key, side, times) in batch.drain(..) {
            self.waiting[usize::from(matches!(side, Side::Right(_)))].push((came, key, side, times));
        }
        let [left, right] = self.renewed(at.epoch);
        if left || right {
            let [lefts, rights] = &mut self.waiting;
            let lefts = lefts.drain(..if left { lefts.len() } else { 0 });
            let rights = rights.drain(..if right { rights.len() } else { 0 });
            let now = [left.then_some(at.time), right.then_some(at.time)];
            self.meet.meet(now, lefts.chain(rights), said);
        }
        if self.job.is_due(at.epoch, &self.times.made) {
            self.meet.say_contents(said);
        }
        said.held = self.meet.held();
    }

    fn restore(&mut self, as_of: BatchTime, log: &Entry, batch: &mut Vec<Self::In>, said: &mut Said<M::Out>) {
        let [left, right] = &self.times.sides;
        let due = [left.last(as_of), right.last(as_of)];
        let of = |side: &Side<V, W>| usize::from(matches!(side, Side::Right(_)));
        let windows = [self.meet.left.is_window(), self.meet.right.is_window()];
        let mut entering: Vec<Coming<K, V, W>> = Vec::new();
        log.panes(|time, _, brought: Vec<Self::In>| {
            let came = time.at_or_next_multiple_of(self.job.interval);
            for (key, side, times) in brought {
                let at = of(&side);
                match () {
                    () if !windows[at] || !self.job.owns(owner(&key)) => {}
                    () if time > due[at] => self.waiting[at].push((came, key, side, times)),
                    () => entering.push((came, key, side, times)),
                }
            }
        });
        // What comes to this batch is what is kept, and contents as they stand. What else does was in the state already.
        let again = [self.meet.left.comes_again(left), self.meet.right.comes_again(right)];
        let stood = batch.drain(..).filter(|(_, side, _)| again[of(side)]);
        entering.extend(stood.map(|(key, side, times)| (due[of(&side)], key, side, times)));
        let says = self.times.made.stands();
        said.speaking(Says::Contents, |said| {
            self.meet.meet(due.map(Some), entering.into_iter(), said);
            if says {
                self.meet.say_contents(said);
            }
        });
        said.held = self.meet.held();
    }
}
