//! From an engine and a pipeline to a running job.

use std::sync::{Arc, mpsc as std_mpsc};

use timely::CommunicationConfig;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use crate::{
    engine::{
        backpressure::Backpressure,
        builder::Engine,
        checkpoint_settings::within,
        cluster::{Cluster, Link, ProgramHello},
        control::{Control, ControlSettings, WorkerHandle},
        job::Job,
        job_log::LogMessages,
        prepared::{ClusterParts, Prepared},
        resume::{JobRecovery, RecoveringSource, StoredCheckpoint},
        supervisor::SupervisorStart,
        targets,
        threads::thread_name,
        wiring::{Pipeline, PipelineFacts, SinkTask, SourceTask, Wiring},
        worker::{self, Exit, LocalWorker, LogRoute, WorkerLink, WorkerRecovery, WorkerStart},
    },
    error::StartError,
    intake::admission::Admissions,
    observe::{
        listener::Listeners,
        metrics::{Board, BoardSettings, Port},
        plan::Plan,
    },
};

impl Engine {
    /// Starts a pipeline on connectors and values given by name, with its workers on threads of their own. Returns when each worker
    /// has built its dataflow, which takes no longer than the pipeline's body does.
    ///
    /// # Errors
    /// [`StartError`]: no tokio runtime here, a setting out of range, no thread available, or a body that makes no dataflow
    /// ([`BuildError`](crate::BuildError)). The processes of a [`Cluster`] build their dataflows when all are there, so a job of a
    /// cluster reports the last one when it is joined: [`JobError::Build`](crate::JobError::Build).
    pub fn start<P: Pipeline>(&self, pipeline: P) -> Result<Job, StartError> {
        let (runtime, mut wiring) = self.wiring()?;
        pipeline.wire(&mut wiring);
        self.start_wired(PipelineFacts::of::<P>(), &runtime, wiring)
    }

    /// Starts a pipeline whose ports are wired. From here on nothing knows its type, so that it is compiled with this crate.
    fn start_wired(
        &self,
        pipeline: PipelineFacts,
        runtime: &Handle,
        wiring: Wiring,
    ) -> Result<Job, StartError> {
        let (cluster, links) = match &self.cluster {
            Some(cluster) => {
                let (cluster, links) = self.cluster_links(pipeline, cluster)?;
                (Some(cluster), links)
            }
            None => (None, self.local_links()?),
        };
        let (mut prepared, starts) = self.prepare(pipeline, wiring, runtime, cluster)?;
        let (exits, exited) = mpsc::unbounded_channel();
        for (index, (start, link)) in starts.into_iter().zip(links).enumerate() {
            let name = thread_name(&format!("{}-{index}", prepared.name));
            if let Err(source) = worker::spawn(name, start, link, exits.clone()) {
                prepared.control.abort();
                return Err(StartError::Thread { worker: index, source });
            }
        }
        if prepared.cluster.is_none() {
            prepared.wait_until_built()?;
            prepared.check_checkpoint()?;
        }
        self.supervise(runtime, prepared, exited)
    }

    /// Starts a pipeline with one worker that runs where it is polled, in a `current_thread` runtime, for the lowest latency: a record
    /// crosses no thread, and takes about 10 us instead of about 50.
    ///
    /// Use it where the work of a batch is short and the runtime's thread has time to spare: a step of an operator is not
    /// interrupted, and every other task of the thread waits for it. Use [`start`](Engine::start) for everything else: it takes the
    /// work off the runtime, and uses as many cores as there are [`workers`](Engine::workers).
    ///
    /// ```
    /// use streaming_runtime::{connect::{channel, collect}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn doubled<numbers: Source<u64>, out: Sink<u64>>() {
    ///         numbers.map(|n| 2 * n).to(out);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (sender, numbers) = channel(1024);
    ///     let (out, results) = collect();
    ///     let (mut job, worker) = Engine::new().close_early(true).start_local(doubled::Ports { numbers, out })?;
    ///     let service = async {
    ///         sender.send_tracked(21).await?.await?;
    ///         assert_eq!(results.records(), [42]);
    ///         job.stop().await?;
    ///         Ok(())
    ///     };
    ///     tokio::join!(service, worker).0 // or `spawn_local(worker)` in a `LocalSet`
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StartError`]: no tokio runtime here, a setting out of range, or a body that makes no dataflow
    /// ([`BuildError`](crate::BuildError)); [`workers`](Engine::workers) must be 1.
    pub fn start_local<P: Pipeline>(&self, pipeline: P) -> Result<(Job, LocalWorker), StartError> {
        self.check_local()?;
        let (runtime, mut wiring) = self.wiring()?;
        pipeline.wire(&mut wiring);
        self.start_local_wired(PipelineFacts::of::<P>(), &runtime, wiring)
    }

    /// Whether the settings are those of a job with one worker in the runtime.
    fn check_local(&self) -> Result<(), StartError> {
        if self.workers != 1 {
            let workers = self.workers;
            return Err(StartError::Config(format!("a local job has one worker, and not {workers}")));
        }
        if self.cluster.is_some() {
            return Err(StartError::Config("the workers of a cluster have threads of their own".to_owned()));
        }
        Ok(())
    }

    /// As [`start_wired`](Engine::start_wired).
    fn start_local_wired(
        &self,
        pipeline: PipelineFacts,
        runtime: &Handle,
        wiring: Wiring,
    ) -> Result<(Job, LocalWorker), StartError> {
        let (mut prepared, mut starts) = self.prepare(pipeline, wiring, runtime, None)?;
        let (exits, exited) = mpsc::unbounded_channel();
        let start = starts.pop().expect("one worker was prepared");
        let worker = LocalWorker::new(start, exits).map_err(StartError::Build)?;
        prepared.check_checkpoint()?;
        Ok((self.supervise(runtime, prepared, exited)?, worker))
    }

    /// Checks the settings, and gives what ports are wired to.
    fn wiring(&self) -> Result<(Handle, Wiring), StartError> {
        let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        self.check()?;
        let wiring = Wiring::new(self.workers, self.queue, self.admissions()?, self.checkpoint.is_some());
        Ok((runtime, wiring))
    }

    /// How workers are connected that are all in this process.
    fn local_links(&self) -> Result<Vec<WorkerLink>, StartError> {
        let communication = match self.workers {
            1 => CommunicationConfig::Thread,
            n => CommunicationConfig::Process(n),
        };
        let (allocators, _) = communication.try_build().map_err(StartError::Config)?;
        Ok(allocators.into_iter().map(Box::new).map(WorkerLink::Local).collect())
    }

    /// How workers are connected that are in the processes of a cluster.
    fn cluster_links(
        &self,
        pipeline: PipelineFacts,
        cluster: &Cluster,
    ) -> Result<(ClusterParts, Vec<WorkerLink>), StartError> {
        cluster.check().map_err(StartError::Config)?;
        let program = ProgramHello::new(
            pipeline.name,
            pipeline.batch,
            pipeline.plan,
            pipeline.operators,
            (cluster.processes(), self.workers),
            self.checkpoint.is_some(),
        );
        let (seats, links): (Vec<_>, Vec<_>) = (0..self.workers).map(|_| std_mpsc::channel()).unzip();
        let (link, peers, role) = Link::new(cluster.clone(), program, seats);
        let links = links.into_iter().map(WorkerLink::Cluster).collect();
        Ok((ClusterParts { link, peers, role }, links))
    }

    /// Everything of a start but the workers and the supervisor.
    fn prepare(
        &self,
        pipeline: PipelineFacts,
        wiring: Wiring,
        runtime: &Handle,
        cluster: Option<ClusterParts>,
    ) -> Result<(Prepared, Vec<WorkerStart>), StartError> {
        let name = self.name.clone().unwrap_or_else(|| pipeline.name.to_owned());
        targets::claim(&name, &wiring, self.checkpoint.as_ref())?;
        let (recovery, recoveries) = self.recovery(pipeline, &wiring)?;
        let Wiring { signals, counters, admissions, mut sources, sinks, ports, builds, .. } = wiring;
        let backpressure = self
            .backpressure
            .map(|pid| Backpressure::new(pid, pipeline.batch, &admissions.throttles, self.workers))
            .transpose()?;
        let (handles, orders): (Vec<_>, Vec<_>) = signals
            .iter()
            .map(|signal| {
                let (orders, receiver) = std_mpsc::channel();
                (WorkerHandle { orders, signal: signal.clone() }, receiver)
            })
            .unzip();
        let board = self.board(
            name.clone(),
            (pipeline.operators, pipeline.graph),
            admissions,
            (&mut sources, &sinks),
        );
        let settings = ControlSettings {
            pipeline: pipeline.name,
            backpressure,
            interval: pipeline.batch,
            limit: self.in_flight,
            early: self.close_early.then_some(self.min_batch),
            skips_missed: self.skip_missed_batches,
            listeners: Arc::new(Listeners::new(self.listeners.clone(), board.clone(), runtime.clone())),
            board,
            sources: sources.iter().map(|source| source.port).collect(),
            progress: sources.iter().map(|source| source.progress.clone()).collect(),
            sinks: sinks.len(),
            peers: cluster.as_ref().map(|cluster| cluster.peers.clone()),
        };
        let control = Arc::new(Control::new(settings, handles, counters));
        let (built, building) = std_mpsc::channel();
        let seed = rand::random();
        let starts = ports.into_iter().zip(builds).zip(orders).zip(signals).zip(recoveries);
        let starts = starts
            .enumerate()
            .map(|(local_worker, ((((ports, build), orders), signal), recovery))| {
                let control = control.clone();
                let built = built.clone();
                WorkerStart { local_worker, ports, build, orders, signal, control, seed, built, recovery }
            })
            .collect();
        Ok((Prepared { name, control, sources, sinks, cluster, recovery, building }, starts))
    }

    /// The counters of a job.
    fn board(
        &self,
        job: String,
        (operators, graph): (&'static [&'static str], &str),
        admissions: Admissions,
        (sources, sinks): (&mut [SourceTask], &[SinkTask]),
    ) -> Arc<Board> {
        let recoveries: Vec<_> = sources.iter().map(|source| (source.port, source.recovery)).collect();
        let deliveries: Vec<_> = sinks.iter().map(|sink| (sink.port, sink.delivery)).collect();
        let plan = Plan::of_encoded(graph).with_connectors(&recoveries, &deliveries);
        let sources = sources.iter_mut().map(|source| Port {
            name: source.port,
            queues: std::mem::take(&mut source.queues),
            is_alone: source.may_block,
        });
        let sinks =
            sinks.iter().map(|sink| Port { name: sink.port, queues: Vec::new(), is_alone: sink.may_block });
        Board::new(BoardSettings {
            job,
            limit: self.in_flight,
            closes_early: self.close_early,
            is_metered: self.metered,
            workers: self.workers,
            sources: sources.collect(),
            sinks: sinks.collect(),
            operators,
            admissions,
            plan,
        })
    }

    /// What a job with checkpoints does before its first batch, and how its workers hear of it.
    fn recovery(
        &self,
        pipeline: PipelineFacts,
        wiring: &Wiring,
    ) -> Result<(Option<JobRecovery>, Vec<Option<WorkerRecovery>>), StartError> {
        let Some(settings) = self.checkpoint.clone() else {
            return Ok((None, (0..self.workers).map(|_| None).collect()));
        };
        settings.check(wiring)?;
        let (place, calls) = settings.storage();
        let leads = self.cluster.as_ref().is_none_or(|cluster| cluster.index == 0);
        let messages = Arc::new(LogMessages::default());
        let stored = if leads {
            let opened = within(&calls, || crate::checkpoint::open(place.place()?));
            StoredCheckpoint::Opened(Box::new(opened.map_err(StartError::Checkpoint)?))
        } else {
            let storage = within(&calls, || place.place()).map_err(StartError::Checkpoint)?;
            StoredCheckpoint::AtLeader { storage, messages: messages.clone() }
        };
        let (built, operators) = mpsc::unbounded_channel();
        let (workers, recoveries) = (0..self.workers)
            .map(|local_worker| {
                let (send, restored) = oneshot::channel();
                let of_process = (local_worker == 0 && !leads).then(|| messages.clone());
                let log_route = self.cluster.is_some().then_some(LogRoute { leads, of_process });
                (send, Some(WorkerRecovery { built: built.clone(), restored, log_route }))
            })
            .unzip();
        let recovery = JobRecovery {
            pipeline: pipeline.name,
            marks: pipeline.marks,
            feeds: pipeline.feeds,
            settings,
            calls,
            stored,
            workers_per_process: self.workers,
            built: operators,
            checked: None,
            workers,
            sources: wiring.sources.iter().map(RecoveringSource::of).collect(),
            sinks: Vec::new(),
            sink_marks: wiring.sinks.iter().map(|sink| (sink.port, sink.mark.clone())).collect(),
            opening: None,
            input_log: wiring.input_log.clone(),
        };
        Ok((Some(recovery), recoveries))
    }

    fn supervise(
        &self,
        runtime: &Handle,
        prepared: Prepared,
        exits: mpsc::UnboundedReceiver<Exit>,
    ) -> Result<Job, StartError> {
        let Prepared { name, control, sources, sinks, cluster, recovery, building: _ } = prepared;
        let (commands, commanded) = mpsc::unbounded_channel();
        let role = match cluster {
            Some(ClusterParts { link, role, .. }) => {
                link.spawn(&name, control.clone(), commands.clone()).map_err(|source| {
                    control.abort();
                    StartError::Cluster(source)
                })?;
                Some(role)
            }
            None => None,
        };
        tracing::info!(job = name, workers = self.workers, interval = ?control.interval, "job started");
        let aborts = control.clone();
        let start = SupervisorStart {
            name,
            control,
            sources,
            sinks,
            exits,
            workers: self.workers,
            commands,
            commanded,
            recovery,
            role,
        };
        start.spawn(runtime).inspect_err(|_| aborts.abort())
    }
}
