//! What engines and jobs are asked for elsewhere.

use crate::{
    engine::{Engine, Job},
    foreign_names::foreign_names,
};

impl EngineNames for Engine {}
impl JobNames for Job {}

foreign_names! {
    /// What an engine is asked for elsewhere.
    trait EngineNames, mod asked_of_engines, "an engine has no method of this name";

    run | spawn | execute | submit | launch | deploy | serve | add | add_pipeline | register | run_pipeline | block_on(P)
        => "an engine starts a pipeline, and does not wait for it: write `let mut job = Engine::new().start(flow::Ports {{ .. }})?;`, and `job.join().await?` to wait";
    parallelism | set_parallelism | setParallelism | threads | num_threads | worker_threads | with_workers | num_workers | set_workers | cores(N)
        => "how many workers there are is said by `Engine::new().workers(4)`";
    interval | batch_interval | with_interval | batch_duration | set_batch_interval | batch(D)
        => "the batch interval is the pipeline's: write `#[batch(secs(1))]` above its `fn`, inside of `stream!`";
    with_checkpoint | enable_checkpointing | enableCheckpointing | checkpoint_dir | set_checkpoint_dir | with_checkpoint_dir(P)
        => "a job is made safe from crashes by `Engine::new().checkpoint(\"directory\")`";
    with_clock | set_clock | clock(C) => "a test moves time with `Engine::new().manual_clock(&clock)`";
    with_name | app_name | appName | job_name(N) => "a job is named by `Engine::new().name(\"name\")`";
    join | wait | await_termination | awaitTermination() => "a job is waited for, and not its engine: write `let mut job = engine.start(..)?;` and `job.join().await?`";
    stop | shutdown | close() => "a job is stopped, and not its engine: write `let mut job = engine.start(..)?;` and `job.stop().await?`";
    build() => "an engine is there as soon as it is made: write `Engine::new().start(..)`";
    memory | max_memory | with_memory_limit(N) => "what a job may take of memory is said by `Engine::new().memory_limit(bytes)`";
    rate_limit | with_rate(N) => "how fast sources may be is said by `Engine::new().max_rate(1000.0)`";
}

foreign_names! {
    /// What a job is asked for elsewhere.
    trait JobNames, mod asked_of_jobs, "a job has no method of this name";

    wait | await_termination | awaitTermination | run | block_on | until_done | finished | wait_for_end | closed()
        => "a running pipeline is waited for by `job.join().await`";
    shutdown | cancel | terminate | kill | close | interrupt | quit() => "a running pipeline is stopped by `job.stop().await`, which delivers the last batch; `job.abort().await` drops it";
    stop_gracefully | graceful_shutdown | shutdown_timeout(D) => "a running pipeline is stopped by `job.stop().await`, or `job.stop_within(secs(10)).await` with a limit";
    is_finished | is_running | is_done | status | state() => "how a running pipeline does say `job.metrics()` and `job.monitor()`; that it ended says `job.join().await`";
    stats | statistics | progress | last_progress() => "what a running pipeline did say its `job.metrics()` and `job.explain()`";
}
