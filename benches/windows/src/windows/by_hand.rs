//! By hand on timely: the plain loop's state in an operator, behind an exchange by key.

use timely::ExchangeData;

use super::{
    Form,
    ours::Workload,
    plain::{Plain, changes_hash, contents_hash},
};
use contenders::{
    by_hand::ByHand,
    lockstep::{Contestant, digest},
    pairs::BenchKey,
};

/// The workload in a form.
pub fn window<K: BenchKey + ExchangeData, W: Workload>(
    form: Form,
    window: u64,
) -> Box<dyn Contestant<Vec<(K, i64)>>> {
    let route = |(key, _): &(K, i64)| digest(key);
    match form {
        Form::Contents => Box::new(ByHand::new(
            Plain::<K, W::Function, W::Upkeep, false>::new(window),
            route,
            |plain, records| plain.add(records.drain(..)),
            |plain| {
                plain.close();
                plain.take_contents()
            },
            |_, contents| contents_hash::<K, W::Function>(contents),
        )),
        Form::Changes => Box::new(ByHand::new(
            Plain::<K, W::Function, W::Upkeep, true>::new(window),
            route,
            |plain, records| plain.add(records.drain(..)),
            |plain| {
                plain.close();
                plain.take_changes()
            },
            changes_hash::<K, W::Function>,
        )),
    }
}
