//! Prints the public items of a crate, one a line, from the JSON that rustdoc has written about it.
//!
//! Left out are what follows from other lines: methods of derived impls, impls for all types, and the automatic traits but
//! `Send` and `Sync`. A line that two paths lead to is there once.

use std::{collections::HashSet, env, error::Error, path::Path};

use public_api::Builder;

/// Automatic traits, and those that only the compiler asks for, which no program is written against.
const UNSAID: &[&str] =
    &["Freeze", "Unpin", "UnsafeUnpin", "UnwindSafe", "RefUnwindSafe", "StructuralPartialEq", "TrivialClone"];
fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args_os().nth(1).ok_or("usage: public-api-list FILE.json")?;
    for line in lines(Path::new(&file))? {
        println!("{line}");
    }
    Ok(())
}

fn lines(file: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let build = |omit_derived| {
        let builder = Builder::from_rustdoc_json(file).omit_blanket_impls(true);
        builder.omit_auto_derived_impls(omit_derived).build()
    };
    let underived: HashSet<String> = build(true)?.items().map(ToString::to_string).collect();
    let mut seen = HashSet::new();
    let mut lines: Vec<String> = build(false)?.items().map(ToString::to_string).collect();
    lines.retain(|line| is_impl(line) || underived.contains(line));
    lines.retain(|line| !is_unsaid(line) && !is_repeated(line) && seen.insert(line.clone()));
    Ok(lines)
}

fn is_impl(line: &str) -> bool {
    line.starts_with("impl")
}

fn is_unsaid(line: &str) -> bool {
    let of = line.split_once(" for ").map_or("", |(head, _)| head);
    is_impl(line) && UNSAID.iter().any(|name| of.ends_with(&format!("::{name}")))
}

/// Whether a line is about an item of what the prelude gives, which the list has under the item's own path. rustdoc also takes
/// the private modules `stage` and `stream` for what the prelude gives, where the macros of these names are meant.
fn is_repeated(line: &str) -> bool {
    line.split_once("::prelude::").is_some_and(|(_, item)| {
        let name = item.split(['(', '<', ' ', ':']).next().unwrap_or(item);
        is_impl(line) || name == "_" || item[name.len()..].starts_with("::")
    })
}
