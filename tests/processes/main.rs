//! Real processes: one job in several of them, and jobs that are killed and started again.

mod cluster;
mod kills;
mod restarts;
mod soak;
