//! Plain loops over the whole graph.

use super::*;

/// Not a label: the vertex has no edge, or the root does not reach it.
pub(super) const NONE: u32 = u32::MAX;

/// Plain loops over everything, and a comparison with the labels before.
pub(super) fn plain(input: &[Changes<Edge>], vertices: usize, task: Task) -> Timed {
    let (mut labels, mut times) = (Labels::default(), Vec::new());
    let (mut old, mut new) = (vec![NONE; vertices], vec![NONE; vertices]);
    let mut graph = Graph::new(vertices);
    let mut answers = Changes::<Label>::new();
    for batch in input {
        let start = Instant::now();
        match task {
            Task::Components => {
                batch.iter().for_each(|change| graph.change_list(*change));
                graph.components(&mut new);
            }
            Task::Distances => {
                batch.iter().for_each(|change| graph.change_links(*change));
                graph.distances(&mut new);
            }
        }
        answers.clear();
        for (vertex, (old, new)) in old.iter().zip(&new).enumerate().filter(|(_, (old, new))| old != new) {
            let said = [(old, -1), (new, 1)].into_iter().filter(|(label, _)| **label != NONE);
            answers.extend(said.map(|(label, times)| ((vertex as u32, *label), times)));
        }
        std::mem::swap(&mut old, &mut new);
        times.push(start.elapsed());
        labels.change(&answers);
    }
    Timed { batches: times, checksum: labels.digest, rss: rss_bytes() }
}

/// A graph as the plain loops want it: a list of edges for components, links by vertex for distances.
pub(super) struct Graph {
    pub(super) list: Vec<Edge>,
    pub(super) places: HashMap<Edge, u32, foldhash::fast::RandomState>,
    pub(super) degrees: Vec<u32>,
    pub(super) links: Vec<Vec<u32>>,
    pub(super) queue: Vec<u32>,
}

impl Graph {
    pub(super) fn new(vertices: usize) -> Self {
        Graph {
            list: Vec::new(),
            places: HashMap::default(),
            degrees: vec![0; vertices],
            links: vec![Vec::new(); vertices],
            queue: Vec::new(),
        }
    }

    pub(super) fn change_list(&mut self, (edge, times): (Edge, i64)) {
        for vertex in [edge.0, edge.1] {
            self.degrees[vertex as usize] = self.degrees[vertex as usize].wrapping_add_signed(times as i32);
        }
        if times > 0 {
            self.places.insert(edge, self.list.len() as u32);
            self.list.push(edge);
            return;
        }
        let place = self.places.remove(&edge).expect("only edges leave that are there");
        self.list.swap_remove(place as usize);
        if let Some(moved) = self.list.get(place as usize) {
            self.places.insert(*moved, place);
        }
    }

    pub(super) fn change_links(&mut self, ((from, to), times): (Edge, i64)) {
        for (from, to) in [(from, to), (to, from)] {
            let links = &mut self.links[from as usize];
            if times > 0 {
                links.push(to);
            } else {
                let place = links.iter().position(|other| *other == to);
                links.swap_remove(place.expect("only edges leave that are there"));
            }
        }
    }

    /// Union by the smaller root, with path halving: a root is its component's smallest vertex.
    pub(super) fn components(&self, parents: &mut [u32]) {
        parents.iter_mut().enumerate().for_each(|(vertex, parent)| *parent = vertex as u32);
        let find = |parents: &mut [u32], mut vertex: u32| {
            while parents[vertex as usize] != vertex {
                let above = parents[parents[vertex as usize] as usize];
                parents[vertex as usize] = above;
                vertex = above;
            }
            vertex
        };
        for (a, b) in &self.list {
            let (a, b) = (find(parents, *a), find(parents, *b));
            parents[a.max(b) as usize] = a.min(b);
        }
        // A parent is smaller than its child, so its own label is known.
        for vertex in 0..parents.len() {
            parents[vertex] = match self.degrees[vertex] {
                0 => NONE,
                _ => parents[parents[vertex] as usize],
            };
        }
    }

    pub(super) fn distances(&mut self, distances: &mut [u32]) {
        distances.fill(NONE);
        distances[0] = 0;
        self.queue.clear();
        self.queue.push(0);
        let mut next = 0;
        while let Some(&vertex) = self.queue.get(next) {
            next += 1;
            let further = distances[vertex as usize] + 1;
            for to in &self.links[vertex as usize] {
                if distances[*to as usize] == NONE {
                    distances[*to as usize] = further;
                    self.queue.push(*to);
                }
            }
        }
    }
}
