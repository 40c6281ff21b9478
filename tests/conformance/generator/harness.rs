//! The kinds that need no pipeline of their own: each case is run by a function of the suite.

use serde_json::Value;

use super::{Case, program::Skipped};

/// The function that runs a case.
pub struct Harness {
    /// Its name, and that of the suite's module that it is in.
    pub function: &'static str,
    /// Whether it is run for one and for two workers.
    pub by_workers: bool,
}

/// How a case is run, if it is of such a kind.
pub fn harness(case: &Case) -> Option<Result<Harness, Skipped>> {
    match case.text("kind") {
        "pid" => Some(Ok(Harness { function: "pid", by_workers: false })),
        "rate_limiter" => Some(Ok(Harness { function: "rate_limiter", by_workers: false })),
        "lifecycle" => Some(match no_counterpart(&case.0) {
            Some(reason) => Err(Skipped(reason.to_owned())),
            None => Ok(Harness { function: "life_cycle", by_workers: true }),
        }),
        _ => None,
    }
}

/// Why the life of a job has nothing like these steps.
fn no_counterpart(case: &Value) -> Option<&'static str> {
    let steps: Vec<&str> =
        case["steps"].as_array().into_iter().flatten().filter_map(|step| step[0].as_str()).collect();
    let has = |wanted: &str| steps.iter().any(|step| step.contains(wanted));
    if has("getOrCreate") || has("recover") {
        return None;
    }
    if has("updateStateByKey") || has("with inverse") || has("state with checkpoint interval") {
        return Some("an error of Spark's start() that nothing here can cause");
    }
    if has("active context") {
        return Some("the process has no context: each job is a value of its own, and many run at once");
    }
    if has("add ") || has("persist") || has("checkpoint") {
        return Some("a job's graph is a type: nothing can be added to it, before its start or after");
    }
    let starts = steps.iter().filter(|step| **step == "start").count();
    let stops_first = steps.iter().take_while(|step| **step != "start").any(|step| step.starts_with("stop"));
    if starts > 1 || stops_first {
        return Some(
            "a start makes the job of the ports: no job is there before, and the ports are gone after",
        );
    }
    if starts > 0 && !has("register output") {
        return Some("a compile error here: see the UI tests");
    }
    None
}
