//! Peers, disks and connectors that misbehave: the job says so and the service lives.

mod blocking;
mod cluster;
mod disk;
mod listen;
mod runtime;
mod within;
