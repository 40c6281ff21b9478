//! More than a job can take: rates, back-pressure, the ceiling of memory, shedding.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures::FutureExt;
use streaming_runtime::{
    BatchTime, Job, ManualClock, Pid,
    connect::{
        Batch, ConnectorError, Outlet, Sender, Unsent, channel, collect, queue, shedding,
    },
    prelude::*,
};
use tokio::sync::{Notify, Semaphore};
