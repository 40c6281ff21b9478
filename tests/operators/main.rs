//! Each operator against the same recomputed from scratch, batch by batch, on random batches with one to three workers.
//!
//! Operators on windows are in `windows`, joins in `joins`, and `iterate` in `loops`.

mod counts;
mod per_batch;
mod shorthands;
mod state;
mod transform;
