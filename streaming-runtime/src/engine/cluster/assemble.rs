//! Connects each process with each other.
//!
//! A process connects to those before it in the list and is connected to by those behind it, at the one address
//! that it has there. Between any two there is a connection for records, and between process 0, the leader, and
//! each other one for control. What else comes to that address is refused.

use std::{collections::BTreeMap, io, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    ClusterError,
    frame::{Lines, hear, lines, say},
    hello::{Answer, Hello, Program, Purpose, mismatch},
};
use crate::engine::JobError;

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

/// The connections there are, by purpose and process.
#[derive(Default)]
pub(super) struct Connections(BTreeMap<(Purpose, usize), Lines>);

impl Connections {
    /// The connections of one purpose, by process.
    pub(super) fn take(&mut self, purpose: Purpose) -> Vec<(usize, Lines)> {
        self.0
            .extract_if(.., |(of, _), _| *of == purpose)
            .map(|((_, process), lines)| (process, lines))
            .collect()
    }

    /// Those for control.
    pub(super) fn controls(&mut self) -> impl Iterator<Item = (usize, &mut Lines)> {
        let all = self.0.iter_mut().filter(|((purpose, _), _)| *purpose == Purpose::Control);
        all.map(|((_, process), lines)| (*process, lines))
    }
}

impl Site {
    /// That a process is why the job ends.
    pub(super) fn lost(&self, index: usize, message: String) -> JobError {
        JobError::peer(&self.hosts, index, message)
    }

    /// What this process needs: the purpose and the process.
    fn needed(&self) -> Vec<(Purpose, usize)> {
        let others = || (0..self.hosts.len()).filter(|other| *other != self.index);
        let control = others().filter(|other| self.index == 0 || *other == 0);
        control
            .map(|other| (Purpose::Control, other))
            .chain(others().map(|other| (Purpose::Records, other)))
            .collect()
    }

    /// Those of whom something is missing, by index and address.
    pub(super) fn missing(&self, there: &Connections) -> Vec<String> {
        let mut missing: Vec<_> =
            self.needed().into_iter().filter(|need| !there.0.contains_key(need)).collect();
        missing.sort_by_key(|(_, process)| *process);
        missing.dedup_by_key(|(_, process)| *process);
        missing
            .into_iter()
            .map(|(_, process)| format!("process {process} ({})", self.hosts[process]))
            .collect()
    }
}

/// Adds to `there` until nothing is missing. Left half-way, it leaves what is there.
pub(super) async fn assemble(site: &Site, there: &mut Connections) -> Result<(), ClusterError> {
    let needed = site.needed();
    let own = &site.hosts[site.index];
    let listen = |source: io::Error| ClusterError::Listen { address: own.clone(), source: source.into() };
    let listener = TcpListener::bind(own).await.map_err(listen)?;
    let mut arriving = JoinSet::new();
    let mut leaving = JoinSet::new();
    for &(purpose, to) in needed.iter().filter(|(_, other)| *other < site.index) {
        let (address, program, index) = (site.hosts[to].clone(), site.program.clone(), site.index);
        leaving.spawn(async move {
            let hello = Hello { purpose, index, program };
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
        });
    }
    while there.0.len() < needed.len() {
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
                (_, Ok((hello, lines))) => welcome(site, there, hello, lines).await?,
                (from, Err(error)) => tracing::warn!(%from, %error, "a stranger at the address of the cluster"),
            },
            Some(connected) = leaving.join_next() => {
                let (need, lines) = connected.expect("connecting panics nowhere")?;
                there.0.insert(need, lines);
            }
        }
    }
    Ok(())
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
    there: &mut Connections,
    hello: Hello,
    mut lines: Lines,
) -> Result<(), ClusterError> {
    let Hello { purpose, index, program } = hello;
    let place = (purpose, index);
    let awaited = index > site.index && site.needed().contains(&place) && !there.0.contains_key(&place);
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
        return Err(mismatch(difference, index, address));
    }
    match (answer, said) {
        (Answer::Welcome, Ok(Ok(()))) => drop(there.0.insert(place, lines)),
        (Answer::Welcome, _) => tracing::warn!("process {index} left while it was welcomed"),
        (Answer::Mismatch { .. }, _) => {
            tracing::warn!("a second process {index}, or one that is not in the list")
        }
    }
    Ok(())
}
