//! By differential dataflow. Batches are reduced before they enter. A sum lives in the difference and needs
//! `count_total`; another function is a `reduce` over the panes' values.

use differential_dataflow::{difference::Semigroup, operators::CountTotal};
use hashbrown::hash_map::Entry;
use timely::ExchangeData;

use contenders::{
    dataflow::{Dataflow, panes},
    function::{Function, Sum},
    pairs::{BenchKey, Map},
    rows::kept_hash,
};

type Pairs<K, F> = Dataflow<(K, i64), (K, <F as Function>::Of)>;

/// The sum, and how many records it is of, as the difference.
pub fn sum<K: BenchKey + ExchangeData>(window: u64) -> Pairs<K, Sum> {
    let add = |map: &mut Map<K, (i64, isize)>, (key, value)| match map.entry(key) {
        Entry::Occupied(mut sum) => sum.get_mut().plus_equals(&(value, 1)),
        Entry::Vacant(place) => {
            place.insert((value, 1));
        }
    };
    Dataflow::new(
        move |records| {
            let updates =
                panes(records, window, add, |pane: Map<K, (i64, isize)>| pane.into_iter().collect());
            updates.count_total().map(|(key, (sum, _))| (key, sum))
        },
        |(key, sum)| kept_hash::<K, Sum>(key, *sum),
    )
}

/// What a pane has of a key as data, merged by `reduce`.
pub fn reduce<K: BenchKey + ExchangeData, F: Function<Of: ExchangeData>>(window: u64) -> Pairs<K, F> {
    let add = |map: &mut Map<K, F::Of>, (key, value)| super::function::add::<K, F>(map, key, F::of(value));
    Dataflow::new(
        move |records| {
            let updates = panes(records, window, add, |pane: Map<K, F::Of>| {
                pane.into_iter().map(|pair| (pair, 1_isize)).collect()
            });
            updates.reduce(|_, panes, out| {
                let each = panes.iter().flat_map(|(of, times)| (0..*times).map(|_| **of));
                out.extend(each.reduce(F::merge).map(|of| (of, 1_isize)));
            })
        },
        |(key, of)| kept_hash::<K, F>(key, *of),
    )
}
