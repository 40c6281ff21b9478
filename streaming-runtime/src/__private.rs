//! What the macros name. Nothing here is for users.

pub use crate::{
    engine::{Flow, InPort, OutPort, Wiring},
    ids::OpId,
    observe::plan::drawing::{Notation, drawn, drawn_length},
    operators::foreign_names::{SinkNames, StateNames, StreamNames},
    record::SharedRecord,
    stage::{Fragment, IsStage, Stage, count, fragment, joined, length, lines, no_stage, text},
    stream::reported::{NoStream, Reported},
};
pub use streaming_macros::{stage, stream};
