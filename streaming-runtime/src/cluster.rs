//! A job in several processes.

pub use crate::{engine::Cluster, error::cluster::ClusterError};
