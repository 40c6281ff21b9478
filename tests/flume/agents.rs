//! Agents.

use super::*;

/// An agent that runs until it is dropped.
pub struct Agent {
    name: String,
    /// What `scripts/servers` says of it.
    pub keys: BTreeMap<String, String>,
    _config: tempfile::NamedTempFile,
}

impl Agent {
    /// Starts one; `config` leaves out the agent's name.
    pub fn start(name: &str, config: &str) -> Self {
        let config: String = config
            .lines()
            .map(|line| format!("agent.{}\n", line.trim()))
            .filter(|line| line != "agent.\n")
            .collect();
        let file = tempfile::NamedTempFile::new().expect("temp");
        fs::write(&file, config).expect("temp");
        let (path, owner) = (file.path().to_str().expect("a text"), std::process::id().to_string());
        let arguments = ["start", "flume", "--name", name, "--config", path, "--owner", &owner];
        let said = servers::script(&arguments);
        let keys = said.lines().filter_map(|line| line.split_once('='));
        let keys =
            keys.map(|(key, value)| (key.rsplit('_').next().expect("one").to_owned(), value.to_owned()));
        Agent { name: name.to_owned(), keys: keys.collect(), _config: file }
    }

    /// One that empties a directory into a sink of type `kind` at `port`, 50 events in each transaction.
    pub fn spooling(name: &str, directory: &Path, (kind, port, more): (&str, u16, &str)) -> Self {
        let config = format!(
            "sources = files
            channels = kept
            sinks = job
            sources.files.type = spooldir
            sources.files.spoolDir = {}
            sources.files.basenameHeader = true
            sources.files.batchSize = 50
            sources.files.channels = kept
            channels.kept.type = memory
            channels.kept.capacity = 100000
            channels.kept.transactionCapacity = 1000
            sinks.job.type = {kind}
            sinks.job.hostname = 127.0.0.1
            sinks.job.port = {port}
            sinks.job.batch-size = 50
            sinks.job.channel = kept
            {more}",
            directory.display()
        );
        Agent::start(name, &config)
    }

    /// The lines that one wrote which keeps what it gets in files.
    pub fn lines(&self) -> Vec<String> {
        let files = fs::read_dir(&self.keys["DIR"]).expect("its directory");
        let texts = files.map(|file| fs::read_to_string(file.expect("readable").path()).expect("texts"));
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = Command::new(SERVERS).args(["stop", &self.name]).output();
    }
}
