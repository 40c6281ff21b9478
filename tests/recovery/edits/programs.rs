//! One pipeline, and what an author may make of it.
//!
//! Each program is written out, although most of its lines are those of the first: what differs may be anywhere, in the ports
//! or the interval too, and it is to be read as its author would see it.

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    Job, StartError,
    aggregate::{max, sum},
    prelude::*,
};

use super::Given;
use support::Pair;

fn add<K>(_: &K, sum: Option<i64>, new: &[i64]) -> Option<i64> {
    Some(sum.unwrap_or(0) + new.iter().sum::<i64>())
}

/// Starts a module's `shop`, each of whose ports is named as what it is given.
macro_rules! start {
    ($($source:ident),+ => $($sink:ident),+) => {
        pub(crate) fn start(engine: &Engine, given: &Given) -> Result<Job, StartError> {
            engine.start(shop::Ports {
                $($source: given.$source(),)+
                $($sink: given.sink(stringify!($sink)),)+
            })
        }
    };
}

mod ports;

pub(super) use ports::{
    batches_longer, batches_shorter, sink_renamed, source_added, source_dropped, source_renamed,
    sources_swapped,
};

/// What each change begins with: a state, and a window.
pub(super) mod before {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// The statements in another order.
pub(super) mod reordered {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            let signed = refunds.map(|(key, n)| (key, -n));
            sums.to(recent);
            let movements = orders.union(signed);
            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// Other names for what keeps nothing.
pub(super) mod stateless_renamed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let negated = refunds.map(|(key, n)| (key, -n));
            let moves = orders.union(negated);
            let balance = moves.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// One more operator that keeps something.
pub(super) mod operator_added {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<
            orders: Source<Pair>,
            refunds: Source<Pair>,
            totals: Sink<Pair>,
            recent: Sink<Pair>,
            counts: Sink<Pair>,
        >() {
            let counted = orders.map(|(key, _)| (key, 1)).update_state(add).allow_unbounded("a test");
            counted.to(counts);

            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent, counts);
}

/// One more sink of what is kept.
pub(super) mod sink_added {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<
            orders: Source<Pair>,
            refunds: Source<Pair>,
            large: Sink<Pair>,
            totals: Sink<Pair>,
            recent: Sink<Pair>,
        >() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);
            balance.filter(|&(_, n)| n > 5).to(large);
            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent, large);
}

/// The window is gone.
pub(super) mod operator_dropped {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);
        }
    );
    start!(orders, refunds => totals);
}

/// Another name for what keeps a state.
pub(super) mod stateful_renamed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let account = movements.update_state(add).allow_unbounded("a test");
            account.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// The state is a float.
pub(super) mod state_type_changed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<(u8, f64)>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(|_, sum: Option<f64>, new: &[i64]| {
                Some(sum.unwrap_or(0.0) + new.iter().sum::<i64>() as f64)
            });
            balance.allow_unbounded("a test").to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// The key is longer.
pub(super) mod key_type_changed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<(u16, i64)>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed).map(|(key, n)| (u16::from(key), n));

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// A shorter window.
pub(super) mod window_shorter {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(2), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// A longer window.
pub(super) mod window_longer {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(4), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// A window that is delivered less often.
pub(super) mod slide_changed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(2)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// Another aggregate of the same types.
pub(super) mod aggregate_changed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(max());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// Another function of the same type: of that nothing can be seen.
pub(super) mod function_changed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(|_, product: Option<i64>, new: &[i64]| {
                Some(product.unwrap_or(1) * new.iter().product::<i64>())
            });
            balance.allow_unbounded("a test").to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// `map_with_state` for `update_state`, with the same keys and states.
pub(super) mod mapped_with_state {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let (balance, _) = movements.map_with_state(unbounded("a test"), |key, value, state| {
                let sum = state.get().copied().unwrap_or(0_i64) + value.unwrap_or(0);
                state.update(sum);
                Some((*key, sum))
            });
            balance.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}

/// A state of two fields.
pub(super) mod fields {
    use super::*;
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(crate) struct State {
        sum: i64,
        largest: i64,
    }
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, totals: Sink<(u8, State)>>() {
            let state = orders.update_state(|_, state: Option<State>, new: &[i64]| {
                let State { sum, largest } = state.unwrap_or(State { sum: 0, largest: 0 });
                let largest = new.iter().copied().fold(largest, i64::max);
                Some(State { sum: sum + new.iter().sum::<i64>(), largest })
            });
            state.allow_unbounded("a test").to(totals);
        }
    );
    start!(orders => totals);
}

/// Its fields in another order.
pub(super) mod fields_reordered {
    use super::*;
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(crate) struct State {
        largest: i64,
        sum: i64,
    }
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, totals: Sink<(u8, State)>>() {
            let state = orders.update_state(|_, state: Option<State>, new: &[i64]| {
                let State { sum, largest } = state.unwrap_or(State { sum: 0, largest: 0 });
                let largest = new.iter().copied().fold(largest, i64::max);
                Some(State { sum: sum + new.iter().sum::<i64>(), largest })
            });
            state.allow_unbounded("a test").to(totals);
        }
    );
    start!(orders => totals);
}

/// An operator whose function is a closure of the pipeline, that is given to other connectors.
pub(super) mod reduced {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, totals: Sink<Pair>>() {
            let all = orders.history().allow_unbounded("a test");
            all.reduce_by_key(|a, b| a + b).to(totals);
        }
    );
    start!(orders => totals);

    pub(crate) fn start_in_time(engine: &Engine, given: &Given) -> Result<Job, StartError> {
        engine.start(shop::Ports { orders: given.orders(), totals: given.sink("totals").timeout(secs(5)) })
    }
}
