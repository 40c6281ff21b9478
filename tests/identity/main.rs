//! What state belongs to: ids of operators in pipelines, helpers and stages; and ports that each body connects.

mod ports;
