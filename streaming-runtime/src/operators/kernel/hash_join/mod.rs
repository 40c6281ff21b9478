//! A symmetric hash join, kept up to date by what enters and leaves either side: the operator behind all joins of windows and tables.
//!
//! A key's slot has the values of both sides, oldest first; panes hold slot numbers, as in `sliding`. A value that comes or goes is
//! paired with the values that the other side has then, so a batch costs the pairs that it changes.

pub(crate) mod retention;
pub(crate) mod retraction;
mod state;

use std::{collections::VecDeque, convert::Infallible, rc::Rc};

use serde::{Deserialize, Serialize};
use timely::dataflow::StreamVec;

use crate::{
    checkpoint::{StateShape, state_log::StateWriter},
    ids::{Epoch, OpId},
    operators::kernel::{
        exchange::Exchange,
        hash_join::{
            retention::Retention,
            state::{JoinInput, JoinState},
        },
        output::{Audience, Output},
        stateful::{StatefulOperator, stateful},
    },
    record::{Key, Record},
    schema::{self, Schema},
    stream::{
        context::{BatchContext, JobContext},
        held::Relation,
    },
    timeline::rhythm::Rhythm,
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

/// How the values of a key are joined.
#[doc(hidden)]
pub trait JoinLogic<K, V, W>: 'static {
    type Out;
    /// What a checkpoint calls it.
    const NAME: &'static str;
    /// Whether a left value has a result when there is no right one.
    const LEFT_ALONE: bool;
    const RIGHT_ALONE: bool;
    /// Whether the result of a key changes as a whole (`cogroup`), and not pair by pair.
    const WHOLE: bool;

    /// All results of a key.
    fn all(&self, key: &K, left: &VecDeque<V>, right: &VecDeque<W>, out: &mut impl FnMut(Self::Out));
    /// The results of a left value that comes or goes; `alone` if it is the only left one.
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

/// When the two sides are renewed, left and right, and when the result is.
pub(crate) struct JoinTimes {
    pub(crate) sides: [Rhythm; 2],
    pub(crate) result: Rhythm,
}

/// Brings the two sides of each key to its owner, and keeps what they make together up to date.
pub(crate) fn hash_join<'s, K: Key, V: Record, W: Record, J: JoinLogic<K, V, W, Out: Clone + 'static>>(
    sides: StreamVec<'s, Epoch, (K, JoinSide<V, W>, i64)>,
    (left, right): (Retention<V>, Retention<W>),
    times: JoinTimes,
    id: OpId,
    job: Rc<JobContext>,
    logic: J,
) -> Relation<'s, J::Out> {
    let operator =
        HashJoin { state: JoinState::new(left, right, logic, id), waiting: Default::default(), times };
    let owners = job.owners.clone();
    let by_owner = Exchange::new(move |(key, ..): &(K, JoinSide<V, W>, i64)| owners.of(key));
    stateful(sides, by_owner, id, job, operator)
}

/// Both sides, and what waits until its side is renewed.
struct HashJoin<K, V, W, J: JoinLogic<K, V, W>> {
    state: JoinState<K, V, W, J>,
    /// One list per side: the order in which the sides arrive varies from run to run, and changes must not depend on it.
    waiting: [Vec<JoinInput<K, V, W>>; 2],
    times: JoinTimes,
}

/// The place of a side in a pair of sides.
fn place<V, W>(side: &JoinSide<V, W>) -> usize {
    match side {
        JoinSide::Left(_) => 0,
        JoinSide::Right(_) => 1,
    }
}

impl<K: Key, V: Record, W: Record, J: JoinLogic<K, V, W, Out: Clone>> HashJoin<K, V, W, J> {
    /// Which sides are renewed, left and right. A table comes as changes, which are there when it is.
    fn sides_due(&self, context: BatchContext<'_>) -> [bool; 2] {
        let [left, right] = &self.times.sides;
        [
            matches!(self.state.left.retention, Retention::Table(_)) || context.is_due(left),
            matches!(self.state.right.retention, Retention::Table(_)) || context.is_due(right),
        ]
    }

    /// Writes down what comes to windows, each for as long as it is in them. The rest is made again of what comes.
    fn write(&self, context: BatchContext<'_>, batch: &[(K, JoinSide<V, W>, i64)], log: &StateWriter) {
        let interval = context.job.interval;
        let came = context.time.at_or_next_multiple_of(interval);
        let windows = [self.state.left.retention.window(), self.state.right.retention.window()];
        for (at, (window, rhythm)) in windows.into_iter().zip(&self.times.sides).enumerate() {
            let Some(size) = window else { continue };
            let side: Vec<_> = batch.iter().filter(|(_, side, _)| place(side) == at).collect();
            if !side.is_empty() {
                let until = size.map(|size| rhythm.at_or_next(came + size, interval));
                log.pane::<(K, JoinSide<V, W>, i64), _>(context.epoch, until, &side);
            }
        }
    }
}

impl<K: Key, V: Record, W: Record, J: JoinLogic<K, V, W, Out: Clone>> StatefulOperator
    for HashJoin<K, V, W, J>
{
    type In = (K, JoinSide<V, W>, i64);
    type Out = J::Out;
    type Emitted = Infallible;

    const KIND: &'static str = "join";

    fn shape(&self) -> Option<StateShape> {
        let (left, right) = (&self.state.left.retention, &self.state.right.retention);
        let [one, other] = &self.times.sides;
        let windows = match (left.is_window(), right.is_window()) {
            (true, true) => one.or(other),
            (true, false) => one.clone(),
            (false, true) => other.clone(),
            (false, false) => return None,
        };
        let name = format!("{}[{},{}]", J::NAME, left.name(), right.name());
        let lasts = [left.window(), right.window()].contains(&Some(None));
        Some(StateShape::panes_of(schema::<K, V, W>(), None, windows.slide()).by(Ok(name)).lasting(lasts))
    }

    fn close(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<Self::In>,
        output: &mut Output<J::Out>,
        log: &StateWriter,
    ) {
        if log.is_on() {
            self.write(context, batch, log);
        }
        // Batches that closed early belong to the boundary behind them.
        let came = context.time.at_or_next_multiple_of(context.job.interval);
        for (key, value, times) in batch.drain(..) {
            self.waiting[place(&value)].push(JoinInput { came, key, value, times });
        }
        let [left, right] = self.sides_due(context);
        if left || right {
            let [lefts, rights] = &mut self.waiting;
            let lefts = lefts.drain(..if left { lefts.len() } else { 0 });
            let rights = rights.drain(..if right { rights.len() } else { 0 });
            let now = [left.then_some(context.time), right.then_some(context.time)];
            self.state.update(now, lefts.chain(rights), output);
        }
        if context.is_due(&self.times.result) {
            self.state.write_contents(output);
        }
        output.held = self.state.held();
    }

    fn restore(
        &mut self,
        context: BatchContext<'_>,
        batch: &mut Vec<Self::In>,
        output: &mut Output<J::Out>,
        log: &StateWriter,
    ) {
        let [left, right] = &self.times.sides;
        let due = [context.last_due(left), context.last_due(right)];
        let retentions = (&self.state.left.retention, &self.state.right.retention);
        let windows = [retentions.0.is_window(), retentions.1.is_window()];
        // The batch has the contents of tables, and contents that stand. Whatever else is in it is in the log already.
        let comes_again = [retentions.0.comes_again(left), retentions.1.comes_again(right)];
        let mut entering: Vec<JoinInput<K, V, W>> = Vec::new();
        log.panes(|time, _, brought: Vec<Self::In>| {
            let came = time.at_or_next_multiple_of(context.job.interval);
            for (key, value, times) in brought {
                let at = place(&value);
                if windows[at] && context.job.owns(&key) {
                    let input = JoinInput { came, key, value, times };
                    if time > due[at] { self.waiting[at].push(input) } else { entering.push(input) }
                }
            }
        });
        let stood = batch.drain(..).filter(|(_, value, _)| comes_again[place(value)]);
        entering.extend(stood.map(|(key, value, times)| JoinInput {
            came: due[place(&value)],
            key,
            value,
            times,
        }));
        let stands = self.times.result.stands();
        output.written_for(Audience::Shell, |output| {
            self.state.update(due.map(Some), entering.into_iter(), output);
            if stands {
                self.state.write_contents(output);
            }
        });
        output.held = self.state.held();
    }
}
