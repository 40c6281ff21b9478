//! The end of a job: what is delivered when sources end, at a stop and after an absence.

mod absence;
mod accepted;
mod ends;
mod json;
mod kills;
mod random;
mod restarts;
mod work;
