//! The tasks of a job's connectors, and the threads that they run on.
//!
//! The engine's own connectors run in the service's runtime, where a record switches threads least. Other connectors may block their
//! thread, by a system call or an endless loop. In the service's runtime that would hold up other tasks, and the timers and sockets of
//! the whole service if the thread is the one that drives them. So such a connector ([`Source::MAY_BLOCK`](crate::Source::MAY_BLOCK)) has a runtime with a thread of its own, which is left
//! behind if it never comes back.

use std::{any::Any, future::Future, io};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::{AbortHandle, JoinError, JoinSet},
};
use tracing::instrument::WithSubscriber;

use crate::{
    checkpoint::CheckpointError,
    contract::error::ConnectorError,
    engine::threads::{scoped_subscriber, thread_name},
    error::JobError,
    panic_origin,
};

/// The connector tasks of one kind.
#[derive(Default)]
pub(super) struct Connectors {
    pub(super) tasks: JoinSet<Result<(), ConnectorError>>,
    known: Vec<Connector>,
    homes: Vec<Home>,
}

struct Connector {
    task: AbortHandle,
    port: &'static str,
    drains: bool,
    ended: bool,
    /// Whether it was dropped because the engine wanted it.
    aborted: bool,
}

/// What is known of a connector before it runs.
pub(super) struct RunPlace<'a> {
    /// The service's runtime.
    pub(super) host: &'a Handle,
    pub(super) job: &'a str,
    pub(super) port: &'static str,
    pub(super) drains: bool,
    pub(super) may_block: bool,
}

impl Connectors {
    /// Runs a connector's task where it belongs.
    pub(super) fn spawn(
        &mut self,
        place: &RunPlace<'_>,
        task: impl Future<Output = Result<(), ConnectorError>> + Send + 'static,
    ) -> io::Result<()> {
        let RunPlace { host, job, port, drains, may_block } = *place;
        let task = if may_block {
            let home = Home::new(format!("{job}-{port}"))?;
            let spawned = match scoped_subscriber() {
                Some(subscriber) => self.tasks.spawn_on(task.with_subscriber(subscriber), home.handle()),
                None => self.tasks.spawn_on(task, home.handle()),
            };
            self.homes.push(home);
            spawned
        } else {
            self.tasks.spawn_on(task, host)
        };
        self.known.push(Connector { task, port, drains, ended: false, aborted: false });
        Ok(())
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// Drops the tasks that do not end by themselves when they are asked.
    pub(super) fn abort_undrained(&mut self) {
        for connector in self.known.iter_mut().filter(|connector| !connector.drains) {
            connector.aborted = true;
            connector.task.abort();
        }
    }

    /// Drops all tasks, and waits until they are gone.
    pub(super) async fn shutdown(&mut self) {
        self.known.iter_mut().for_each(|connector| connector.aborted = true);
        self.tasks.abort_all();
        while self.join_next(|_, _| Ok(())).await.is_some() {}
    }

    /// The ports of the tasks whose end was not heard of.
    pub(super) fn left(&self) -> Vec<&'static str> {
        self.known.iter().filter(|connector| !connector.ended).map(|connector| connector.port).collect()
    }

    /// Whether the end of a task, by its place, was heard of.
    pub(super) fn has_ended(&self, index: usize) -> bool {
        self.known[index].ended
    }

    /// The end of the next task to end; `None` when there is none left.
    pub(super) async fn join_next(
        &mut self,
        wrap: impl Fn(&'static str, ConnectorError) -> Result<(), JobError>,
    ) -> Option<Result<(), JobError>> {
        let joined = self.tasks.join_next_with_id().await?;
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let known = self.known.iter_mut().find(|connector| connector.task.id() == id);
        let known = known.expect("every task has a port");
        known.ended = true;
        let (port, aborted) = (known.port, known.aborted);
        Some(match joined {
            Ok((_, Ok(()))) => Ok(()),
            Ok((_, Err(error))) => wrap(port, error),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => Err(unwound(port, payload)),
                Err(_) if aborted => Ok(()),
                // The runtime drops it, which is no end of a source.
                Err(_) => Err(JobError::RuntimeGone),
            },
        })
    }
}

/// A runtime for one connector, on a thread of its own.
struct Home(Option<Runtime>);

impl Home {
    fn new(name: String) -> io::Result<Self> {
        // Not of the current thread only: what tells tokio that it blocks is welcome.
        let name = thread_name(&name);
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()?;
        Ok(Home(Some(runtime)))
    }

    fn handle(&self) -> &Handle {
        self.0.as_ref().expect("it is there until it is dropped").handle()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Its thread may be stuck, and whoever waits for that is stuck as well.
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// What a connector's unwinding means.
fn unwound(port: &'static str, payload: Box<dyn Any + Send>) -> JobError {
    match payload.downcast::<CheckpointError>() {
        Ok(error) => JobError::Checkpoint(*error),
        Err(panic) => JobError::ConnectorPanicked { port, message: panic_origin::message(&*panic) },
    }
}
