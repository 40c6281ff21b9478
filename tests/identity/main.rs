//! What state belongs to: ids of operators in pipelines, helpers and stages; and ports that each body connects.

mod helpers;
mod names;
mod ports;
mod run;
mod stages;
