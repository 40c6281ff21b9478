//! What the docs promise, line by line: the map from lines to tests is `docs/guarantees.md`. Here are those that
//! belong to no topic of the other tests.

mod map;
mod modules;
mod paced;
mod restarts;
mod threads;
