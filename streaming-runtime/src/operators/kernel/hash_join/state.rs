//! The values of both sides by key, and their results when a value comes or goes.
//!
//! The two sides are handled alike. The code for a side is generic over a [`Half`], and is compiled for each.

use std::collections::VecDeque;

use crate::{
    ids::OpId,
    observe::operator_stats::Held,
    operators::kernel::{
        hash_join::{
            JoinLogic, JoinSide,
            retention::Retention,
            retraction::{JoinChange, Retraction},
        },
        output::Output,
        slots::Slots,
    },
    record::{Key, Record},
    stream::copies::few,
    time::BatchTime,
};

/// A value that comes, or goes, so often, and the batch to which it belongs.
pub(super) struct JoinInput<K, V, W> {
    pub(super) came: BatchTime,
    pub(super) key: K,
    pub(super) value: JoinSide<V, W>,
    pub(super) times: i64,
}

struct JoinSlot<V, W> {
    left: VecDeque<V>,
    right: VecDeque<W>,
    /// The update in which it changed last.
    touched: u64,
}

impl<V, W> Default for JoinSlot<V, W> {
    fn default() -> Self {
        JoinSlot { left: VecDeque::new(), right: VecDeque::new(), touched: 0 }
    }
}

/// Slots up to this many bytes fit the second-level cache, where the order of access does not matter.
const NEAR: usize = 1 << 20;

/// What is kept of one side.
pub(super) struct Side<V> {
    pub(super) retention: Retention<V>,
    /// The slots of what came in one batch, which leaves together.
    panes: VecDeque<(BatchTime, Vec<u32>)>,
    /// How many values it has.
    values: usize,
}

impl<V> Side<V> {
    fn new(retention: Retention<V>) -> Self {
        Side { retention, panes: VecDeque::new(), values: 0 }
    }

    /// Takes the oldest pane, if it has left by `now`.
    fn take_left(&mut self, now: BatchTime) -> Option<Vec<u32>> {
        let Side { retention, panes, .. } = self;
        panes.pop_front_if(|(came, _)| retention.has_left(*came, now)).map(|(_, numbers)| numbers)
    }

    /// Whether a window that slides over gaps has lost what came then before it was ever in.
    fn misses(&self, came: BatchTime, now: Option<BatchTime>) -> bool {
        self.retention.is_window() && now.is_some_and(|now| self.retention.has_left(came, now))
    }

    /// Adds a slot to the pane of its batch, where values leave by batch.
    fn add_to_pane(&mut self, came: BatchTime, number: u32) {
        if let Retention::Window(None) | Retention::Table(_) = self.retention {
            return;
        }
        match self.panes.back_mut() {
            Some((last, numbers)) if *last == came => numbers.push(number),
            _ => self.panes.push_back((came, vec![number])),
        }
    }
}

/// Selects the left or the right side, for code that is the same for both.
trait Half<K, V, W, J: JoinLogic<K, V, W>> {
    type Value: Clone;
    fn side(state: &mut JoinState<K, V, W, J>) -> &mut Side<Self::Value>;
    fn values(slot: &mut JoinSlot<V, W>) -> &mut VecDeque<Self::Value>;
    /// The results of a value that is not yet, or no longer, in its slot; `alone` if the slot has no other of its side.
    fn makes(
        logic: &J,
        slot: &(K, JoinSlot<V, W>),
        value: &Self::Value,
        alone: bool,
        out: &mut impl FnMut(J::Out, i64),
    );
}

enum LeftHalf {}

impl<K, V: Clone, W, J: JoinLogic<K, V, W>> Half<K, V, W, J> for LeftHalf {
    type Value = V;
    fn side(state: &mut JoinState<K, V, W, J>) -> &mut Side<V> {
        &mut state.left
    }
    fn values(slot: &mut JoinSlot<V, W>) -> &mut VecDeque<V> {
        &mut slot.left
    }
    fn makes(
        logic: &J,
        (key, slot): &(K, JoinSlot<V, W>),
        value: &V,
        alone: bool,
        out: &mut impl FnMut(J::Out, i64),
    ) {
        logic.left(key, value, alone, &slot.right, out);
    }
}

enum RightHalf {}

impl<K, V, W: Clone, J: JoinLogic<K, V, W>> Half<K, V, W, J> for RightHalf {
    type Value = W;
    fn side(state: &mut JoinState<K, V, W, J>) -> &mut Side<W> {
        &mut state.right
    }
    fn values(slot: &mut JoinSlot<V, W>) -> &mut VecDeque<W> {
        &mut slot.right
    }
    fn makes(
        logic: &J,
        (key, slot): &(K, JoinSlot<V, W>),
        value: &W,
        alone: bool,
        out: &mut impl FnMut(J::Out, i64),
    ) {
        logic.right(key, value, alone, &slot.left, out);
    }
}

/// What a join keeps.
pub(super) struct JoinState<K, V, W, J: JoinLogic<K, V, W>> {
    logic: J,
    id: OpId,
    pub(super) left: Side<V>,
    pub(super) right: Side<W>,
    slots: Slots<K, JoinSlot<V, W>>,
    /// Slots that changed, with their results before the change where these are needed.
    touched: Vec<(u32, Vec<J::Out>)>,
    /// Counts updates.
    now: u64,
}

impl<K: Key, V: Record, W: Record, J: JoinLogic<K, V, W, Out: Clone>> JoinState<K, V, W, J> {
    pub(super) fn new(left: Retention<V>, right: Retention<W>, logic: J, id: OpId) -> Self {
        JoinState {
            logic,
            id,
            left: Side::new(left),
            right: Side::new(right),
            slots: Slots::default(),
            touched: Vec::new(),
            now: 0,
        }
    }

    /// Renews the sides for which there is a time, left and right: removes what has left by then, and adds what comes.
    pub(super) fn update(
        &mut self,
        [left_now, right_now]: [Option<BatchTime>; 2],
        entering: impl Iterator<Item = JoinInput<K, V, W>>,
        output: &mut Output<J::Out>,
    ) {
        self.now += 1;
        self.leave::<LeftHalf>(left_now, output);
        self.leave::<RightHalf>(right_now, output);
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        for JoinInput { came, key, value, times } in entering {
            match value {
                JoinSide::Left(value) if !self.left.misses(came, left_now) => {
                    lefts.push(JoinChange { came, slot: self.slots.number(key), value, times });
                }
                JoinSide::Right(value) if !self.right.misses(came, right_now) => {
                    rights.push(JoinChange { came, slot: self.slots.number(key), value, times });
                }
                _ => {}
            }
        }
        if self.slots.bytes() > NEAR {
            // In the order of the slots: memory is then read in sequence, now and when the panes leave. The values of a
            // key stay in their order.
            lefts.sort_by_key(|change: &JoinChange<V>| (change.came, change.slot));
            rights.sort_by_key(|change: &JoinChange<W>| (change.came, change.slot));
        }
        // Right values first, where a left value without a match has a result: it is not emitted as unmatched only to be
        // taken back in the same batch.
        match J::LEFT_ALONE {
            true => {
                self.change::<RightHalf>(rights, output);
                self.change::<LeftHalf>(lefts, output);
            }
            false => {
                self.change::<LeftHalf>(lefts, output);
                self.change::<RightHalf>(rights, output);
            }
        }
        for (number, before) in std::mem::take(&mut self.touched) {
            if J::WHOLE && output.wants_changes() {
                before.into_iter().for_each(|made| output.changes.push((made, -1)));
                let (key, slot) = self.slots.get(number);
                self.logic.all(key, &slot.left, &slot.right, &mut |made| output.changes.push((made, 1)));
            }
            let (_, slot) = self.slots.get(number);
            if slot.left.is_empty() && slot.right.is_empty() {
                self.slots.release(number);
            }
        }
    }

    /// What is kept: keys, and the values of both sides.
    pub(super) fn held(&self) -> Held {
        let (lefts, rights) = (self.left.values, self.right.values);
        let values = lefts * size_of::<V>() + rights * size_of::<W>();
        Held::new(self.slots.len() + lefts + rights, self.slots.bytes() + values)
    }

    /// Removes what has left a side that is renewed.
    fn leave<H: Half<K, V, W, J>>(&mut self, now: Option<BatchTime>, output: &mut Output<J::Out>) {
        while let Some(now) = now
            && let Some(numbers) = H::side(self).take_left(now)
        {
            for number in numbers {
                self.touch(number, output);
                let values = H::values(&mut self.slots.get_mut(number).1);
                let value = values.pop_front().expect("it came with its pane");
                let alone = values.is_empty();
                H::side(self).values -= 1;
                self.write_pairs::<H>(number, &value, alone, -1, output);
            }
        }
    }

    /// Applies the changes of a side: values that come, and those of a table that are taken back.
    fn change<H: Half<K, V, W, J>>(
        &mut self,
        changes: Vec<JoinChange<H::Value>>,
        output: &mut Output<J::Out>,
    ) {
        let Retention::Table(retraction) = H::side(self).retention else {
            for JoinChange { came, slot: number, value, .. } in changes {
                self.enter::<H>(number, value, output);
                H::side(self).add_to_pane(came, number);
            }
            return;
        };
        let (mut gone, mut come) = Retraction::part(changes);
        for gone in gone.chunk_by_mut(|a, b| a.slot == b.slot) {
            let number = gone[0].slot;
            self.touch(number, output);
            let values = H::values(&mut self.slots.get_mut(number).1);
            let taken = retraction.take(values, gone);
            let is_empty = values.is_empty();
            H::side(self).values -= taken.len();
            for (n, value) in taken.iter().enumerate() {
                let alone = is_empty && n + 1 == taken.len();
                self.write_pairs::<H>(number, value, alone, -1, output);
            }
        }
        retraction.cancel(&gone, &mut come, self.id);
        for JoinChange { slot, value, times, .. } in come {
            (0..few(self.id, times)).for_each(|_| self.enter::<H>(slot, value.clone(), output));
        }
    }

    /// Adds a value to its slot.
    fn enter<H: Half<K, V, W, J>>(&mut self, number: u32, value: H::Value, output: &mut Output<J::Out>) {
        self.touch(number, output);
        let alone = H::values(&mut self.slots.get_mut(number).1).is_empty();
        self.write_pairs::<H>(number, &value, alone, 1, output);
        H::values(&mut self.slots.get_mut(number).1).push_back(value);
        H::side(self).values += 1;
    }

    /// Writes the results of a value with the other side, when it comes or goes.
    fn write_pairs<H: Half<K, V, W, J>>(
        &self,
        number: u32,
        value: &H::Value,
        alone: bool,
        times: i64,
        output: &mut Output<J::Out>,
    ) {
        if !J::WHOLE && output.wants_changes() {
            let out = &mut |made, n: i64| output.changes.push((made, n * times));
            H::makes(&self.logic, self.slots.get(number), value, alone, out);
        }
    }

    /// Notes that a slot is about to change.
    fn touch(&mut self, number: u32, output: &Output<J::Out>) {
        let (key, slot) = self.slots.get_mut(number);
        if slot.touched == self.now {
            return;
        }
        slot.touched = self.now;
        let mut before = Vec::new();
        if J::WHOLE && output.wants_changes() {
            self.logic.all(key, &slot.left, &slot.right, &mut |made| before.push(made));
        }
        self.touched.push((number, before));
    }

    pub(super) fn write_contents(&self, output: &mut Output<J::Out>) {
        if !output.wants_contents() {
            return;
        }
        let contents = &mut output.contents;
        let mut write = |(key, slot): &(K, JoinSlot<V, W>)| {
            self.logic.all(key, &slot.left, &slot.right, &mut |made| contents.push(made));
        };
        // Where a batch is looked up in a table, only the keys of the batch have results.
        let batch = match (&self.left.retention, &self.right.retention) {
            (Retention::Batch, _) if !J::RIGHT_ALONE => &self.left.panes,
            (_, Retention::Batch) if !J::LEFT_ALONE => &self.right.panes,
            _ => return self.slots.iter().for_each(write),
        };
        let mut numbers: Vec<u32> = batch.iter().flat_map(|(_, numbers)| numbers).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().for_each(|number| write(self.slots.get(number)));
    }
}
