//! Programs that must compile, without a warning: they are part of the test.

#![deny(warnings)]

mod closures;
mod conditions;
mod design;
mod extension_operator;
mod fallible;
mod foreign_names;
mod generic;
mod handed_over;
mod helper_function;
mod helpers_on_windows;
mod in_a_function;
mod loops;
mod names;
mod raw_identifiers;
mod stages;
mod state;
mod two_preludes;
mod windows;
