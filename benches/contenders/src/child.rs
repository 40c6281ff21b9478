//! Tasks in processes of their own, for figures that no other workload's leftovers may be in.

use std::process::{Command, Stdio};

use crate::measure::Runs;

/// What a process of this program says when it does nothing but `task`.
pub fn in_child(task: &[&str], runs: Runs) -> Vec<u64> {
    in_child_with(&[], task, runs)
}

/// As [`in_child`], with variables of the environment set.
pub fn in_child_with(variables: &[(&str, &str)], task: &[&str], runs: Runs) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.arg("alone").args(task).envs(variables.iter().copied()).stderr(Stdio::inherit());
    if runs.quick {
        child.arg("--quick");
    }
    let output = child.output().expect("it starts");
    assert!(output.status.success(), "{task:?} went wrong");
    let figures = String::from_utf8_lossy(&output.stdout).into_owned();
    figures.split_whitespace().map(|figure| figure.parse().expect("a figure")).collect()
}
