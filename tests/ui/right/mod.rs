//! Programs that must compile, without a warning: they are part of the test.

#![deny(warnings)]

mod closures;
mod extension_operator;
mod helper_function;
mod in_a_function;
mod names;
mod raw_identifiers;
