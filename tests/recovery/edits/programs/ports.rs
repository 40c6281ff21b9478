//! Changes of ports and of the interval.

use super::*;

/// The sources in another order.
pub(in super::super) mod sources_swapped {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<refunds: Source<Pair>, orders: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
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

/// Another name for a source.
pub(in super::super) mod source_renamed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<sales: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = sales.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = sales.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    pub(crate) fn start(engine: &Engine, given: &Given) -> Result<Job, StartError> {
        engine.start(shop::Ports {
            sales: given.orders(),
            refunds: given.refunds(),
            totals: given.sink("totals"),
            recent: given.sink("recent"),
        })
    }
}

/// A source is gone.
pub(in super::super) mod source_dropped {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let movements = orders;

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders => totals, recent);
}

/// One more source.
pub(in super::super) mod source_added {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<
            gifts: Source<Pair>,
            orders: Source<Pair>,
            refunds: Source<Pair>,
            totals: Sink<Pair>,
            recent: Sink<Pair>,
        >() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed).union(gifts.map(|(_, n)| (3, n)));

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    pub(crate) fn start(engine: &Engine, given: &Given) -> Result<Job, StartError> {
        engine.start(shop::Ports {
            gifts: given.orders(),
            orders: given.orders(),
            refunds: given.refunds(),
            totals: given.sink("totals"),
            recent: given.sink("recent"),
        })
    }
}

/// Another name for a sink.
pub(in super::super) mod sink_renamed {
    use super::*;
    stream!(
        #[batch(secs(1))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, sums_so_far: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(sums_so_far);

            let sums = orders.window(secs(3), secs(1)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    pub(crate) fn start(engine: &Engine, given: &Given) -> Result<Job, StartError> {
        engine.start(shop::Ports {
            orders: given.orders(),
            refunds: given.refunds(),
            sums_so_far: given.sink("totals"),
            recent: given.sink("recent"),
        })
    }
}

/// Two batches a second.
pub(in super::super) mod batches_shorter {
    use super::*;
    stream!(
        #[batch(millis(500))]
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

/// A batch every three seconds.
pub(in super::super) mod batches_longer {
    use super::*;
    stream!(
        #[batch(secs(3))]
        fn shop<orders: Source<Pair>, refunds: Source<Pair>, totals: Sink<Pair>, recent: Sink<Pair>>() {
            let signed = refunds.map(|(key, n)| (key, -n));
            let movements = orders.union(signed);

            let balance = movements.update_state(add).allow_unbounded("a test");
            balance.to(totals);

            let sums = orders.window(secs(3), secs(3)).aggregate_by_key(sum());
            sums.to(recent);
        }
    );
    start!(orders, refunds => totals, recent);
}
