//! A symmetric hash join, kept up to date by what enters and leaves either side: the operator behind all joins of windows and tables.
//!
//! A key's slot has the values of both sides, oldest first; panes hold slot numbers, as in `sliding`. A value that comes or goes is
//! paired with the values that the other side has then, so a batch costs the pairs that it changes.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    rc::Rc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use timely::dataflow::{StreamVec, channels::pact::Exchange};

use crate::{
    checkpoint::{StateShape, state_log::StateWriter},
    ids::{Epoch, OpId},
    observe::{
        operator_stats::Held,
        panic_origin::{Why, fail},
    },
    operators::kernel::{
        copies::few,
        hashing::hash,
        slots::Slots,
        stateful::{Audience, BatchContext, Output, StatefulOperator, keep},
    },
    record::{Key, Record},
    schema::{self, Schema},
    stream::{context::JobContext, kind::Relation, rhythm::Rhythm},
    time::BatchTime,
};

/// A value with its side.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JoinSide<V, W> {
    #[serde(rename = "Left")]
    Left(V),
    #[serde(rename = "Right")]
    Right(W),
}

/// The schema of a value with its key, its side and how often it comes. Names of variants, and of the whole where it is
/// opaque, are on disk.
fn schema<K: Key, V: Record, W: Record>() -> Schema {
    let (key, left, right) = (schema::name::<K>(&[]), schema::name::<V>(&[]), schema::name::<W>(&[]));
    schema::of_named::<(K, JoinSide<V, W>, i64)>(&format!("({key}, Side<{left}, {right}>, i64)"))
}

/// What the values of a key make together.
#[doc(hidden)]
pub trait JoinLogic<K, V, W>: 'static {
    type Out;
    /// What a checkpoint calls it.
    const NAME: &'static str;
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
pub(crate) enum Retention<V> {
    /// Until it is renewed.
    Batch,
    /// For a window; `None` for ever.
    Window(Option<Duration>),
    /// Until it is taken back.
    Table(TakenBack<V>),
}

/// How values that are taken back are told from others.
pub(crate) struct TakenBack<V> {
    same: fn(&V, &V) -> bool,
    hash: fn(&V) -> u64,
}

impl<V> Clone for TakenBack<V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V> Copy for TakenBack<V> {}

impl<V: Key> TakenBack<V> {
    pub(crate) fn new() -> Self {
        TakenBack { same: V::eq, hash: hash::<V> }
    }
}

impl<V> TakenBack<V> {
    /// Values that are looked for one by one.
    const FEW: i64 = 4;

    /// Takes what is `gone` out of `values`, of each kind the oldest. What is left in `gone` is not there.
    fn take(&self, values: &mut VecDeque<V>, gone: &mut [JoinChange<V>]) -> Vec<V> {
        let mut taken = Vec::new();
        if gone.iter().map(|gone| gone.times).fold(0, i64::saturating_add) >= -Self::FEW {
            for gone in gone {
                while gone.times < 0
                    && let Some(place) = values.iter().position(|value| (self.same)(value, &gone.value))
                {
                    taken.extend(values.remove(place));
                    gone.times += 1;
                }
            }
            return taken;
        }
        let mut places = HashMap::<u64, Vec<usize>, foldhash::fast::RandomState>::default();
        for (place, gone) in gone.iter().enumerate() {
            places.entry((self.hash)(&gone.value)).or_default().push(place);
        }
        for value in std::mem::take(values) {
            let mut alike = places.get(&(self.hash)(&value)).into_iter().flatten();
            let is_gone =
                |place: &&usize| gone[**place].times < 0 && (self.same)(&gone[**place].value, &value);
            match alike.find(is_gone) {
                Some(place) => {
                    gone[*place].times += 1;
                    taken.push(value);
                }
                None => values.push_back(value),
            }
        }
        taken
    }

    /// Parts what changes into what goes, by slot, and what comes.
    fn part(changes: Vec<JoinChange<V>>) -> (Vec<JoinChange<V>>, Vec<JoinChange<V>>) {
        let (mut gone, come): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| change.times < 0);
        gone.sort_by_key(|change| change.slot);
        (gone, come)
    }

    /// What goes and was not there has come in the same batch: then neither counts.
    fn cancel(&self, gone: &[JoinChange<V>], come: &mut [JoinChange<V>], id: OpId) {
        for gone in gone.iter().filter(|gone| gone.times < 0) {
            let mut left = -gone.times;
            for come in &mut *come {
                if left > 0 && come.slot == gone.slot && (self.same)(&come.value, &gone.value) {
                    let times = left.min(come.times);
                    come.times -= times;
                    left -= times;
                }
            }
            if left > 0 {
                fail(id, Why::never_said(&gone.value));
            }
        }
    }
}

/// A value that comes, or goes, so often: in which batch, and in which slot.
struct JoinChange<V> {
    came: BatchTime,
    slot: u32,
    value: V,
    times: i64,
}

impl<V> Retention<V> {
    /// In one word.
    fn name(&self) -> String {
        match self {
            Retention::Batch => "batch".to_owned(),
            Retention::Window(Some(size)) => in_tens(*size),
            Retention::Window(None) => "history".to_owned(),
            Retention::Table(_) => "kept".to_owned(),
        }
    }

    /// The size of a window, if it is one.
    fn window(&self) -> Option<Option<Duration>> {
        match self {
            Retention::Window(size) => Some(*size),
            Retention::Batch | Retention::Table(_) => None,
        }
    }

    fn is_window(&self) -> bool {
        self.window().is_some()
    }

    /// Whether what comes is made again when the job goes on: as changes, or as contents that stand.
    fn comes_again(&self, rhythm: &Rhythm) -> bool {
        match self {
            Retention::Batch => rhythm.stands(),
            Retention::Window(_) => false,
            Retention::Table(_) => true,
        }
    }
}

/// A duration on disk: `1.5s`, `250ms`.
fn in_tens(duration: Duration) -> String {
    const UNITS: [(&str, u128); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000), ("ns", 1)];
    let nanos = duration.as_nanos();
    let (unit, size) = UNITS.into_iter().find(|(_, size)| nanos >= *size).unwrap_or(("ns", 1));
    let rest = match nanos % size {
        0 => String::new(),
        // One more than the unit has, for the zeros in front.
        rest => format!(".{}", (size + rest).to_string()[1..].trim_end_matches('0')),
    };
    format!("{}{rest}{unit}", nanos / size)
}

/// When two sides are renewed, left and right, and when what they make is.
pub(crate) struct JoinTimes {
    pub(crate) sides: [Rhythm; 2],
    pub(crate) made: Rhythm,
}

struct JoinSlot<V, W> {
    left: VecDeque<V>,
    right: VecDeque<W>,
    /// The time in which it changed last.
    touched: u64,
}

impl<V, W> Default for JoinSlot<V, W> {
    fn default() -> Self {
        JoinSlot { left: VecDeque::new(), right: VecDeque::new(), touched: 0 }
    }
}

/// Bytes of slots that are found as fast in any order: those of a second cache.
const NEAR: usize = 1 << 20;

/// The slots of what came in one batch, which leaves together.
type JoinPanes = VecDeque<(BatchTime, Vec<u32>)>;

struct Meet<K, V, W, M: JoinLogic<K, V, W>> {
    how: M,
    id: OpId,
    left: Retention<V>,
    right: Retention<W>,
    left_panes: JoinPanes,
    right_panes: JoinPanes,
    slots: Slots<K, JoinSlot<V, W>>,
    /// How many values each side has.
    lefts: usize,
    rights: usize,
    /// Slots that changed, with what they made before where that is wanted.
    touched: Vec<(u32, Vec<M::Out>)>,
    now: u64,
}

/// Whether what came then has left a side that is renewed now.
fn has_left<V>(span: &Retention<V>, came: BatchTime, now: BatchTime) -> bool {
    match span {
        Retention::Batch => true,
        Retention::Window(Some(size)) => came + *size <= now,
        Retention::Window(None) | Retention::Table(_) => false,
    }
}

impl<K: Key, V: Record, W: Record, M: JoinLogic<K, V, W, Out: Clone>> Meet<K, V, W, M> {
    /// Renews the sides for which there is a time, left and right: lets leave what has left by then, and enter what
    /// comes.
    fn meet(
        &mut self,
        [left_now, right_now]: [Option<BatchTime>; 2],
        entering: impl Iterator<Item = JoinInput<K, V, W>>,
        said: &mut Output<M::Out>,
    ) {
        self.now += 1;
        while let Some(now) = left_now
            && let Some((_, numbers)) =
                self.left_panes.pop_front_if(|(came, _)| has_left(&self.left, *came, now))
        {
            for number in numbers {
                self.touch(number, said);
                let slot = &mut self.slots.get_mut(number).1;
                let value = slot.left.pop_front().expect("it came with its pane");
                let alone = slot.left.is_empty();
                self.lefts -= 1;
                self.left_moves(number, &value, alone, -1, said);
            }
        }
        while let Some(now) = right_now
            && let Some((_, numbers)) =
                self.right_panes.pop_front_if(|(came, _)| has_left(&self.right, *came, now))
        {
            for number in numbers {
                self.touch(number, said);
                let slot = &mut self.slots.get_mut(number).1;
                let value = slot.right.pop_front().expect("it came with its pane");
                let alone = slot.right.is_empty();
                self.rights -= 1;
                self.right_moves(number, &value, alone, -1, said);
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
                JoinSide::Left(value) if !misses_left(came) => {
                    lefts.push(JoinChange { came, slot: self.slots.number(key), value, times });
                }
                JoinSide::Right(value) if !misses_right(came) => {
                    rights.push(JoinChange { came, slot: self.slots.number(key), value, times });
                }
                _ => {}
            }
        }
        if self.slots.bytes() > NEAR {
            // In the order of the slots, so that slots, and what they have allocated, are gone through and not jumped in;
            // and so in turn when the panes leave. The values of a key stay in their order.
            lefts.sort_by_key(|change: &JoinChange<V>| (change.came, change.slot));
            rights.sort_by_key(|change: &JoinChange<W>| (change.came, change.slot));
        }
        // A left value that would be alone meets what the right side has by now: it is not said to be alone, and taken back
        // in the same batch.
        match M::LEFT_ALONE {
            true => {
                self.rights_change(rights, said);
                self.lefts_change(lefts, said);
            }
            false => {
                self.lefts_change(lefts, said);
                self.rights_change(rights, said);
            }
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

    fn lefts_change(&mut self, changes: Vec<JoinChange<V>>, said: &mut Output<M::Out>) {
        let Retention::Table(taken_back) = self.left else {
            for JoinChange { came, slot: number, value, .. } in changes {
                self.left_comes(number, value, said);
                note(&self.left, &mut self.left_panes, came, number);
            }
            return;
        };
        let (mut gone, mut come) = TakenBack::part(changes);
        for gone in gone.chunk_by_mut(|a, b| a.slot == b.slot) {
            let number = gone[0].slot;
            self.touch(number, said);
            let left = &mut self.slots.get_mut(number).1.left;
            let taken = taken_back.take(left, gone);
            let is_empty = left.is_empty();
            self.lefts -= taken.len();
            for (n, value) in taken.iter().enumerate() {
                let alone = is_empty && n + 1 == taken.len();
                self.left_moves(number, value, alone, -1, said);
            }
        }
        taken_back.cancel(&gone, &mut come, self.id);
        for JoinChange { slot, value, times, .. } in come {
            (0..few(self.id, times)).for_each(|_| self.left_comes(slot, value.clone(), said));
        }
    }

    fn left_comes(&mut self, number: u32, value: V, said: &mut Output<M::Out>) {
        self.touch(number, said);
        let alone = self.slots.get(number).1.left.is_empty();
        self.left_moves(number, &value, alone, 1, said);
        self.slots.get_mut(number).1.left.push_back(value);
        self.lefts += 1;
    }

    fn rights_change(&mut self, changes: Vec<JoinChange<W>>, said: &mut Output<M::Out>) {
        let Retention::Table(taken_back) = self.right else {
            for JoinChange { came, slot: number, value, .. } in changes {
                self.right_comes(number, value, said);
                note(&self.right, &mut self.right_panes, came, number);
            }
            return;
        };
        let (mut gone, mut come) = TakenBack::part(changes);
        for gone in gone.chunk_by_mut(|a, b| a.slot == b.slot) {
            let number = gone[0].slot;
            self.touch(number, said);
            let right = &mut self.slots.get_mut(number).1.right;
            let taken = taken_back.take(right, gone);
            let is_empty = right.is_empty();
            self.rights -= taken.len();
            for (n, value) in taken.iter().enumerate() {
                let alone = is_empty && n + 1 == taken.len();
                self.right_moves(number, value, alone, -1, said);
            }
        }
        taken_back.cancel(&gone, &mut come, self.id);
        for JoinChange { slot, value, times, .. } in come {
            (0..few(self.id, times)).for_each(|_| self.right_comes(slot, value.clone(), said));
        }
    }

    fn right_comes(&mut self, number: u32, value: W, said: &mut Output<M::Out>) {
        self.touch(number, said);
        let alone = self.slots.get(number).1.right.is_empty();
        self.right_moves(number, &value, alone, 1, said);
        self.slots.get_mut(number).1.right.push_back(value);
        self.rights += 1;
    }

    /// Says what a left value makes that is not, or no longer, in its slot; `alone` if no other is.
    fn left_moves(&mut self, number: u32, value: &V, alone: bool, times: i64, said: &mut Output<M::Out>) {
        if !M::WHOLE && said.wants_changes() {
            let (key, slot) = self.slots.get(number);
            let out = &mut |made, n: i64| said.changes.push((made, n * times));
            self.how.left(key, value, alone, &slot.right, out);
        }
    }

    fn right_moves(&mut self, number: u32, value: &W, alone: bool, times: i64, said: &mut Output<M::Out>) {
        if !M::WHOLE && said.wants_changes() {
            let (key, slot) = self.slots.get(number);
            let out = &mut |made, n: i64| said.changes.push((made, n * times));
            self.how.right(key, value, alone, &slot.left, out);
        }
    }

    /// Notes that a slot is about to change.
    fn touch(&mut self, number: u32, said: &Output<M::Out>) {
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

    fn say_contents(&self, said: &mut Output<M::Out>) {
        if !said.wants_contents() {
            return;
        }
        let contents = &mut said.contents;
        let mut say = |(key, slot): &(K, JoinSlot<V, W>)| {
            self.how.all(key, &slot.left, &slot.right, &mut |made| contents.push(made));
        };
        // Where a batch is looked up in a table, the rest of the table makes nothing.
        let batch = match (&self.left, &self.right) {
            (Retention::Batch, _) if !M::RIGHT_ALONE => &self.left_panes,
            (_, Retention::Batch) if !M::LEFT_ALONE => &self.right_panes,
            _ => return self.slots.iter().for_each(say),
        };
        let mut numbers: Vec<u32> = batch.iter().flat_map(|(_, numbers)| numbers).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().for_each(|number| say(self.slots.get(number)));
    }
}

/// Notes what leaves with its batch.
fn note<V>(span: &Retention<V>, panes: &mut JoinPanes, came: BatchTime, number: u32) {
    if let Retention::Window(None) | Retention::Table(_) = span {
        return;
    }
    match panes.back_mut() {
        Some((last, numbers)) if *last == came => numbers.push(number),
        _ => panes.push_back((came, vec![number])),
    }
}

/// Something that comes: in which batch, and how often.
type JoinInput<K, V, W> = (BatchTime, K, JoinSide<V, W>, i64);

/// Brings the two sides of each key to its owner, and keeps what they make together up to date.
pub(crate) fn meet<'s, K: Key, V: Record, W: Record, M: JoinLogic<K, V, W, Out: Clone + 'static>>(
    sides: StreamVec<'s, Epoch, (K, JoinSide<V, W>, i64)>,
    (left, right): (Retention<V>, Retention<W>),
    times: JoinTimes,
    id: OpId,
    job: Rc<JobContext>,
    how: M,
) -> Relation<'s, M::Out> {
    let meet = Meet {
        how,
        id,
        left,
        right,
        left_panes: JoinPanes::new(),
        right_panes: JoinPanes::new(),
        slots: Slots::default(),
        lefts: 0,
        rights: 0,
        touched: Vec::new(),
        now: 0,
    };
    let keeper = Join { meet, waiting: Default::default(), times, job: job.clone() };
    let owners = job.owners.clone();
    keep(sides, Exchange::new(move |(key, ..): &(K, JoinSide<V, W>, i64)| owners.of(key)), id, job, keeper)
}

/// Both sides, and what waits until its side is renewed.
struct Join<K, V, W, M: JoinLogic<K, V, W>> {
    meet: Meet<K, V, W, M>,
    /// By side: in which order the two come is chance, and changes would tell.
    waiting: [Vec<JoinInput<K, V, W>>; 2],
    times: JoinTimes,
    job: Rc<JobContext>,
}

impl<K: Key, V: Record, W: Record, M: JoinLogic<K, V, W, Out: Clone>> Join<K, V, W, M> {
    /// Which sides are renewed, left and right. What is kept comes as changes, which are there when it is.
    fn renewed(&self, epoch: Epoch) -> [bool; 2] {
        let [left, right] = &self.times.sides;
        let Meet { left: one, right: other, .. } = &self.meet;
        let is_due = |rhythm| self.job.is_due(epoch, rhythm);
        [
            matches!(one, Retention::Table(_)) || is_due(left),
            matches!(other, Retention::Table(_)) || is_due(right),
        ]
    }

    /// Writes down what comes to windows, each for as long as it is in them. The rest is made again of what comes.
    fn write(
        &self,
        BatchContext { epoch, time }: BatchContext,
        batch: &[(K, JoinSide<V, W>, i64)],
        log: &StateWriter,
    ) {
        let interval = self.job.interval;
        let came = time.at_or_next_multiple_of(interval);
        let [left, right] = &self.times.sides;
        let sides = [(true, self.meet.left.window(), left), (false, self.meet.right.window(), right)];
        for (is_left, window, rhythm) in sides {
            let Some(size) = window else { continue };
            let side: Vec<_> =
                batch.iter().filter(|(_, side, _)| matches!(side, JoinSide::Left(_)) == is_left).collect();
            if !side.is_empty() {
                let until = size.map(|size| rhythm.at_or_next(came + size, interval));
                log.pane::<(K, JoinSide<V, W>, i64), _>(epoch, until, &side);
            }
        }
    }
}

impl<K: Key, V: Record, W: Record, M: JoinLogic<K, V, W, Out: Clone>> StatefulOperator for Join<K, V, W, M> {
    type In = (K, JoinSide<V, W>, i64);
    type Out = M::Out;
    type Emitted = Infallible;

    const KIND: &'static str = "join";

    fn shape(&self) -> Option<StateShape> {
        let Meet { left, right, .. } = &self.meet;
        let [one, other] = &self.times.sides;
        let windows = match (left.is_window(), right.is_window()) {
            (true, true) => one.or(other),
            (true, false) => one.clone(),
            (false, true) => other.clone(),
            (false, false) => return None,
        };
        let how = format!("{}[{},{}]", M::NAME, left.name(), right.name());
        let lasts = [left.window(), right.window()].contains(&Some(None));
        Some(StateShape::panes_of(schema::<K, V, W>(), None, windows.slide()).by(Ok(how)).lasting(lasts))
    }

    fn close(
        &mut self,
        at: BatchContext,
        batch: &mut Vec<Self::In>,
        said: &mut Output<M::Out>,
        log: &StateWriter,
    ) {
        if log.is_on() {
            self.write(at, batch, log);
        }
        // Batches that closed early belong to the boundary behind them.
        let came = at.time.at_or_next_multiple_of(self.job.interval);
        for (key, side, times) in batch.drain(..) {
            self.waiting[usize::from(matches!(side, JoinSide::Right(_)))].push((came, key, side, times));
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

    fn restore(
        &mut self,
        as_of: BatchTime,
        log: &StateWriter,
        batch: &mut Vec<Self::In>,
        said: &mut Output<M::Out>,
    ) {
        let [left, right] = &self.times.sides;
        let due = [self.job.last_due(as_of, left), self.job.last_due(as_of, right)];
        let of = |side: &JoinSide<V, W>| usize::from(matches!(side, JoinSide::Right(_)));
        let windows = [self.meet.left.is_window(), self.meet.right.is_window()];
        let mut entering: Vec<JoinInput<K, V, W>> = Vec::new();
        log.panes(|time, _, brought: Vec<Self::In>| {
            let came = time.at_or_next_multiple_of(self.job.interval);
            for (key, side, times) in brought {
                let at = of(&side);
                match () {
                    () if !windows[at] || !self.job.owns(&key) => {}
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
        said.speaking(Audience::Contents, |said| {
            self.meet.meet(due.map(Some), entering.into_iter(), said);
            if says {
                self.meet.say_contents(said);
            }
        });
        said.held = self.meet.held();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::operators::kernel::hash_join::in_tens;

    #[test]
    fn durations_are_written_in_the_largest_unit_that_they_have() {
        let cases = [
            (0, "0ns"),
            (7, "7ns"),
            (1_500, "1.5µs"),
            (250_000_000, "250ms"),
            (1_000_001_000, "1.000001s"),
            (1_500_000_000, "1.5s"),
            (3_600_000_000_000, "3600s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(in_tens(Duration::from_nanos(nanos)), text);
            // As earlier releases wrote them, on a standard library that did so.
            assert_eq!(format!("{:?}", Duration::from_nanos(nanos)), text);
        }
    }
}
