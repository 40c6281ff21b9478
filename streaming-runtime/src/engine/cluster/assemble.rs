//! Connects each process with each other.
//!
//! A process connects to those before it in the list and is connected to by those behind it, at the one address
//! that it has there. Between any two there is a connection for records, and between process 0, the leader, and
//! each other one for control. What else comes to that address is refused.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{
    StreamExt,
    stream::{SplitSink, SplitStream},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::{
    engine::cluster::{
        frame::{ClusterFrame, FrameLines, hear, lines, say},
        hello::{Answer, Challenge, Greeting, Hello, ProgramHello, Proven, Purpose, mismatch},
        secret::{HandshakeSide, Nonces, Secret, nonce},
    },
    error::{JobError, cluster::ClusterError},
    time::BatchTime,
};

/// How long a connection may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// Connections that may be saying who they are at one time. With one more, the oldest is dropped: who belongs here takes
/// milliseconds, so whoever holds on does not.
const STRANGERS: usize = 64;
/// Between attempts to connect to a process that is not there yet.
const RETRY: Duration = Duration::from_millis(50);

/// Who this process is and who the others are.
pub(super) struct Site {
    pub(super) hosts: Vec<String>,
    pub(super) index: usize,
    pub(super) program: ProgramHello,
    pub(super) secret: Secret,
    /// Why processes are missing that were heard of.
    pub(super) refused: HelloRefused,
}

/// By process, why it was not taken for one of the cluster. No reason to end the job: whoever belongs there may still come.
#[derive(Clone, Default)]
pub(super) struct HelloRefused(Arc<Mutex<BTreeMap<usize, ClusterError>>>);

impl HelloRefused {
    fn add(&self, process: usize, why: ClusterError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(process, why);
    }

    /// Why the first of these is missing, if that is known.
    fn of(&self, missing: impl IntoIterator<Item = usize>) -> Option<ClusterError> {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        missing.into_iter().find_map(|process| refused.get(&process).cloned())
    }
}

/// The connections there are, by process.
#[derive(Default)]
pub(super) struct PeerConnections {
    pub(super) controls: BTreeMap<usize, Talk>,
    pub(super) records: BTreeMap<usize, FrameLines>,
}

/// A connection for control.
pub(super) struct Talk {
    pub(super) sink: SplitSink<FrameLines, String>,
    /// There once the first frame was heard, which says that the peer has all connections.
    pub(super) stream: Option<SplitStream<FrameLines>>,
}

/// The first frame from a peer, and where the next will come from.
type First = (usize, SplitStream<FrameLines>, io::Result<Option<ClusterFrame>>);

impl PeerConnections {
    fn has(&self, (purpose, process): Need) -> bool {
        match purpose {
            Purpose::Control => self.controls.contains_key(&process),
            Purpose::Records => self.records.contains_key(&process),
        }
    }

    /// Adds one; of one for control, the first frame is awaited.
    fn add(&mut self, (purpose, process): Need, lines: FrameLines, hearing: &mut JoinSet<First>) {
        match purpose {
            Purpose::Control => {
                let (sink, mut stream) = lines.split();
                self.controls.insert(process, Talk { sink, stream: None });
                hearing.spawn(async move {
                    let frame = hear(&mut stream).await;
                    (process, stream, frame)
                });
            }
            Purpose::Records => drop(self.records.insert(process, lines)),
        }
    }
}

/// How the job begins, as the leader says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) now: BatchTime,
    /// By which keys are dealt out to workers.
    pub(super) seed: u64,
}

/// A connection that a process must have.
type Need = (Purpose, usize);

impl Site {
    /// That a process is why the job ends.
    pub(super) fn lost(&self, index: usize, message: String) -> JobError {
        JobError::peer(&self.hosts, index, message)
    }

    fn leads(&self) -> bool {
        self.index == 0
    }

    fn needed(&self) -> Vec<Need> {
        let others = || (0..self.hosts.len()).filter(|other| *other != self.index);
        let control = others().filter(|other| self.leads() || *other == 0);
        let control = control.map(|other| (Purpose::Control, other));
        control.chain(others().map(|other| (Purpose::Records, other))).collect()
    }

    /// Those who are not there or not ready.
    fn absent(&self, there: &PeerConnections) -> BTreeSet<usize> {
        let silent =
            there.controls.iter().filter(|(_, talk)| talk.stream.is_none()).map(|(process, _)| *process);
        let absent = self.needed().into_iter().filter(|need| !there.has(*need)).map(|(_, process)| process);
        let mut missing: BTreeSet<_> = absent.collect();
        if missing.is_empty() {
            missing.extend(silent);
        }
        missing
    }

    /// Why the job ends whose processes did not come together within `limit`.
    pub(super) fn apart(&self, there: &PeerConnections, limit: Duration) -> ClusterError {
        let why = self.refused.of(self.absent(there));
        why.unwrap_or_else(|| ClusterError::Missing { missing: self.missing(there), limit })
    }

    /// Those who are not there or not ready, by index and address.
    pub(super) fn missing(&self, there: &PeerConnections) -> Vec<String> {
        self.absent(there)
            .into_iter()
            .map(|process| format!("process {process} ({})", self.hosts[process]))
            .collect()
    }

    /// What the first frame of a peer means: the leader's says how the job begins.
    fn first(&self, peer: usize, frame: io::Result<Option<ClusterFrame>>) -> Result<Option<Start>, JobError> {
        match frame {
            Ok(Some(ClusterFrame::Ready)) if self.leads() => Ok(None),
            Ok(Some(ClusterFrame::Start { now, seed })) if !self.leads() => {
                Ok(Some(Start { now: BatchTime::from_nanos(now), seed }))
            }
            Ok(Some(ClusterFrame::Failed { index, message })) => Err(self.lost(index, message)),
            Ok(Some(frame)) => Err(self.lost(peer, format!("said {frame:?} before all were there"))),
            Ok(None) => Err(self.lost(peer, "left before all were there".to_owned())),
            Err(error) => Err(self.lost(peer, format!("left before all were there: {error}"))),
        }
    }
}

/// Adds to `there` until all processes have all connections and know it; returns what the leader says, if this is not the
/// leader. Left half-way, it leaves what is there.
///
/// Whoever does not belong here is dropped and counted, and changes nothing.
pub(super) async fn assemble(
    site: &Site,
    there: &mut PeerConnections,
    strangers: &AtomicU64,
) -> Result<Option<Start>, JobError> {
    let needed = site.needed();
    let own = &site.hosts[site.index];
    let listen = |source: io::Error| ClusterError::Listen { address: own.clone(), source: source.into() };
    let listener = TcpListener::bind(own).await.map_err(listen).map_err(JobError::Cluster)?;
    let (mut arriving, mut leaving, mut hearing) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    let mut oldest = VecDeque::new();
    for &need in needed.iter().filter(|(_, other)| *other < site.index) {
        let hello = Hello { purpose: need.0, index: site.index, program: site.program.clone() };
        let (secret, refused) = (site.secret.clone(), site.refused.clone());
        leaving.spawn(reach(need, site.hosts[need.1].clone(), hello, secret, refused));
    }
    let mut ready = false;
    loop {
        let complete = needed.iter().all(|need| there.has(*need));
        if site.leads() && complete && there.controls.values().all(|talk| talk.stream.is_some()) {
            return Ok(None);
        }
        if !site.leads() && complete && !std::mem::replace(&mut ready, true) {
            for talk in there.controls.values_mut() {
                // Whether it was heard, the answer says.
                let _ = say(&mut talk.sink, &ClusterFrame::Ready).await;
            }
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, from)) => {
                    oldest.retain(|task: &AbortHandle| !task.is_finished());
                    if oldest.len() >= STRANGERS {
                        oldest.pop_front().iter().for_each(AbortHandle::abort);
                    }
                    let secret = site.secret.clone();
                    oldest.push_back(arriving.spawn(async move { (from, greet(socket, &secret).await) }));
                }
                // Out of file handles, say: others may be closed meanwhile.
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection of the cluster");
                    sleep(RETRY).await;
                }
            },
            Some(arrived) = arriving.join_next() => match arrived {
                Ok((_, Ok((hello, lines)))) => match welcome(site, there, hello, lines).await {
                    Some((need, lines)) => there.add(need, lines, &mut hearing),
                    None => drop(strangers.fetch_add(1, Ordering::Relaxed)),
                },
                Ok((from, Err(error))) => {
                    if strangers.fetch_add(1, Ordering::Relaxed) == 0 {
                        tracing::warn!(%from, %error, "a stranger at the address of the cluster; later ones are only counted");
                    }
                }
                // Dropped for the sake of one that came later.
                Err(_) => drop(strangers.fetch_add(1, Ordering::Relaxed)),
            },
            Some(reached) = leaving.join_next() => {
                let (need, lines) = reached.expect("connecting panics nowhere").map_err(JobError::Cluster)?;
                there.add(need, lines, &mut hearing);
            }
            Some(heard) = hearing.join_next() => {
                let (peer, stream, frame) = heard.expect("hearing panics nowhere");
                let start = site.first(peer, frame)?;
                there.controls.entry(peer).and_modify(|talk| talk.stream = Some(stream));
                match start {
                    Some(_) if complete => return Ok(start),
                    Some(_) => return Err(site.lost(peer, "began before all were there".to_owned())),
                    None => {}
                }
            }
        }
    }
}

/// What came of a call.
enum Called {
    Answered(Box<FrameLines>, Answer),
    /// Who listens there does not have the secret.
    Unproven,
}

/// Connects to a process that may not be there yet.
async fn reach(
    (purpose, to): Need,
    address: String,
    hello: Hello,
    secret: Secret,
    refused: HelloRefused,
) -> Result<(Need, FrameLines), ClusterError> {
    loop {
        match call(&address, &hello, &secret).await {
            Ok(Called::Answered(lines, Answer::Welcome)) => return Ok(((purpose, to), *lines)),
            Ok(Called::Answered(_, Answer::Mismatch { what, here, there })) => {
                return Err(mismatch((what, there, here), to, &address));
            }
            Ok(Called::Unproven) => {
                refused.add(to, ClusterError::Secret { index: to, address: address.clone() });
            }
            Err(error) => tracing::debug!(address, %error, "process {to} is not there yet"),
        }
        sleep(RETRY).await;
    }
}

async fn call(address: &str, hello: &Hello, secret: &Secret) -> io::Result<Called> {
    let talk = async {
        let mut lines = lines(TcpStream::connect(address).await?);
        let caller = nonce();
        say(&mut lines, &Greeting { nonce: caller.clone() }).await?;
        let challenge = hear(&mut lines).await?;
        let Challenge { nonce, proof } = challenge.ok_or(io::ErrorKind::UnexpectedEof)?;
        let nonces = Nonces { caller, listener: nonce };
        if !secret.is_proven(HandshakeSide::Listener, &nonces, "", &proof) {
            return Ok(Called::Unproven);
        }
        let proof = secret.prove(HandshakeSide::Caller, &nonces, &hello.words());
        say(&mut lines, &Proven { hello: hello.clone(), proof }).await?;
        let answer = hear(&mut lines).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Called::Answered(Box::new(lines), answer))
    };
    timeout(INTRODUCTION, talk).await.map_err(io::Error::from)?
}

/// Hears who called, and that it has the secret.
async fn greet(socket: TcpStream, secret: &Secret) -> io::Result<(Hello, FrameLines)> {
    let talk = async {
        let mut lines = lines(socket);
        let greeting = hear(&mut lines).await?;
        let Greeting { nonce: caller } = greeting.ok_or(io::ErrorKind::UnexpectedEof)?;
        let listener = nonce();
        if caller.len() != listener.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it speaks another language"));
        }
        let nonces = Nonces { caller, listener };
        let proof = secret.prove(HandshakeSide::Listener, &nonces, "");
        say(&mut lines, &Challenge { nonce: nonces.listener.clone(), proof }).await?;
        let proven = hear(&mut lines).await?;
        let Proven { hello, proof } = proven.ok_or(io::ErrorKind::UnexpectedEof)?;
        match secret.is_proven(HandshakeSide::Caller, &nonces, &hello.words(), &proof) {
            true => Ok((hello, lines)),
            false => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, "it does not have the cluster's secret"))
            }
        }
    };
    timeout(INTRODUCTION, talk).await.map_err(io::Error::from)?
}

/// Takes in a process, or says why not. One that runs something else, or takes the place of another, ends only itself.
async fn welcome(
    site: &Site,
    there: &PeerConnections,
    hello: Hello,
    mut lines: FrameLines,
) -> Option<(Need, FrameLines)> {
    let Hello { purpose, index, program } = hello;
    let place = (purpose, index);
    let awaited = index > site.index && site.needed().contains(&place) && !there.has(place);
    let difference = site.program.difference(&program);
    let answer = match &difference {
        Some((what, here, there)) => {
            Answer::Mismatch { what: what.clone(), here: here.clone(), there: there.clone() }
        }
        None if awaited => Answer::Welcome,
        None => Answer::Mismatch {
            what: "the awaited process".to_owned(),
            here: format!("one of {:?}", site.missing(there)),
            there: format!("process {index}"),
        },
    };
    let said = timeout(INTRODUCTION, say(&mut lines, &answer)).await;
    if let Some(difference) = difference {
        let address = site.hosts.get(index).map_or("an unknown address", String::as_str);
        let error = mismatch(difference, index, address);
        tracing::warn!(%error, "a process that runs something else is refused");
        site.refused.add(index, error);
        return None;
    }
    match (answer, said) {
        (Answer::Welcome, Ok(Ok(()))) => return Some((place, lines)),
        (Answer::Welcome, _) => tracing::warn!("process {index} left while it was welcomed"),
        _ => tracing::warn!("a second process {index}, or one that is not in the list"),
    }
    None
}
