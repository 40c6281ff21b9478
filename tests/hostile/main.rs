//! Peers, disks and connectors that misbehave: the job says so and the service lives.

mod blocking;
mod disk;
mod within;
