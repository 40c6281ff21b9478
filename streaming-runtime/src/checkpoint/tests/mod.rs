//! The byte-level half against a plain model, on a disk that fails.

mod crash;
mod damage;
mod edits;
mod faults;
mod place;
mod random;
mod run;
mod size;
mod work;
