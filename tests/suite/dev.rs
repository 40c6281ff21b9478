//! Dev.
mod embedding;
mod failures;
mod life_cycle;
mod observe;
mod views;
