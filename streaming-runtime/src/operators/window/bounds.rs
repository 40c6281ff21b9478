//! State without a bound, and how it gets one.

use std::time::Duration;

use crate::{
    stream::{
        Stream,
        chain::Chain,
        held::{Panes, Relation},
        kind::{Holding, StreamKind, Table, UnboundedTable, UnboundedWindow, Windowed},
    },
    time::TimeSpan,
};

/// State that waits for a bound.
#[diagnostic::on_unimplemented(
    message = "the state of this stream needs no bound",
    label = "only state that can grow without bound asks for one",
    note = "drop this call; it belongs behind `.history()`, `.update_state(..)` or `.reduce_by_key_with_inverse(..)`"
)]
pub trait Grows: StreamKind {
    #[doc(hidden)]
    type Allowed: StreamKind;
    #[doc(hidden)]
    fn allow<'s, In: 'static>(held: Self::Held<'s, In>) -> <Self::Allowed as Holding>::Held<'s, In>;
}

impl Grows for UnboundedTable {
    type Allowed = Table;
    fn allow<'s, In: 'static>(held: Self::Held<'s, In>) -> Relation<'s, In> {
        held.relation
    }
}

impl Grows for UnboundedWindow {
    type Allowed = Windowed;
    fn allow<'s, In: 'static>(held: Self::Held<'s, In>) -> Panes<'s, In> {
        Panes { batches: held, size: None }
    }
}

/// State that can forget by itself.
#[diagnostic::on_unimplemented(
    message = "nothing of this stream can expire",
    label = "only the state of an operator by key expires",
    note = "it belongs right behind `.update_state(..)` or `.reduce_by_key_with_inverse(..)`; `.map_with_state(..)` is told by its first argument, and a window by its size"
)]
pub trait Expires: StreamKind {
    #[doc(hidden)]
    fn expire<'s, In: 'static>(held: Self::Held<'s, In>, idle: Duration) -> Relation<'s, In>;
}

impl Expires for UnboundedTable {
    fn expire<'s, In: 'static>(held: Self::Held<'s, In>, idle: Duration) -> Relation<'s, In> {
        held.idle.set(Some(idle));
        held.relation
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Accepts state that may grow for as long as the job runs. `why` is for the next reader of the program. State: that of the
    /// operator before it, without a bound.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
    ///         let all = orders.history().allow_unbounded("one number per customer");
    ///         all.reduce_by_key(|a, b| a + b).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn allow_unbounded<Q: StreamKind>(self, why: &'static str) -> Stream<'s, T, Q, C>
    where
        P: Grows<Allowed = Q>,
    {
        let _ = why;
        self.on(P::allow)
    }

    /// Forgets a key that has had no new values for longer than `idle`, in the first batch after that. State: that of the operator
    /// before it, for the keys that are not idle.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// How many readings each sensor has sent, until it is silent for an hour.
    ///     #[batch(secs(1))]
    ///     fn heard<readings: Source<(u16, f64)>, out: Sink<(u16, u64)>>() {
    ///         let counts = readings.update_state(|_, n: Option<u64>, new| Some(n.unwrap_or(0) + new.len() as u64));
    ///         counts.expire_after(hours(1)).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn expire_after(self, idle: impl TimeSpan) -> Stream<'s, T, Table, C>
    where
        P: Expires,
    {
        let idle = idle.duration();
        self.on(|held| P::expire(held, idle))
    }
}
