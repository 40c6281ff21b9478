//! Imports between the files of the runtime point one way: no file is below itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{find, root, text};

/// Circles that are still there. None may be added.
const KNOWN: &[&[&str]] = &[
    &["operators/join", "operators/join/kind"],
    &["operators/kernel/hash_join", "operators/kernel/hash_join/state"],
];

/// The same of rooms, which are the modules of the crate's root, each with why.
const KNOWN_ROOMS: &[(&[&str], &str)] = &[(
    &["contract", "intake"],
    "`Source::run` is given a `SourceContext`, whose queues know the errors and the receipts of the contract",
)];

#[test]
fn imports_of_the_runtime_point_one_way() {
    let imports = imports(&root().join("streaming-runtime/src"));
    assert!(imports.len() > 100, "the files are found");
    let mut circles = circles(&imports);
    circles.retain(|circle| !KNOWN.contains(&circle.as_slice()));
    assert!(
        circles.is_empty(),
        "files import each other in a circle: move what both need below both: {circles:#?}"
    );
}

#[test]
fn rooms_of_the_runtime_point_one_way() {
    let room = |file: &str| file.split('/').next().expect("a path has a first part").to_owned();
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, imports) in imports(&root().join("streaming-runtime/src")) {
        let others = imports.iter().map(|import| room(import)).filter(|import| *import != room(&file));
        rooms.entry(room(&file)).or_default().extend(others);
    }
    assert!(rooms.len() > 20, "the rooms are found");
    let mut circles = circles(&rooms);
    circles.retain(|circle| KNOWN_ROOMS.iter().all(|(known, _)| known != circle));
    assert!(
        circles.is_empty(),
        "rooms import each other in a circle: move what both need below both: {circles:#?}"
    );
}

/// The sets of files or rooms that are below themselves.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<&str>> {
    let mut circles = BTreeSet::new();
    for file in imports.keys() {
        let below = below(file, imports);
        if below.contains(file.as_str()) {
            let mutual = |other: &&str| self::below(other, imports).contains(file.as_str());
            circles.insert(below.into_iter().filter(mutual).collect());
        }
    }
    circles
}

/// All files that a file is built on, directly or not.
fn below<'a>(file: &str, imports: &'a BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = vec![file];
    while let Some(next) = open.pop() {
        for import in imports.get(next).into_iter().flatten() {
            if found.insert(import.as_str()) {
                open.push(imports.get_key_value(import).expect("it is a file").0);
            }
        }
    }
    found
}

/// What each file imports from the crate's other files. Tests and the crate's root are left out, and so is what a room
/// only passes on by `pub use`.
fn imports(source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    find(source, "rs", &mut files);
    let name = |file: &Path| {
        let name = file.strip_prefix(source).expect("it is below").with_extension("");
        let name = name.to_str().expect("names are plain").replace('\\', "/");
        name.strip_suffix("/mod").map_or(name.clone(), str::to_owned)
    };
    let is_code = |name: &String| name != "lib" && !name.split('/').any(|part| part == "tests");
    let modules: BTreeSet<String> = files.iter().map(|file| name(file)).filter(is_code).collect();
    let mut imports = BTreeMap::new();
    for file in &files {
        let module = name(file);
        if !is_code(&module) {
            continue;
        }
        let text = text(file);
        let code = text.split("#[cfg(test)]\nmod tests {").next().expect("there is a first part");
        let mut found = BTreeSet::new();
        for import in paths(code) {
            found.extend(target(&module, &import, &modules).filter(|target| *target != module));
        }
        imports.insert(module, found);
    }
    imports
}

/// The paths of the `use` items of a file that are not passed on.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let line_starts = rest[..at].rfind('\n').map_or(0, |end| end + 1);
        let is_import = rest[line_starts..at].trim().is_empty();
        rest = &rest[at + "use ".len()..];
        if let Some(end) = rest.find(';').filter(|_| is_import) {
            let tree: String = rest[..end].chars().filter(|c| !c.is_whitespace()).collect();
            expand("", &tree, &mut paths);
        }
    }
    paths
}

/// Writes the paths of an import tree out.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let (mut depth, mut start) = (0_usize, 0);
    let ends = tree.char_indices().chain([(tree.len(), ',')]);
    for (at, c) in ends {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = &tree[start..at];
                start = at + 1;
                match part.split_once('{') {
                    Some((head, inner)) => {
                        expand(&format!("{prefix}{head}"), inner.strip_suffix('}').unwrap_or(inner), paths);
                    }
                    None if !part.is_empty() => paths.push(format!("{prefix}{part}")),
                    None => {}
                }
            }
            _ => {}
        }
    }
}

/// The file that a path leads into.
fn target(module: &str, path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut parts: Vec<&str> = path.split("::").collect();
    let mut base: Vec<&str> = module.split('/').collect();
    match parts[0] {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
        }
        // A child, or another crate.
        first if modules.contains(&format!("{module}/{first}")) => parts.insert(0, "self"),
        _ => return None,
    }
    base.extend(&parts[1..]);
    (1..=base.len()).rev().map(|end| base[..end].join("/")).find(|name| modules.contains(name))
}
