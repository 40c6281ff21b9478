//! Peers, disks and connectors that misbehave: the job says so and the service lives.
