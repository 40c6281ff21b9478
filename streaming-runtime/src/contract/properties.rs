//! What the engine knows of a connector before it runs it: the constants of its type, which a connector that was chosen at run
//! time has by value.

use crate::contract::{
    recovery::Recovery,
    sink::{Delivery, Sink},
    source::Source,
};

/// The constants of a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceProperties {
    /// [`Source::PACED`].
    pub paced: bool,
    /// [`Source::DRAINS`].
    pub drains: bool,
    /// [`Source::MAY_BLOCK`].
    pub may_block: bool,
    /// [`Source::ACCEPTS`].
    pub accepts: bool,
    /// [`Source::RECOVERY`].
    pub recovery: Recovery,
}

impl SourceProperties {
    /// Those of a type.
    pub(crate) const fn of<T, S: Source<T>>() -> Self {
        SourceProperties {
            paced: S::PACED,
            drains: S::DRAINS,
            may_block: S::MAY_BLOCK,
            accepts: S::ACCEPTS,
            recovery: S::RECOVERY,
        }
    }
}

/// The constants of a [`Sink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkProperties {
    /// [`Sink::DELIVERY`].
    pub delivery: Delivery,
    /// [`Sink::MAY_BLOCK`].
    pub may_block: bool,
    /// [`Sink::REBUILDS`].
    pub rebuilds: bool,
    /// [`Sink::SHOWS_LAST`].
    pub shows_last: bool,
}

impl SinkProperties {
    /// Those of a type.
    pub(crate) const fn of<T, S: Sink<T>>() -> Self {
        SinkProperties {
            delivery: S::DELIVERY,
            may_block: S::MAY_BLOCK,
            rebuilds: S::REBUILDS,
            shows_last: S::SHOWS_LAST,
        }
    }
}
