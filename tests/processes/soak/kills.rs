//! Children that are killed and started again.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Job, Output, Role, output, sources::mixed};

/// Numbers by chance, the same for the same seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice { seed, thrown: 0 }
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.thrown += 1;
        mixed(self.seed, self.thrown) % end
    }
}

/// What the child finds its role in.
const ROLE: &str = "STREAMING_SOAK_ROLE";

/// How a child is started; it then calls [`Child::role`].
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
}

/// How a child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It has done all.
    Itself,
    /// It was killed, or has ended itself where it was told to.
    Killed,
}

impl Child {
    /// What this process is to do, if it is a child.
    pub(crate) fn role() -> Option<Role> {
        let role = std::env::var(ROLE).ok()?;
        Some(serde_json::from_str(&role).expect("a role is JSON"))
    }

    /// Runs a child until it ends, or for so long at most; or until it comes to `point`, `name:n`.
    fn run(&self, role: &Role, point: Option<&str>, at_most: Duration) -> Ended {
        let log = role.directory.join("child.log");
        let said = File::create(&log).expect("the directory is there");
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env(ROLE, serde_json::to_string(role).expect("a role is JSON"));
        command.env_remove("STREAMING_CRASH_AT").envs(point.map(|point| ("STREAMING_CRASH_AT", point)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let mut child = command.spawn().expect("it runs");
        let deadline = Instant::now() + at_most;
        let status = loop {
            if let Some(status) = child.try_wait().expect("it is a child") {
                break status;
            }
            if Instant::now() >= deadline {
                child.kill().expect("it is a child");
                break child.wait().expect("it is a child");
            }
            thread::sleep(Duration::from_micros(300));
        };
        if status.success() {
            return Ended::Itself;
        }
        let of = role.directory.display();
        assert!(was_killed(status), "{status} in {of}: {}", fs::read_to_string(&log).unwrap_or_default());
        Ended::Killed
    }
}

/// Not by an error or a panic.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal().is_some()
}

#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    status.code().is_none_or(|code| code != 101 && code != 1)
}

/// More than any child should take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A job that is run again and again until it is done.
#[derive(Debug)]
pub(crate) struct Trial {
    child: Child,
    role: Role,
    /// What there is after a run in one go, and how long that took.
    expected: Output,
    takes: Duration,
    pub(crate) kills: u64,
    /// How often the job came to its end.
    pub(crate) runs: u64,
}

impl Trial {
    /// Runs the job in one go, to know what comes out. All is done below `directory`.
    pub(crate) fn new(
        child: Child,
        job: Job,
        (seed, batches, segment): (u64, u64, u64),
        below: &Path,
    ) -> Self {
        let directory = below.join(format!("{job:?}"));
        let mut trial = Trial {
            child,
            role: Role { job, seed, batches, segment, directory: directory.clone(), workers: 1 },
            expected: Output::new(),
            takes: Duration::ZERO,
            kills: 0,
            runs: 0,
        };
        trial.begin();
        let began = Instant::now();
        assert_eq!(trial.child.run(&trial.role, None, PATIENCE), Ended::Itself, "{job:?} takes too long");
        trial.takes = began.elapsed();
        trial.expected = output(job, &directory);
        assert!(trial.expected.values().filter(|lines| lines.len() > 2).count() > 2, "{job:?} has outputs");
        trial
    }

    /// With nothing on disk.
    pub(crate) fn begin(&mut self) {
        let directory = &self.role.directory;
        if directory.exists() {
            fs::remove_dir_all(directory).expect("it can be removed");
        }
        fs::create_dir_all(directory).expect("it can be made");
    }

    /// Runs the job from nothing to its end, with a kill at any instant and by any of up to two workers each time, until
    /// `kills` were done.
    pub(crate) fn with_kills(&mut self, kills: u64, dice: &mut Dice) {
        self.begin();
        loop {
            let at = match self.kills < kills {
                true => self.takes.mul_f64(dice.below(10_000) as f64 / 10_000.0),
                false => PATIENCE,
            };
            if self.run(None, 1 + dice.below(2) as usize, at) == Ended::Itself {
                break;
            }
        }
        self.runs += 1;
        self.check();
    }

    /// Runs the job from where it is to a point, `name:n`, or to its end.
    pub(crate) fn upto(&mut self, point: Option<&str>, workers: usize) -> Ended {
        self.run(point, workers, PATIENCE)
    }

    fn run(&mut self, point: Option<&str>, workers: usize, at_most: Duration) -> Ended {
        self.role.workers = workers;
        let began = Instant::now();
        let ended = self.child.run(&self.role, point, at_most);
        assert!(began.elapsed() < PATIENCE, "it does not end: {:?}", self.role);
        self.kills += u64::from(ended == Ended::Killed);
        ended
    }

    /// A write that the crash of a machine has cut short, at the end of the newest log.
    pub(crate) fn tear(&self) {
        let names = fs::read_dir(self.role.directory.join("state")).expect("there is a checkpoint");
        let logs = names.map(|entry| entry.expect("it can be read").path());
        let is_log =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log-"));
        let newest = logs.filter(is_log).max().expect("there is a log");
        let mut bytes = fs::read(&newest).expect("it can be read");
        let again = bytes[bytes.len().min(40) / 2..].to_vec();
        bytes.extend(&again[..again.len().min(23)]);
        fs::write(&newest, bytes).expect("it can be written");
    }

    /// Whether what was committed is what comes out of a run in one go.
    pub(crate) fn check(&self) {
        let found = output(self.role.job, &self.role.directory);
        let differs = differences(&self.expected, &found);
        let Trial { role, kills, runs, .. } = self;
        assert!(
            differs.is_empty(),
            "{}, {kills} kills, {runs} runs: of each file and table what is lost, and what should not be there: \
             {differs:#?} {role:?}",
            role.job.name()
        );
    }
}

/// What is lost and what is there too often, of each file and table; the first few of each.
fn differences(expected: &Output, found: &Output) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let mut differences = BTreeMap::new();
    let names = expected.keys().chain(found.keys());
    for name in names {
        let none = Vec::new();
        let (wanted, there) = (expected.get(name).unwrap_or(&none), found.get(name).unwrap_or(&none));
        if wanted != there || expected.contains_key(name) != found.contains_key(name) {
            differences.insert(name.clone(), (less(wanted, there), less(there, wanted)));
        }
    }
    differences
}

/// The lines of `all` without those of `those`, both sorted.
fn less(all: &[String], those: &[String]) -> Vec<String> {
    let mut those = those.iter().peekable();
    let mut left = Vec::new();
    for line in all {
        while those.next_if(|other| *other < line).is_some() {}
        if those.next_if(|other| *other == line).is_none() {
            left.push(line.clone());
        }
    }
    left.truncate(6);
    left
}
