//! What the engine knows of a connector before it runs it: the constants of its type, which a connector that was chosen at run
//! time has by value.

use crate::contract::{delivery::Delivery, recovery::Recovery};

/// The constants of a [`Source`](crate::Source).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceProperties {
    /// [`Source::PACED`](crate::Source::PACED).
    pub paced: bool,
    /// [`Source::DRAINS`](crate::Source::DRAINS).
    pub drains: bool,
    /// [`Source::MAY_BLOCK`](crate::Source::MAY_BLOCK).
    pub may_block: bool,
    /// [`Source::ACCEPTS`](crate::Source::ACCEPTS).
    pub accepts: bool,
    /// [`Source::RECOVERY`](crate::Source::RECOVERY).
    pub recovery: Recovery,
}

/// The constants of a [`Sink`](crate::Sink).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkProperties {
    /// [`Sink::DELIVERY`](crate::Sink::DELIVERY).
    pub delivery: Delivery,
    /// [`Sink::MAY_BLOCK`](crate::Sink::MAY_BLOCK).
    pub may_block: bool,
    /// [`Sink::REBUILDS`](crate::Sink::REBUILDS).
    pub rebuilds: bool,
    /// [`Sink::SHOWS_LAST`](crate::Sink::SHOWS_LAST).
    pub shows_last: bool,
    /// [`Sink::SKIPS_EMPTY`](crate::Sink::SKIPS_EMPTY).
    pub skips_empty: bool,
}
