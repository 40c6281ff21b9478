//! What connectors are asked for elsewhere.

use crate::{connectors::console::Console, foreign_names::foreign_names};

impl<F, W> ConsoleNames for Console<F, W> {}

foreign_names! {
    /// What a console is asked for elsewhere.
    trait ConsoleNames, mod asked_of_consoles, "a console has no method of this name";

    limit | take | rows | num_rows | head | max | lines | max_records(N) => "a console shows the first records of each batch by `console().first(10)`";
    name | label | prefix | header(N) => "a console shows a name above each batch by `console().title(\"name\")`";
    hide_empty | without_empty | non_empty() => "a console leaves out empty batches by `console().skip_empty()`";
    sort | order() => "a console sorts each batch by `console().sorted()`";
    stderr | to_stderr() => "a console writes elsewhere by `console().to_writer(std::io::stderr())`";
    map | formatter | with_format(F) => "a console writes records in another way by `console().format(|record| ..)`";
}
