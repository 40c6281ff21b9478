//! Streams with different rhythms: batches, early batches and what is renewed at slides, in every mixture.

mod behind;
mod examples;
mod kinds;
mod meetings;
mod model;
mod run;
