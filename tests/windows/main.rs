//! Operators on windows against recomputing each window from scratch.

mod aggregates;
mod lowerings;
mod recomputed;
