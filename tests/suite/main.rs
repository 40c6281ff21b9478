//! What the engine must do, seen from outside: one binary, so that it is linked once.

mod aggregates;
mod cluster;
mod conformance;
mod counts;
mod embedding;
mod exchange;
mod failures;
mod isolation;
mod joins;
mod life_cycle;
mod loops;
mod lowerings;
mod observe;
mod overload;
mod recovery;
mod reference;
mod sockets;
mod state;
mod transform;
mod views;
mod windows;
