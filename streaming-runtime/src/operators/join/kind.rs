//! The kinds of joins: what the values of a key make together.

use std::collections::VecDeque;

use crate::{
    aggregate::{Aggregate, NonAssociative},
    operators::{
        join::{Groups, Outer},
        kernel::hash_join::{JoinLogic, JoinSide},
    },
    record::Record,
};

/// A kind of join by pairs: what a pair makes, and what a value makes alone.
#[doc(hidden)]
pub trait Kind<K, V, W>: 'static {
    type Out;
    /// See [`JoinLogic::NAME`].
    const NAME: &'static str;
    const LEFT_ALONE: bool = false;
    const RIGHT_ALONE: bool = false;
    /// Whether pairs make anything.
    const PAIRED: bool = true;
    /// Whether it only matters that there is a right value, not how many.
    const RIGHT_ONCE: bool = false;
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out>;
    fn left(_: &K, _: &V) -> Option<Self::Out> {
        None
    }
    fn right(_: &K, _: &W) -> Option<Self::Out> {
        None
    }
}

#[doc(hidden)]
pub struct Inner;
#[doc(hidden)]
pub struct LeftOuter;
#[doc(hidden)]
pub struct RightOuter;
#[doc(hidden)]
pub struct FullOuter;
#[doc(hidden)]
pub struct Semi;
#[doc(hidden)]
pub struct Anti;

impl<K: Clone, V: Clone, W: Clone> Kind<K, V, W> for Inner {
    type Out = (K, (V, W));
    const NAME: &'static str = "Pairs<Inner>";
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (left.clone(), right.clone())))
    }
}

impl<K: Clone, V: Clone, W: Clone> Kind<K, V, W> for LeftOuter {
    type Out = (K, (V, Option<W>));
    const NAME: &'static str = "Pairs<LeftOuter>";
    const LEFT_ALONE: bool = true;
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (left.clone(), Some(right.clone()))))
    }
    fn left(key: &K, left: &V) -> Option<Self::Out> {
        Some((key.clone(), (left.clone(), None)))
    }
}

impl<K: Clone, V: Clone, W: Clone> Kind<K, V, W> for RightOuter {
    type Out = (K, (Option<V>, W));
    const NAME: &'static str = "Pairs<RightOuter>";
    const RIGHT_ALONE: bool = true;
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (Some(left.clone()), right.clone())))
    }
    fn right(key: &K, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (None, right.clone())))
    }
}

impl<K: Clone, V: Clone, W: Clone> Kind<K, V, W> for FullOuter {
    type Out = (K, Outer<V, W>);
    const NAME: &'static str = "Pairs<FullOuter>";
    const LEFT_ALONE: bool = true;
    const RIGHT_ALONE: bool = true;
    fn pair(key: &K, left: &V, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (Some(left.clone()), Some(right.clone()))))
    }
    fn left(key: &K, left: &V) -> Option<Self::Out> {
        Some((key.clone(), (Some(left.clone()), None)))
    }
    fn right(key: &K, right: &W) -> Option<Self::Out> {
        Some((key.clone(), (None, Some(right.clone()))))
    }
}

impl<K: Clone, V: Clone> Kind<K, V, ()> for Semi {
    type Out = (K, V);
    const NAME: &'static str = "Pairs<Semi>";
    const RIGHT_ONCE: bool = true;
    fn pair(key: &K, left: &V, (): &()) -> Option<Self::Out> {
        Some((key.clone(), left.clone()))
    }
}

impl<K: Clone, V: Clone> Kind<K, V, ()> for Anti {
    type Out = (K, V);
    const NAME: &'static str = "Pairs<Anti>";
    const PAIRED: bool = false;
    const LEFT_ALONE: bool = true;
    const RIGHT_ONCE: bool = true;
    fn pair(_: &K, _: &V, (): &()) -> Option<Self::Out> {
        None
    }
    fn left(key: &K, left: &V) -> Option<Self::Out> {
        Some((key.clone(), left.clone()))
    }
}

/// A join by pairs.
#[doc(hidden)]
pub struct Pairs<J>(pub(super) J);

impl<K, V, W, J: Kind<K, V, W>> JoinLogic<K, V, W> for Pairs<J> {
    type Out = J::Out;
    const NAME: &'static str = J::NAME;
    const LEFT_ALONE: bool = J::LEFT_ALONE;
    const RIGHT_ALONE: bool = J::RIGHT_ALONE;
    const WHOLE: bool = false;

    fn all(&self, key: &K, left: &VecDeque<V>, right: &VecDeque<W>, out: &mut impl FnMut(J::Out)) {
        for value in left {
            let met = if J::RIGHT_ONCE { right.len().min(1) } else { right.len() };
            right.range(..met).filter_map(|other| J::pair(key, value, other)).for_each(&mut *out);
        }
        if right.is_empty() && J::LEFT_ALONE {
            left.iter().filter_map(|value| J::left(key, value)).for_each(&mut *out);
        }
        if left.is_empty() && J::RIGHT_ALONE {
            right.iter().filter_map(|value| J::right(key, value)).for_each(&mut *out);
        }
    }

    fn left(&self, key: &K, value: &V, alone: bool, right: &VecDeque<W>, out: &mut impl FnMut(J::Out, i64)) {
        if right.is_empty() {
            return J::left(key, value).into_iter().for_each(|made| out(made, 1));
        }
        let met = if J::RIGHT_ONCE { 1 } else { right.len() };
        right.range(..met).filter_map(|other| J::pair(key, value, other)).for_each(|made| out(made, 1));
        if alone && J::RIGHT_ALONE {
            right.iter().filter_map(|other| J::right(key, other)).for_each(|made| out(made, -1));
        }
    }

    fn right(&self, key: &K, value: &W, alone: bool, left: &VecDeque<V>, out: &mut impl FnMut(J::Out, i64)) {
        if left.is_empty() {
            return J::right(key, value).into_iter().for_each(|made| out(made, 1));
        }
        if alone || !J::RIGHT_ONCE {
            left.iter().filter_map(|other| J::pair(key, other, value)).for_each(|made| out(made, 1));
        }
        if alone && J::LEFT_ALONE {
            left.iter().filter_map(|other| J::left(key, other)).for_each(|made| out(made, -1));
        }
    }
}

/// All values of both sides.
#[doc(hidden)]
pub struct Cogroup;

impl<K: Clone + 'static, V: Clone + 'static, W: Clone + 'static> JoinLogic<K, V, W> for Cogroup {
    type Out = (K, Groups<V, W>);
    const NAME: &'static str = "Cogroup";
    const LEFT_ALONE: bool = true;
    const RIGHT_ALONE: bool = true;
    const WHOLE: bool = true;

    fn all(&self, key: &K, left: &VecDeque<V>, right: &VecDeque<W>, out: &mut impl FnMut(Self::Out)) {
        if !left.is_empty() || !right.is_empty() {
            out((key.clone(), (left.iter().cloned().collect(), right.iter().cloned().collect())));
        }
    }
    fn left(&self, _: &K, _: &V, _: bool, _: &VecDeque<W>, _: &mut impl FnMut(Self::Out, i64)) {}
    fn right(&self, _: &K, _: &W, _: bool, _: &VecDeque<V>, _: &mut impl FnMut(Self::Out, i64)) {}
}

impl<V: Record, W: Record> Aggregate<JoinSide<V, W>> for Cogroup {
    type Accumulator = Groups<V, W>;
    type Result = Groups<V, W>;
    type Algebra = NonAssociative;
    const NAME: &'static str = "Cogroup";
    fn create(&self, value: JoinSide<V, W>) -> Groups<V, W> {
        <Self as Aggregate<JoinSide<V, W>>>::add(self, (vec![], vec![]), value)
    }
    fn add(&self, mut groups: Groups<V, W>, value: JoinSide<V, W>) -> Groups<V, W> {
        match value {
            JoinSide::Left(value) => groups.0.push(value),
            JoinSide::Right(value) => groups.1.push(value),
        }
        groups
    }
    fn merge(&self, mut groups: Groups<V, W>, mut newer: Groups<V, W>) -> Groups<V, W> {
        groups.0.append(&mut newer.0);
        groups.1.append(&mut newer.1);
        groups
    }
    fn result(&self, groups: Groups<V, W>) -> Groups<V, W> {
        groups
    }
}
