//! A job in its service: how it begins, delivers and ends, what it does under load, and how its results are read.

mod embedding;
mod exchange;
mod failures;
mod life_cycle;
mod overload;
mod sockets;
mod views;
