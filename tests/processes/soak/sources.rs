//! What the jobs read: everything is a function of a seed and a number.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use streaming_runtime::{
    Source,
    connect::{ConnectorError, Receipt, Recovery, Sender, SourceContext},
};

pub(super) type Pair = (i64, i64);

/// A number that has nothing to do with its arguments.
pub(super) fn mixed(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(n).wrapping_add(1);
    z = z.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One batch after the other as the engine asks for them; each is known by its number.
pub(super) struct Batches {
    pub(super) seed: u64,
    pub(super) batches: u64,
    pub(super) keys: u64,
}

impl Batches {
    /// A batch of up to 15 records; each eighth is empty.
    fn batch(&self, number: u64) -> Vec<Pair> {
        let drawn = |n| mixed(self.seed, number << 16 | n);
        let records = if number % 8 == 7 { 0 } else { drawn(0) % 16 };
        (1..=records).map(|n| ((drawn(n) % self.keys) as i64, (drawn(n) >> 32) as i64 % 100)).collect()
    }
}

impl Source<Pair> for Batches {
    const PACED: bool = true;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<Pair>) -> Result<(), ConnectorError> {
        let mut next = out.resume_from::<u64>()?.unwrap_or(0);
        while next < self.batches && out.batch_due().await.is_some() {
            out.send_all(self.batch(next)).await?;
            next += 1;
            out.reached(&next);
        }
        Ok(())
    }
}

/// The numbers below `end` in pieces, with a key, whenever there is room; a position is told of each third piece only.
pub(super) struct Numbers {
    pub(super) seed: u64,
    pub(super) end: u64,
}

pub(super) const KEYS: u64 = 7;

impl Source<Pair> for Numbers {
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<Pair>) -> Result<(), ConnectorError> {
        let mut next = out.resume_from::<u64>()?.unwrap_or(0);
        let mut pieces = 0;
        while next < self.end {
            let upto = (next + 1 + mixed(self.seed, next) % 20).min(self.end);
            out.send_all((next..upto).map(|n| ((n % KEYS) as i64, n as i64)).collect()).await?;
            next = upto;
            pieces += 1;
            if pieces % 3 == 0 {
                out.reached(&next);
            }
            if mixed(self.seed, next).is_multiple_of(4) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    }
}

/// The other side of a channel, which keeps what it has sent until it hears that it is safe: `acknowledged` has the first
/// number that is not.
pub(super) struct Peer {
    pub(super) acknowledged: PathBuf,
    pub(super) end: u64,
}

impl Peer {
    /// Sends the numbers below `end` from the first that is not known to be safe.
    pub(super) async fn run(self, sender: Sender<Pair>) -> io::Result<()> {
        let first = read_number(&self.acknowledged)?;
        let (waiting, mut receipts) = tokio::sync::mpsc::channel::<(u64, Receipt)>(300);
        let acknowledged = self.acknowledged.clone();
        let writes = tokio::spawn(async move {
            while let Some((number, receipt)) = receipts.recv().await {
                // Without an answer it is sent again by the next process.
                if receipt.await.is_err() {
                    break;
                }
                write_number(&acknowledged, number + 1)?;
            }
            Ok(())
        });
        for number in first..self.end {
            let sent = sender.send_tracked(((number % KEYS) as i64, number as i64)).await;
            let Ok(receipt) = sent else { break };
            if waiting.send((number, receipt)).await.is_err() {
                break;
            }
            if number % 16 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        drop((sender, waiting));
        writes.await.expect("it does not panic")
    }
}

fn read_number(path: &Path) -> io::Result<u64> {
    match fs::read_to_string(path) {
        Ok(text) => text.parse().map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Whole or not at all.
fn write_number(path: &Path, number: u64) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, number.to_string())?;
    fs::rename(beside, path)
}
