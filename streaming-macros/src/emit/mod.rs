//! From the graph to Rust: the body with its operators named (`lower`), and the items around it: those of a pipeline (`items`,
//! `body`, `names`), those of a stage (`stage`), what both say of the stages that they call
//! (`fragments`), and what a body with a mistake would have imported (`imports`).

mod body;
mod borrowed_keys;
mod fragments;
mod imports;
mod items;
mod lower;
mod names;
mod stage;

pub use items::emit as pipeline;
pub use lower::lower;
pub use stage::emit as stage;
