//! Streams with different rhythms: batches, early batches and what is renewed at slides, in every mixture.

mod mixtures;
mod model;
mod run;
