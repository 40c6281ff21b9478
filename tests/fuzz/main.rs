//! Random pipelines of many shapes against a naive model of their meaning.
