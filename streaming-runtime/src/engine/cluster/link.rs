//! The thread that holds a job's connections to the other processes.
//!
//! It has a runtime of its own: a service that blocks its runtime for a second is slow, but not dead.

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::AtomicU64, mpsc as std_mpsc},
    time::Duration,
};

use futures::{
    SinkExt,
    stream::{SplitSink, SplitStream},
};
use timely::communication::AllocatorBuilder;
use tokio::{
    sync::{
        mpsc::{
            error::TrySendError,
            {self},
        },
        watch,
    },
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    engine::{
        cluster::{
            Cluster, Peers, ProgramHello, Role,
            assemble::{HelloRefused, PeerConnections, Site, Start, Talk, assemble},
            frame::{ClusterFrame, FrameLines, hear, say},
            hub::Hub,
            peers::Say,
            wire::{Break, RecordConnections, WorkersPresent},
        },
        control::Control,
        job::Command,
        threads::thread_name,
    },
    error::{JobError, cluster::ClusterError},
    panic_origin,
    time::BatchTime,
};

/// Frames that wait for a peer to read them, or for this process. Either reads at once or is in trouble.
const UNREAD: usize = 4096;
/// A connection for records that breaks may be part of an end that the control connection explains.
const EXPLAIN: Duration = Duration::from_millis(200);

/// What a worker needs to run among those of other processes.
pub(crate) struct ProcessSeat {
    pub(crate) allocator: AllocatorBuilder,
    /// To be dropped after everything that reads from the allocator.
    pub(crate) present: Arc<WorkersPresent>,
    /// By which keys are dealt out to workers, the same in all processes.
    pub(crate) seed: u64,
}

/// A link that is not yet running.
pub(crate) struct Link {
    site: Site,
    gather: Duration,
    silence: Duration,
    says: mpsc::UnboundedReceiver<Say>,
    inbox: mpsc::UnboundedSender<ClusterFrame>,
    begun: watch::Sender<Option<BatchTime>>,
    seats: Vec<std_mpsc::Sender<ProcessSeat>>,
}

/// What a peer was heard to say, or why nothing more will be heard.
type FrameHeard = (usize, Result<ClusterFrame, String>);

impl Link {
    /// A link for as many workers as there are `seats`.
    pub(crate) fn new(
        cluster: Cluster,
        program: ProgramHello,
        seats: Vec<std_mpsc::Sender<ProcessSeat>>,
    ) -> (Link, Peers, Role) {
        let Cluster { hosts, index, gather, silence, secret } = cluster;
        let (says, said) = mpsc::unbounded_channel();
        let (inbox, heard) = mpsc::unbounded_channel();
        let begun = watch::Sender::new(None);
        let peers = Peers { index, processes: hosts.len(), says };
        let role = Role {
            peers: peers.clone(),
            inbox: heard,
            begun: begun.subscribe(),
            running: hosts.len() - 1,
            gather,
            hosts: hosts.clone(),
        };
        let site = Site { hosts, index, program, secret, refused: HelloRefused::default() };
        (Link { site, gather, silence, says: said, inbox, begun, seats }, peers, role)
    }

    /// Runs it on a thread of its own until it is closed.
    pub(crate) fn spawn(
        self,
        name: &str,
        control: Arc<Control>,
        commands: mpsc::UnboundedSender<Command>,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name(thread_name(&format!("{name}-cluster"))).spawn(move || {
            // Dropped at the very end: whoever waits for the link waits for this.
            let begun = self.begun.clone();
            let told = commands.clone();
            let run = catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.run(control, commands))));
            if let Err(payload) = run {
                let panic = io::Error::other(panic_origin::message(&*payload));
                let error = ClusterError::io("the thread of the cluster panicked", panic);
                let _ = told.send(Command::Fail(JobError::Cluster(error)));
            }
            // A thread that joins others which are stuck would hold this one up.
            runtime.shutdown_background();
            drop(begun);
        })?;
        Ok(())
    }

    async fn run(mut self, control: Arc<Control>, commands: mpsc::UnboundedSender<Command>) {
        let mut there = PeerConnections::default();
        let gathered = tokio::select! {
            biased;
            () = closed(&mut self.says) => return,
            gathered = gather(&self.site, self.gather, &mut there, &control.board.strangers) => gathered,
        };
        let (lost, breaks) = mpsc::unbounded_channel();
        let PeerConnections { controls, records } = there;
        let joined = gathered.and_then(|now| {
            let (allocators, connections) =
                RecordConnections::join(records, self.seats.len(), &self.site, lost)?;
            Ok((now, allocators, connections))
        });
        match joined {
            Ok((start, allocators, connections)) => {
                let own = || Start { now: control.clock.now(), seed: rand::random() };
                let Start { now, seed } = start.unwrap_or_else(own);
                control.begin(now);
                let present = connections.present();
                for (seat, allocator) in self.seats.drain(..).zip(allocators) {
                    // Its worker waits for nothing else.
                    let _ = seat.send(ProcessSeat { allocator, present: present.clone(), seed });
                }
                drop(present);
                let hub = Hub {
                    hosts: &self.site.hosts,
                    index: self.site.index,
                    control: &control,
                    commands: &commands,
                    inbox: &self.inbox,
                    left: false,
                };
                let first = (self.site.index == 0).then(|| ClusterFrame::Start { now: now.as_nanos(), seed });
                self.begun.send_replace(Some(now));
                let left = serve(hub, controls, first, &mut self.says, breaks, self.silence).await;
                connections.close(left, self.silence).await;
            }
            Err(error) => {
                let words = ClusterFrame::failed(self.site.index, &error.to_string());
                for mut talk in controls.into_values() {
                    let _ = timeout(self.silence, say(&mut talk.sink, &words)).await;
                }
                let _ = commands.send(Command::Fail(error));
            }
        }
    }
}

/// Waits until the job is over here.
async fn closed(says: &mut mpsc::UnboundedReceiver<Say>) {
    // There is nobody yet to tell anything else.
    while let Some(Say::ClusterFrame(_)) = says.recv().await {}
}

/// Waits until all processes are there and know it; returns what the leader says, if this is not the leader.
async fn gather(
    site: &Site,
    limit: Duration,
    there: &mut PeerConnections,
    strangers: &AtomicU64,
) -> Result<Option<Start>, JobError> {
    match timeout(limit, assemble(site, there, strangers)).await {
        Ok(gathered) => gathered,
        Err(_) => Err(JobError::Cluster(site.apart(there, limit))),
    }
}

/// Says what is to be said and hears what there is to hear, until the job is over here; returns whether all was
/// delivered before.
async fn serve(
    mut hub: Hub<'_>,
    controls: BTreeMap<usize, Talk>,
    first: Option<ClusterFrame>,
    says: &mut mpsc::UnboundedReceiver<Say>,
    mut breaks: mpsc::UnboundedReceiver<Break>,
    silence: Duration,
) -> bool {
    let (tell, mut heard) = mpsc::channel::<FrameHeard>(UNREAD);
    let (mut outs, mut speakers, mut listeners) = (Vec::new(), JoinSet::new(), JoinSet::new());
    for (peer, Talk { sink, stream }) in controls {
        let stream = stream.expect("all were heard to be ready");
        let (out, frames) = mpsc::channel(UNREAD);
        outs.push((peer, out));
        speakers.spawn(speak(sink, frames, silence));
        listeners.spawn(listen(peer, stream, silence, tell.clone()));
    }
    let mut next = first;
    loop {
        if let Some(frame) = next.take() {
            for (peer, out) in &outs {
                // If it is closed, the peer is gone, and the listener hears why.
                if let Err(TrySendError::Full(_)) = out.try_send(frame.clone()) {
                    hub.hear(*peer, Err("does not read what it is told".to_owned()));
                }
            }
            hub.left |= frame == ClusterFrame::Leave;
        }
        if hub.left {
            outs.clear();
        }
        tokio::select! {
            biased;
            said = says.recv() => match said {
                Some(Say::ClusterFrame(frame)) => next = Some(frame),
                Some(Say::Close) | None => break,
            },
            Some((peer, words)) = heard.recv() => {
                if let Some((again, frame)) = hub.hear(peer, words) {
                    tell_later(&tell, again, (peer, Ok(frame)));
                }
            }
            Some((peer, error)) = breaks.recv() => {
                let why = format!("its connection for records broke: {error}");
                tell_later(&tell, EXPLAIN, (peer, Err(why)));
            }
        }
    }
    outs.clear();
    let said = async {
        while speakers.join_next().await.is_some() {}
        // A peer that has left says so by closing its side; one that failed to, or is dead, is not waited for.
        while hub.left && listeners.join_next().await.is_some() {}
    };
    let _ = timeout(silence, said).await;
    hub.left
}

/// Has something heard after a time.
fn tell_later(tell: &mpsc::Sender<FrameHeard>, after: Duration, heard: FrameHeard) {
    let tell = tell.clone();
    tokio::spawn(async move {
        sleep(after).await;
        let _ = tell.send(heard).await;
    });
}

/// Tells one peer what there is to tell, and in between that this process lives. A peer that takes nothing is heard
/// to be gone, or not heard at all, and that is said where it is listened to.
async fn speak(
    mut sink: SplitSink<FrameLines, String>,
    mut frames: mpsc::Receiver<ClusterFrame>,
    silence: Duration,
) {
    loop {
        let frame = match timeout(silence / 10, frames.recv()).await {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(_) => ClusterFrame::Beat,
        };
        if !matches!(timeout(silence, say(&mut sink, &frame)).await, Ok(Ok(()))) {
            return;
        }
    }
    let _ = sink.close().await;
}

/// Hears one peer until nothing more is to be heard.
async fn listen(
    peer: usize,
    mut stream: SplitStream<FrameLines>,
    silence: Duration,
    tell: mpsc::Sender<FrameHeard>,
) {
    loop {
        let heard = match timeout(silence, hear(&mut stream)).await {
            Ok(Ok(Some(ClusterFrame::Beat))) => continue,
            Ok(Ok(Some(frame))) => Ok(frame),
            Ok(Ok(None)) => Err("its connection was closed".to_owned()),
            Ok(Err(error)) => Err(format!("its connection broke: {error}")),
            Err(_) => Err(format!("was silent for {silence:?}")),
        };
        let over = heard.is_err();
        if tell.send((peer, heard)).await.is_err() || over {
            return;
        }
    }
}
