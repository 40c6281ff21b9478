//! What sources are called in the log of a job with several processes.

use crate::checkpoint::{Declared, Opened};

/// The name of a source in the log. Sources of the leader keep their name.
pub(super) fn port_of(process: usize, port: &str) -> String {
    if process == 0 { port.to_owned() } else { format!("{port}@{process}") }
}

/// The process of a source in the log, and the name of its port there.
pub(super) fn process_of(port: &str) -> (usize, &str) {
    let parts = port.rsplit_once('@').and_then(|(port, process)| Some((process.parse().ok()?, port)));
    parts.unwrap_or((0, port))
}

/// Applies what is declared of sources to those of each process. A name with a process means that one alone.
pub(super) fn in_each_process(declared: Declared, opened: &Opened, processes: usize) -> Declared {
    let then = opened.program().map_or(0, |program| program.processes as usize);
    let of = |port: &str, process| if port.contains('@') { port.to_owned() } else { port_of(process, port) };
    let mut all = Declared::default();
    for process in 0..processes.max(then) {
        let renamed = declared.renamed.iter().map(|(old, new)| (of(old, process), of(new, process)));
        all.renamed.extend(renamed);
        all.forgotten.extend(declared.forgotten.iter().map(|port| of(port, process)));
    }
    all
}
