//! State on disk: initial states, what serde cannot bring back, parameters of aggregates, checkpoints that are gone.

mod fixture;
mod lasting;
