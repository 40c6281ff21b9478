//! What agents ask for, and what they are told, in whichever protocol.

use crate::connectors::flume::event::Event;

/// The longest name of a method that is told back to who called it.
const SHOWN: usize = 100;

/// What an agent asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Take these, all or none.
    Append(Vec<Event>),
    /// A method that there is not.
    Unknown(String),
    /// Nothing but a handshake.
    Nothing,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// They are durable.
    Ok,
    /// Send them again.
    Failed,
}

impl Call {
    pub(super) fn unknown(name: &[u8]) -> Self {
        Call::Unknown(String::from_utf8_lossy(&name[..name.len().min(SHOWN)]).into_owned())
    }
}
