//! Streams with different rhythms: batches, early batches and what is renewed at slides, in every mixture.
