//! The end of a job: what is delivered when sources end, at a stop and after an absence.
