//! The table of modules in `docs/ARCHITECTURE.md`.

use std::{collections::BTreeSet, fs, path::Path};

use super::map::root;

/// The files below a directory that name a type of timely's or differential's.
fn that_know_timely(directory: &Path, below: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("it is a directory") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            that_know_timely(&path, below, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("sources are text");
        let mut code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        if code.any(|line| line.contains("timely::") || line.contains("differential_dataflow::")) {
            let name = path.strip_prefix(below).expect("it is below").with_extension("");
            found.insert(name.display().to_string());
        }
    }
}

#[test]
fn those_know_timely_that_the_docs_name() {
    let sources = root().join("streaming-runtime/src");
    let docs = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("it is there");
    let table = docs.lines().skip_while(|line| !line.contains("| module | what it is | knows timely |"));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    let mut said = BTreeSet::new();
    let mut modules = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let (of, knows) = (names(cells[1]), cells[3]);
        modules.extend(of.iter().cloned());
        match knows {
            "yes" => said.extend(of),
            "no" => {}
            some => said.extend(names(some).iter().map(|name| format!("{}/{name}", of[0]))),
        }
    }
    let mut found = BTreeSet::new();
    that_know_timely(&sources, &sources, &mut found);
    let is_said =
        |file: &String| said.iter().any(|name| file == name || file.starts_with(&format!("{name}/")));
    let unsaid: Vec<_> = found.iter().filter(|file| !is_said(file)).collect();
    assert!(
        unsaid.is_empty(),
        "these know timely, and the table in docs/ARCHITECTURE.md does not say so: {unsaid:?}"
    );
    let knows =
        |name: &String| found.iter().any(|file| file == name || file.starts_with(&format!("{name}/")));
    let idle: Vec<_> = said.iter().filter(|name| !knows(name)).collect();
    assert!(idle.is_empty(), "these do not know timely, and the table says so: {idle:?}");
    let lib = fs::read_to_string(sources.join("lib.rs")).expect("it is there");
    let all = lib.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)
    });
    let missing: Vec<_> = all.filter(|module| !modules.contains(module)).collect();
    assert!(missing.is_empty(), "these modules are not in the table: {missing:?}");
}
