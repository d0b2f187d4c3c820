//! The worker: one breath takes a batch, judges every packet from numbers it owns, and sends.
//!
//! ```text
//! batch → parse → who → (find | admit) → treatment of the standing → count, observe → send
//!         └─ once a tick: sweep, commands, published counters
//! ```
//!
//! The engine is sans-IO: packets come through [`repute_model::Packet`], ways out through
//! [`repute_model::Io`], time as [`repute_model::Tick`], commands and reports through a [`Mailbox`]. Replay is this engine with
//! another clock and another I/O.
//!
//! **Architecture invariant:** the engine never sees DPDK, a clock, a file, an environment variable or
//! an async runtime, and after [`Worker::new`] it neither allocates nor frees (a policy that is
//! replaced goes back as a report).
#![forbid(unsafe_code)]

mod account;
mod answers;
mod batch;
mod classify;
mod clock;
mod crowd_mesh;
pub mod dns;
pub mod endpoint;
pub mod handover;
mod mailbox;
mod mirror;
mod opened;
mod published;
mod resets;
mod seqlock;
mod services;
pub mod shaper;
mod softener;
mod sync;
mod tap;
mod worker;

pub use account::{Account, MEASURED_ONE_IN, PORTS, PortAccount, Stage};
pub use batch::Batch;
pub use clock::{Grid, JUMP_MS, REPLAY_SEED, batch_len};
pub use crowd_mesh::{CROWD_SLOTS, CrowdMesh, crowd_mesh};
pub use dns::DnsAccount;
pub use endpoint::{EndpointAccount, EndpointSetup, PoolBoard, UpstreamAccount};
pub use mailbox::{Handle, Mailbox, mailbox};
pub use mirror::{Mirror, MirrorSetup};
pub use published::Published;
pub use seqlock::SeqLock;
pub use services::{SERVICE_ROWS, ServiceAccount, ServiceBoard};
pub use tap::{Tap, TapSetup, tap};
pub use worker::{Role, Setup, Team, Wire, Worker};
