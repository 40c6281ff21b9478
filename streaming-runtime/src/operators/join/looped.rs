//! Joins in a loop, of differential's arrangements.

use differential_dataflow::{Collection, VecCollection, operators::arrange::Arranged};

use crate::{
    ids::OpId,
    operators::{
        join::kind::{Cogroup, Kind, Pairs},
        kernel::{
            differential::{self, ByKeyTrace, Comparable, Moment},
            hash_join::JoinLogic,
        },
    },
    stream::copies::Copies,
};

type Collected<'s, M, T> = VecCollection<'s, M, T, Copies>;

/// A join of differential collections.
#[doc(hidden)]
pub trait Collects<K: Comparable, V: Comparable, W: Comparable>: JoinLogic<K, V, W> {
    fn collect<'s, M: Moment>(
        self,
        left: Arranged<'s, ByKeyTrace<M, K, V>>,
        right: Arranged<'s, ByKeyTrace<M, K, W>>,
        id: OpId,
    ) -> Collected<'s, M, Self::Out>;
}

impl<K: Comparable, V: Comparable, W: Comparable, J: Kind<K, V, W, Out: Comparable>> Collects<K, V, W>
    for Pairs<J>
{
    fn collect<'s, M: Moment>(
        self,
        left: Arranged<'s, ByKeyTrace<M, K, V>>,
        right: Arranged<'s, ByKeyTrace<M, K, W>>,
        _: OpId,
    ) -> Collected<'s, M, J::Out> {
        let pair = |key: &K, value: &V, other: &W| J::pair(key, value, other);
        let mut made = Vec::new();
        if J::PAIRED && J::RIGHT_ONCE {
            // Each key once, with any of its values: kinds that count a right value once do not look at it.
            made.push(left.clone().join_core(once(right.clone()), pair));
        } else if J::PAIRED {
            made.push(left.clone().join_core(right.clone(), pair));
        }
        if J::LEFT_ALONE {
            let all = left.clone().flat_map_ref(J::left);
            let met = left.clone().join_core(once(right.clone()), |key, value, _| J::left(key, value));
            made.extend([all, met.negate()]);
        }
        if J::RIGHT_ALONE {
            let all = right.clone().flat_map_ref(J::right);
            let met = right.join_core(once(left), |key, value, _| J::right(key, value));
            made.extend([all, met.negate()]);
        }
        made.into_iter().reduce(Collection::concat).expect("a join makes something")
    }
}

/// Each key with one of its values.
fn once<'s, M: Moment, K: Comparable, V: Comparable>(
    values: Arranged<'s, ByKeyTrace<M, K, V>>,
) -> Arranged<'s, ByKeyTrace<M, K, V>> {
    differential::reduce(values, "Once", |values, one| one.push((values[0].0.clone(), Copies::ONE)))
}

/// `cogroup` needs [`Arrives`](crate::operators::by_key::Arrives), which a loop lacks. This `impl` exists so that the error is only that
/// one.
impl<K: Comparable, V: Comparable, W: Comparable> Collects<K, V, W> for Cogroup {
    fn collect<'s, M: Moment>(
        self,
        _: Arranged<'s, ByKeyTrace<M, K, V>>,
        _: Arranged<'s, ByKeyTrace<M, K, W>>,
        _: OpId,
    ) -> Collected<'s, M, Self::Out> {
        unreachable!("a `cogroup` in a loop does not compile")
    }
}
