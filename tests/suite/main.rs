//! What the engine must do, seen from outside: one binary, so that it is linked once.

mod conformance;
