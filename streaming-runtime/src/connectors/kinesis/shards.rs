//! Which shards there are, and of which others they came.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_kinesis::types::{ChildShard, Shard};

use crate::{connect::ConnectorError, connectors::kinesis::client::Client};

/// What is known of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ShardInfo {
    pub(super) parents: Vec<String>,
    /// Nothing is written to it any more.
    pub(super) is_closed: bool,
}

/// Shards by their names.
pub(super) type ShardMap = BTreeMap<String, ShardInfo>;

impl From<Shard> for ShardInfo {
    fn from(shard: Shard) -> Self {
        let parents = shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id).collect();
        let is_closed =
            shard.sequence_number_range.is_some_and(|range| range.ending_sequence_number.is_some());
        ShardInfo { parents, is_closed }
    }
}

/// What the last answer of a shard says of those that came of it.
pub(super) fn children(of: Vec<ChildShard>) -> ShardMap {
    let info =
        |child: ChildShard| (child.shard_id, ShardInfo { parents: child.parent_shards, is_closed: false });
    of.into_iter().map(info).collect()
}

/// The shards whose parents are drained, or expired, or read by another process.
pub(super) fn ready(
    shards: &ShardMap,
    drained: &BTreeSet<String>,
    is_ours: impl Fn(&str) -> bool,
) -> Vec<String> {
    let is_done =
        |parent: &String| !shards.contains_key(parent) || drained.contains(parent) || !is_ours(parent);
    let is_ready = |(name, info): &(&String, &ShardInfo)| is_ours(name) && info.parents.iter().all(is_done);
    shards.iter().filter(is_ready).map(|(name, _)| name.clone()).collect()
}

/// All shards that there are now, closed ones included.
pub(super) async fn list(client: &Client) -> Result<ShardMap, ConnectorError> {
    let what = format!("list the shards of stream `{}`", client.stream);
    let (mut shards, mut next) = (ShardMap::new(), None::<String>);
    loop {
        let answer = client.ask(&what, || {
            let list = client.kinesis.list_shards();
            match &next {
                // A page has either a name or a token.
                Some(token) => list.next_token(token),
                None => list.stream_name(&client.stream),
            }
            .send()
        });
        let answer = answer.await?;
        let found = answer.shards.unwrap_or_default();
        shards.extend(found.into_iter().map(|shard| (shard.shard_id.clone(), ShardInfo::from(shard))));
        next = answer.next_token;
        if next.is_none() {
            return Ok(shards);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_ready_when_its_parents_are_drained_or_expired_or_not_ours() {
        let info = |parents: &[&str]| ShardInfo {
            parents: parents.iter().map(|&name| name.to_owned()).collect(),
            is_closed: false,
        };
        let shards = ShardMap::from([
            ("a".into(), info(&[])),
            ("b".into(), info(&["expired"])),
            ("merged".into(), info(&["a", "b"])),
            ("later".into(), info(&["merged"])),
        ]);
        let drained = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(ready(&shards, &drained(&[]), |_| true), ["a", "b"]);
        assert_eq!(ready(&shards, &drained(&["a"]), |_| true), ["a", "b"]);
        assert_eq!(ready(&shards, &drained(&["a", "b"]), |_| true), ["a", "b", "merged"]);
        assert_eq!(ready(&shards, &drained(&["a"]), |name| name != "b"), ["a", "merged"]);
    }
}
