//! Dev.
#[path = "../suite/cluster.rs"]
mod cluster;
