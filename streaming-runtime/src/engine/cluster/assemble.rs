//! Connects each process with each other.
//!
//! A process connects to those before it in the list and is connected to by those behind it, at the one address
//! that it has there. Between any two there is a connection for records, and between process 0, the leader, and
//! each other one for control. What else comes to that address is refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Duration,
};

use futures::{
    StreamExt,
    stream::{SplitSink, SplitStream},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    ClusterError,
    frame::{Frame, Lines, hear, lines, say},
    hello::{Answer, Hello, Program, Purpose, mismatch},
};
use crate::{engine::JobError, time::BatchTime};

/// How long a connection may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// Connections that may be saying who they are at one time; more are dropped.
const STRANGERS: usize = 64;
/// Between attempts to connect to a process that is not there yet.
const RETRY: Duration = Duration::from_millis(50);

/// Who this process is and who the others are.
pub(super) struct Site {
    pub(super) hosts: Vec<String>,
    pub(super) index: usize,
    pub(super) program: Program,
}

/// The connections there are, by process.
#[derive(Default)]
pub(super) struct Connections {
    pub(super) controls: BTreeMap<usize, Talk>,
    pub(super) records: BTreeMap<usize, Lines>,
}

/// A connection for control.
pub(super) struct Talk {
    pub(super) sink: SplitSink<Lines, String>,
    /// There once the first frame was heard, which says that the peer has all connections.
    pub(super) stream: Option<SplitStream<Lines>>,
}

/// The first frame from a peer, and where the next will come from.
type First = (usize, SplitStream<Lines>, io::Result<Option<Frame>>);

impl Connections {
    fn has(&self, (purpose, process): Need) -> bool {
        match purpose {
            Purpose::Control => self.controls.contains_key(&process),
            Purpose::Records => self.records.contains_key(&process),
        }
    }

    /// Adds one; of one for control, the first frame is awaited.
    fn add(&mut self, (purpose, process): Need, lines: Lines, hearing: &mut JoinSet<First>) {
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

    /// Those who are not there or not ready, by index and address.
    pub(super) fn missing(&self, there: &Connections) -> Vec<String> {
        let silent =
            there.controls.iter().filter(|(_, talk)| talk.stream.is_none()).map(|(process, _)| *process);
        let absent = self.needed().into_iter().filter(|need| !there.has(*need)).map(|(_, process)| process);
        let mut missing: BTreeSet<_> = absent.collect();
        if missing.is_empty() {
            missing.extend(silent);
        }
        missing.into_iter().map(|process| format!("process {process} ({})", self.hosts[process])).collect()
    }

    /// What the first frame of a peer means: the leader's is the time at which the job begins.
    fn first(&self, peer: usize, frame: io::Result<Option<Frame>>) -> Result<Option<BatchTime>, JobError> {
        match frame {
            Ok(Some(Frame::Ready)) if self.leads() => Ok(None),
            Ok(Some(Frame::Start { now })) if !self.leads() => Ok(Some(BatchTime::from_nanos(now))),
            Ok(Some(Frame::Failed { index, message })) => Err(self.lost(index, message)),
            Ok(Some(frame)) => Err(self.lost(peer, format!("said {frame:?} before all were there"))),
            Ok(None) => Err(self.lost(peer, "left before all were there".to_owned())),
            Err(error) => Err(self.lost(peer, format!("left before all were there: {error}"))),
        }
    }
}

/// Adds to `there` until all processes have all connections and know it; returns the leader's time, if this is not
/// the leader. Left half-way, it leaves what is there.
pub(super) async fn assemble(site: &Site, there: &mut Connections) -> Result<Option<BatchTime>, JobError> {
    let needed = site.needed();
    let own = &site.hosts[site.index];
    let listen = |source: io::Error| ClusterError::Listen { address: own.clone(), source: source.into() };
    let listener = TcpListener::bind(own).await.map_err(listen).map_err(JobError::Cluster)?;
    let (mut arriving, mut leaving, mut hearing) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    for &need in needed.iter().filter(|(_, other)| *other < site.index) {
        let hello = Hello { purpose: need.0, index: site.index, program: site.program.clone() };
        leaving.spawn(reach(need, site.hosts[need.1].clone(), hello));
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
                let _ = say(&mut talk.sink, &Frame::Ready).await;
            }
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, from)) if arriving.len() < STRANGERS => {
                    arriving.spawn(async move { (from, greet(socket).await) });
                }
                Ok((_, from)) => tracing::warn!(%from, "too many connections at once; dropped"),
                // Out of file handles, say: others may be closed meanwhile.
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection of the cluster");
                    sleep(RETRY).await;
                }
            },
            Some(arrived) = arriving.join_next() => match arrived.expect("greeting panics nowhere") {
                (_, Ok((hello, lines))) => {
                    if let Some((need, lines)) = welcome(site, there, hello, lines).await? {
                        there.add(need, lines, &mut hearing);
                    }
                }
                (from, Err(error)) => tracing::warn!(%from, %error, "a stranger at the address of the cluster"),
            },
            Some(reached) = leaving.join_next() => {
                let (need, lines) = reached.expect("connecting panics nowhere").map_err(JobError::Cluster)?;
                there.add(need, lines, &mut hearing);
            }
            Some(heard) = hearing.join_next() => {
                let (peer, stream, frame) = heard.expect("hearing panics nowhere");
                let now = site.first(peer, frame)?;
                there.controls.entry(peer).and_modify(|talk| talk.stream = Some(stream));
                match now {
                    Some(_) if complete => return Ok(now),
                    Some(_) => return Err(site.lost(peer, "began before all were there".to_owned())),
                    None => {}
                }
            }
        }
    }
}

/// Connects to a process that may not be there yet.
async fn reach((purpose, to): Need, address: String, hello: Hello) -> Result<(Need, Lines), ClusterError> {
    loop {
        match connect(&address, &hello).await {
            Ok((lines, Answer::Welcome)) => return Ok(((purpose, to), lines)),
            Ok((_, Answer::Mismatch { what, here, there })) => {
                return Err(mismatch((what, there, here), to, &address));
            }
            Err(error) => tracing::debug!(address, %error, "process {to} is not there yet"),
        }
        sleep(RETRY).await;
    }
}

async fn connect(address: &str, hello: &Hello) -> io::Result<(Lines, Answer)> {
    let talk = async {
        let mut lines = lines(TcpStream::connect(address).await?);
        say(&mut lines, hello).await?;
        let answer = hear(&mut lines).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((lines, answer))
    };
    timeout(INTRODUCTION, talk).await.map_err(io::Error::from)?
}

async fn greet(socket: TcpStream) -> io::Result<(Hello, Lines)> {
    let talk = async {
        let mut lines = lines(socket);
        let hello = hear(&mut lines).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((hello, lines))
    };
    timeout(INTRODUCTION, talk).await.map_err(io::Error::from)?
}

/// Takes in a process, or says why not. One that runs something else ends the job in both; one that takes the
/// place of another ends only itself.
async fn welcome(
    site: &Site,
    there: &Connections,
    hello: Hello,
    mut lines: Lines,
) -> Result<Option<(Need, Lines)>, JobError> {
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
        return Err(JobError::Cluster(mismatch(difference, index, address)));
    }
    match (answer, said) {
        (Answer::Welcome, Ok(Ok(()))) => return Ok(Some((place, lines))),
        (Answer::Welcome, _) => tracing::warn!("process {index} left while it was welcomed"),
        _ => tracing::warn!("a second process {index}, or one that is not in the list"),
    }
    Ok(None)
}
