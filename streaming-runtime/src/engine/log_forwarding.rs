//! The way of a follower's [`LogMessage`]s to the leader's log: a small dataflow of its own beside the pipeline's, so that they
//! travel on the connections that records have, and in order.
//!
//! Its progress does not matter, so all of it has one time, and the input is never advanced.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle,
        channels::pact::{Exchange, Pipeline},
        operators::generic::operator::Operator,
    },
    worker::Worker,
};

use crate::{
    engine::{
        control::Control,
        job_log::{LogMessage, LogMessages},
    },
    ids::Epoch,
};

/// What the operators of one worker have for the log since it was last sent.
pub(crate) type WorkerLogMessages = Rc<RefCell<Vec<LogMessage>>>;

/// One worker's end.
pub(crate) struct ToLeader {
    input: InputHandle<Epoch, CapacityContainerBuilder<Vec<LogMessage>>>,
    own: WorkerLogMessages,
    /// What the process has: its first worker sends that, so that it comes in order.
    of_process: Option<Arc<LogMessages>>,
}

impl ToLeader {
    /// Built on each worker of each process.
    pub(crate) fn new(
        worker: &mut Worker,
        own: WorkerLogMessages,
        of_process: Option<Arc<LogMessages>>,
        control: Arc<Control>,
    ) -> Self {
        let mut input = InputHandle::new_with_builder();
        worker.dataflow::<Epoch, _, _>(|scope| {
            // An operator in between, as behind each input: see `Injector`.
            let messages = input.to_stream(scope).unary(Pipeline, "Source", |_, _| {
                move |input, output| {
                    input.for_each(|time, messages| output.session(&time).give_container(messages));
                }
            });
            messages.sink(Exchange::new(|_: &LogMessage| 0), "Log", move |(input, _)| {
                input.for_each(|_, messages| {
                    let log = control.log().expect("workers step only when there is a log");
                    messages.drain(..).for_each(|message| log.write(message));
                });
            });
        });
        ToLeader { input, own, of_process }
    }

    /// Sends what there is.
    pub(crate) fn flush(&mut self) {
        let of_process = self.of_process.as_ref().map(|messages| messages.take()).unwrap_or_default();
        let own = std::mem::take(&mut *self.own.borrow_mut());
        if of_process.is_empty() && own.is_empty() {
            return;
        }
        of_process.into_iter().chain(own).for_each(|message| self.input.send(message));
        self.input.flush();
    }
}
