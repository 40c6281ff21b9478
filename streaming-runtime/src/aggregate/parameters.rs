//! What an aggregate was made with.

use std::{any::type_name, fmt::Display};

/// What the accumulators of an [`Aggregate`](crate::Aggregate) depend on beside the values, such as the `k` of
/// [`top_k(k)`](crate::aggregate::top_k()): see [`Aggregate::parameters`](crate::Aggregate::parameters).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters(Result<String, &'static str>);

impl Parameters {
    /// There is nothing that they depend on.
    pub fn none() -> Self {
        Parameters(Ok(String::new()))
    }

    /// They depend on this: a number, or several with something between them. As text, since that is what a checkpoint
    /// has of it; it should be the same in each release of the program.
    pub fn of(parameters: impl Display) -> Self {
        Parameters(Ok(parameters.to_string()))
    }

    /// None if the type `G` has no fields that could be some; else it is not known.
    pub(crate) fn unless_said<G>() -> Self {
        Parameters(if size_of::<G>() == 0 { Ok(String::new()) } else { Err(type_name::<G>()) })
    }

    /// Those of several together.
    pub(crate) fn all(parts: impl IntoIterator<Item = Parameters>) -> Self {
        let parts: Result<Vec<String>, _> = parts.into_iter().map(|part| part.0).collect();
        let join = |parts: Vec<String>| match parts.iter().all(String::is_empty) {
            true => String::new(),
            false => format!("({})", parts.join(",")),
        };
        Parameters(parts.map(join))
    }

    /// As text, or the aggregate that does not say them.
    pub(crate) fn said(self) -> Result<String, &'static str> {
        self.0
    }
}
