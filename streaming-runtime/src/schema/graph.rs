//! What is known of a type: its parts and theirs, and which way to go to find out more.

use std::collections::HashMap;

/// The form of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    #[default]
    Unknown,
    /// A number, a string and the like, by its name.
    Leaf(&'static str),
    /// See [`Graph::node`].
    Node(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum NodeKind {
    Tuple(usize),
    Struct(&'static [&'static str]),
    /// Its branches are none and some; of a sequence or map, empty and one entry.
    Option,
    Seq,
    Map,
    /// Its branches are the variants.
    Enum(&'static [&'static str]),
}

/// A type that has parts. Its name is only its identity in this run of the program.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) branches: Vec<Branch>,
}

/// A way that a value of a type can be. Tuples and structs have one.
#[derive(Debug)]
pub(super) struct Branch {
    /// `None` until it was entered.
    pub(super) form: Option<Form>,
    pub(super) parts: Vec<Shape>,
    /// No value was found that the type takes.
    avoid: bool,
    /// It could not be finished when this much was known.
    later: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Unit,
    Tuple,
    Struct(&'static [&'static str]),
}

impl Branch {
    fn is_pending(&self) -> bool {
        self.form.is_none() || self.parts.contains(&Shape::Unknown)
    }
}

#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    by_name: HashMap<(&'static str, NodeKind), usize>,
    /// How much is known: it grows with each part.
    progress: usize,
    /// Changes with whatever the plans are made from.
    version: usize,
    plans: Plans,
    /// Branches that plans have looked at.
    work: usize,
    /// Once all is known: the branch that a value is to be made of.
    aim: Option<(usize, usize)>,
}

/// What to choose, for each node and each of its branches; the default is out of date.
#[derive(Default)]
struct Plans {
    version: Option<usize>,
    /// Steps to the next thing that is not known.
    news: Vec<Vec<Option<usize>>>,
    /// Steps to the end, by the shortest way.
    end: Vec<Vec<Option<usize>>>,
}

impl Graph {
    pub(super) fn progress(&self) -> usize {
        self.progress
    }

    /// How much has been done to plan, in branches.
    pub(super) fn work(&self) -> usize {
        self.work
    }

    pub(super) fn node(&self, id: usize) -> &Node {
        &self.nodes[id]
    }

    /// All branches that were entered, of nodes that have several.
    pub(super) fn branches(&self) -> Vec<(usize, usize)> {
        let several = self.nodes.iter().enumerate().filter(|(_, node)| node.branches.len() > 1);
        let entered = |(id, node): (usize, &Node)| {
            let known = node.branches.iter().enumerate().filter(|(_, branch)| branch.form.is_some());
            known.map(|(number, _)| (id, number)).collect::<Vec<_>>()
        };
        several.flat_map(entered).collect()
    }

    /// From now on a branch is what is looked for, and nothing that is not known.
    pub(super) fn aim(&mut self, branch: Option<(usize, usize)>) {
        self.aim = branch;
        self.version += 1;
    }

    pub(super) fn is_aim(&self, node: usize, branch: usize) -> bool {
        self.aim == Some((node, branch))
    }

    /// The node of a type that is visited as `kind`.
    pub(super) fn id_of(&mut self, name: &'static str, kind: NodeKind) -> usize {
        *self.by_name.entry((name, kind)).or_insert_with(|| {
            let branch = |form| Branch { form, parts: Vec::new(), avoid: false, later: None };
            let branches = match kind {
                NodeKind::Tuple(_) | NodeKind::Struct(_) => vec![branch(None)],
                NodeKind::Option | NodeKind::Seq | NodeKind::Map => {
                    vec![branch(Some(Form::Unit)), branch(None)]
                }
                NodeKind::Enum(variants) => variants.iter().map(|_| branch(None)).collect(),
            };
            self.nodes.push(Node { kind, branches });
            self.version += 1;
            self.nodes.len() - 1
        })
    }

    /// Notes what a branch has.
    pub(super) fn entered(&mut self, (node, branch): (usize, usize), form: Form, parts: usize) {
        let entered = &mut self.nodes[node].branches[branch];
        if entered.form.is_none() {
            entered.form = Some(form);
            entered.parts = vec![Shape::Unknown; parts];
            self.progress += 1;
            self.version += 1;
        }
    }

    pub(super) fn found(&mut self, (node, branch): (usize, usize), part: usize, shape: Shape) {
        if let Some(known) = self.nodes[node].branches[branch].parts.get_mut(part)
            && *known == Shape::Unknown
            && shape != Shape::Unknown
        {
            *known = shape;
            self.progress += 1;
            self.version += 1;
        }
    }

    /// Whether all that a shape is made of is known.
    pub(super) fn is_known(&self, root: Shape) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![root];
        while let Some(shape) = open.pop() {
            match shape {
                Shape::Unknown => return false,
                Shape::Leaf(_) => {}
                Shape::Node(id) if std::mem::replace(&mut seen[id], true) => {}
                Shape::Node(id) => {
                    for branch in &self.nodes[id].branches {
                        if branch.is_pending() {
                            return false;
                        }
                        open.extend(&branch.parts);
                    }
                }
            }
        }
        true
    }

    /// Leaves a branch out from now on: no value of it could be made. Whether that is new.
    pub(super) fn avoid(&mut self, (node, branch): (usize, usize)) -> bool {
        self.version += 1;
        !std::mem::replace(&mut self.nodes[node].branches[branch].avoid, true)
    }

    /// Does not look for news in a branch until more is known: it found no end. Whether that is new.
    pub(super) fn later(&mut self, (node, branch): (usize, usize)) -> bool {
        self.version += 1;
        let known = Some(self.progress);
        std::mem::replace(&mut self.nodes[node].branches[branch].later, known) != known
    }

    /// Which branch of a node to make a value of: towards what is not known yet, and once `explored`, only to what is
    /// right here, else to the end. A branch that a value is `inside` of already is not gone into for news, so that
    /// this ends.
    pub(super) fn choose(
        &mut self,
        node: usize,
        inside: impl Fn(usize) -> bool,
        explored: bool,
        deep: bool,
    ) -> Option<usize> {
        self.plan();
        let end = least(&self.plans.end[node], |_, _| true);
        if deep && end.is_some() {
            return end;
        }
        let may = |branch: usize, steps: usize| !inside(branch) && (steps == 0 || !explored);
        let news = &self.plans.news[node];
        if deep {
            // No end is known. What has one stands last more often than first.
            let last = (0..news.len()).rev().find(|branch| news[*branch] == Some(0) && !inside(*branch));
            return last.or_else(|| least(news, may));
        }
        least(news, may).or(end)
    }

    fn is_due(&self, branch: &Branch) -> bool {
        branch.later.is_none_or(|known| known < self.progress)
    }

    fn plan(&mut self) {
        if self.plans.version == Some(self.version) {
            return;
        }
        let at_once = |steps: bool| steps.then_some(0);
        let news = self.nearest(
            None,
            |_, branch| self.aim.is_some() || self.is_due(branch),
            |way, branch| at_once(self.aim.map_or_else(|| branch.is_pending(), |aim| aim == way)),
            |parts| parts.flatten().min(),
        );
        let end = self.nearest(
            Some(0),
            |_, _| true,
            |_, branch| at_once(!branch.is_pending() && branch.parts.is_empty()),
            |parts| parts.collect::<Option<Vec<_>>>()?.into_iter().max(),
        );
        self.work += (news.1 + end.1) * self.nodes.iter().map(|node| node.branches.len()).sum::<usize>();
        let (news, end) = (news.0, end.0);
        self.plans = Plans { version: Some(self.version), news, end };
    }

    /// The steps of each branch that may be taken: `at_once`, or one more than what `along` makes of its parts. Found by
    /// going round until nothing gets nearer; and how many rounds that took.
    fn nearest(
        &self,
        leaf: Option<usize>,
        may: impl Fn((usize, usize), &Branch) -> bool,
        at_once: impl Fn((usize, usize), &Branch) -> Option<usize>,
        along: impl Fn(&mut dyn Iterator<Item = Option<usize>>) -> Option<usize>,
    ) -> (Vec<Vec<Option<usize>>>, usize) {
        let mut rounds = 0;
        let mut steps: Vec<Vec<_>> = self.nodes.iter().map(|node| vec![None; node.branches.len()]).collect();
        let mut nearest: Vec<Option<usize>> = vec![None; self.nodes.len()];
        loop {
            rounds += 1;
            let mut changed = false;
            for (id, node) in self.nodes.iter().enumerate() {
                for (number, branch) in node.branches.iter().enumerate() {
                    if branch.avoid || !may((id, number), branch) {
                        continue;
                    }
                    let mut parts = branch.parts.iter().map(|part| match *part {
                        Shape::Unknown => None,
                        Shape::Leaf(_) => leaf,
                        Shape::Node(id) => nearest[id],
                    });
                    let found =
                        at_once((id, number), branch).or_else(|| along(&mut parts).map(|steps| steps + 1));
                    if steps[id][number].is_none() && found.is_some() {
                        steps[id][number] = found;
                        changed = true;
                    }
                }
                let least = steps[id].iter().flatten().min().copied();
                changed |= least != nearest[id];
                nearest[id] = least;
            }
            if !changed {
                return (steps, rounds);
            }
        }
    }
}

/// The branch with the fewest steps, of those that have any and `may` be taken; of several the first.
fn least(steps: &[Option<usize>], may: impl Fn(usize, usize) -> bool) -> Option<usize> {
    let known = steps.iter().enumerate().filter_map(|(branch, steps)| Some(((*steps)?, branch)));
    known.filter(|(steps, branch)| may(*branch, *steps)).min().map(|(_, branch)| branch)
}
