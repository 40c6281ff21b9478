//! What the engine must do, seen from outside: one binary, so that it is linked once.

mod conformance;
mod exchange;
mod failures;
mod life_cycle;
mod reference;
mod sockets;
mod transform;
mod windows;
