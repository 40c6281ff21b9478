//! State on disk: initial states, what serde cannot bring back, parameters of aggregates, checkpoints that are gone.

mod fidelity;
mod fixture;
mod gone;
mod initial;
mod inspected;
mod losing;
mod parameters;
