//! Which operator of the pipeline the operators and channels of the dataflow belong to.
//!
//! One operator of a pipeline may be several operators of the dataflow: they have its id as their name, or were marked when they were
//! made. Others, such as helpers of timely and differential, belong to the first known operator downstream, or else to the loop around
//! them. Inputs and progress belong to the engine.

use std::collections::{HashMap, HashSet, VecDeque};

use timely::logging::{ChannelsEvent, OperatesEvent};

use crate::observe::operator_stats::Made;

/// An operator of the pipeline by its place among the ids; `None` is the engine.
pub(super) type Owner = Option<u32>;

/// Names of operators that the engine puts before a pipeline's.
const ENGINE: [&str; 2] = ["Input", "Source"];

/// The marks that were made while a dataflow was built.
#[derive(Default)]
pub(super) struct Plan {
    operators: Vec<OperatesEvent>,
    channels: Vec<ChannelsEvent>,
}

/// Who sends and who reads on a channel. What passes between two parts of one operator counts for nothing, and what
/// goes to several readers goes out once.
#[derive(Clone, Copy, Default)]
pub(super) struct ChannelPath {
    pub(super) from: Owner,
    pub(super) to: Owner,
    pub(super) counts_out: bool,
    pub(super) counts_in: bool,
}

/// Owners by the numbers that a worker gives to what is made in its dataflow.
#[derive(Default)]
pub(super) struct OperatorOwners {
    operators: Vec<Owner>,
    channels: Vec<ChannelPath>,
    made: Made,
}

impl OperatorOwners {
    pub(super) fn of(&self, number: usize) -> Owner {
        self.operators.get(number).copied().flatten()
    }
    pub(super) fn way(&self, channel: usize) -> ChannelPath {
        self.channels.get(channel).copied().unwrap_or_default()
    }
    pub(super) fn update_bytes(&self, number: usize) -> usize {
        self.made.update_bytes(number)
    }
    /// The operators that own something.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.operators.iter().flatten().map(|operator| *operator as usize)
    }
}

impl Plan {
    pub(super) fn operator(&mut self, made: OperatesEvent) {
        self.operators.push(made);
    }
    pub(super) fn channel(&mut self, made: ChannelsEvent) {
        self.channels.push(made);
    }

    /// Finds the owners, of which `names` are the ids.
    pub(super) fn owners(self, names: &[&str], made: Made) -> OperatorOwners {
        let known: HashMap<&[usize], Owner> = self
            .operators
            .iter()
            .filter_map(|operator| {
                let own = names.iter().position(|name| *name == operator.name).or(made.by(operator.id));
                let is_engines = operator.addr.len() == 1 || ENGINE.contains(&&*operator.name);
                let owner = own.map(|own| own as u32);
                (owner.is_some() || is_engines).then_some((&*operator.addr, owner))
            })
            .collect();
        let mut readers: HashMap<Vec<usize>, Vec<Vec<usize>>> = HashMap::new();
        for channel in &self.channels {
            let [from, to] = ends(channel);
            readers.entry(from).or_default().push(to);
        }
        let owner =
            |addr: &[usize]| known.get(addr).copied().unwrap_or_else(|| found(addr, &known, &readers));

        let mut owners = OperatorOwners { made, ..OperatorOwners::default() };
        for operator in &self.operators {
            *at(&mut owners.operators, operator.id) = owner(&operator.addr);
        }
        let mut spoken = HashSet::new();
        for channel in &self.channels {
            let [from, to] = ends(channel).map(|addr| owner(&addr));
            let is_first = spoken.insert((&channel.scope_addr, channel.source));
            // From a loop to what is inside of it, and back, nothing comes or goes.
            let counts_out = from != to && is_first && channel.source.0 > 0;
            let counts_in = from != to && channel.target.0 > 0;
            *at(&mut owners.channels, channel.id) = ChannelPath { from, to, counts_out, counts_in };
        }
        owners
    }
}

/// The addresses of the operators at a channel's ends. What is numbered 0 in a scope is the scope itself.
fn ends(channel: &ChannelsEvent) -> [Vec<usize>; 2] {
    [channel.source.0, channel.target.0].map(|index| {
        let inside = (index > 0).then_some(index);
        channel.scope_addr.iter().copied().chain(inside).collect()
    })
}

/// The owner of an operator that has no name of its own.
fn found(
    addr: &[usize],
    known: &HashMap<&[usize], Owner>,
    readers: &HashMap<Vec<usize>, Vec<Vec<usize>>>,
) -> Owner {
    let (mut next, mut seen) = (VecDeque::from([addr.to_vec()]), HashSet::new());
    while let Some(here) = next.pop_front() {
        for reader in readers.get(&here).into_iter().flatten() {
            match known.get(&**reader) {
                Some(owner) if reader.len() > 1 => return *owner,
                _ if seen.insert(reader) => next.push_back(reader.clone()),
                _ => {}
            }
        }
    }
    (1..addr.len()).rev().find_map(|length| known.get(&addr[..length]).copied().flatten())
}

fn at<T: Clone + Default>(table: &mut Vec<T>, number: usize) -> &mut T {
    if table.len() <= number {
        table.resize(number + 1, T::default());
    }
    &mut table[number]
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: &[&str] = &["p/a/map", "p/a/join", "p/b/iterate"];

    fn operator(id: usize, addr: &[usize], name: &str) -> OperatesEvent {
        OperatesEvent { id, addr: addr.to_vec(), name: name.to_owned() }
    }

    fn channel(id: usize, source: (usize, usize), target: usize) -> ChannelsEvent {
        ChannelsEvent { id, scope_addr: vec![0], source, target: (target, 0), typ: String::new() }
    }

    /// Input -> map -> (Arrange -> Join, unnamed) -> Concat, unnamed -> iterate { Feedback }.
    #[test]
    fn what_has_no_name_belongs_to_its_reader_and_inside_of_a_loop_to_the_loop() {
        let mut plan = Plan::default();
        [
            operator(0, &[0], "Dataflow"),
            operator(1, &[0, 1], "Input"),
            operator(2, &[0, 2], IDS[0]),
            operator(3, &[0, 3], "Arrange"),
            operator(4, &[0, 4], IDS[1]),
            operator(5, &[0, 5], "Concatenate"),
            operator(6, &[0, 6], IDS[2]),
            operator(7, &[0, 6, 1], "Feedback"),
        ]
        .into_iter()
        .for_each(|made| plan.operator(made));
        [
            channel(8, (1, 0), 2),
            channel(9, (2, 0), 3),
            channel(10, (3, 0), 4),
            channel(11, (4, 0), 5),
            channel(12, (5, 0), 6),
            // A second reader of what the map makes.
            channel(13, (2, 0), 6),
        ]
        .into_iter()
        .for_each(|made| plan.channel(made));
        let owners = plan.owners(IDS, Made::default());
        let of: Vec<Owner> = (0..9).map(|number| owners.of(number)).collect();
        assert_eq!(of, [None, None, Some(0), Some(1), Some(1), Some(2), Some(2), Some(2), None]);
        let counted = |n| (owners.way(n).counts_out, owners.way(n).counts_in);
        assert_eq!(counted(8), (true, true), "records come in from the engine");
        assert_eq!((owners.way(9).from, owners.way(9).to), (Some(0), Some(1)));
        assert_eq!(counted(10), (false, false), "inside of an operator nothing is counted");
        assert_eq!((counted(9), counted(13)), ((true, true), (false, true)), "what two read goes out once");
    }
}
