//! Lines over TCP: from a server that we connect to, or from clients that connect to us.

mod client;
mod connection;
mod descriptors;
mod listen;

pub use client::{Lines, lines};
pub use listen::{Connections, Listen, listen};
