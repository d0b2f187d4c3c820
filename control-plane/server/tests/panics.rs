//! Nothing outside can stop the wire: a worker on a thread of its own goes on forwarding while tasks of the control
//! plane panic, and when its whole thread does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{CONFIG, Datagram, Sink, source};
use repute_engine::{Batch, Published, Role, Setup, Wire, Worker, mailbox};
use repute_model::{Owners, Tick};
use repute_policy::Config;
use repute_server::{BoxInfo, FIRST_VERSION, Hub, Loaded, WorkerLink};

/// Forwards one packet a tick until it is told to stop.
fn forward(mut worker: Worker<Datagram>, stop: &AtomicBool) {
    let mut batch = Batch::new();
    let mut tick = 0;
    while !stop.load(Ordering::Relaxed) {
        tick += 1;
        batch.push(0, Datagram::from(0xc633_6401));
        worker.breathe(Tick(tick), &mut batch, &mut Sink);
        std::thread::yield_now();
    }
}

/// Waits until the worker has forwarded more than it has now. A worker that stands still hangs the test,
/// which the runner ends.
fn forwards(published: &Published) {
    let before = published.read().ports[0].forwarded;
    while published.read().ports[0].forwarded <= before {
        std::thread::yield_now();
    }
}

#[test]
fn the_wire_outlives_panics_of_the_control_plane() {
    let checked = Config::parse("test.toml", CONFIG).unwrap();
    let published = Published::shared();
    let (mailbox, handle) = mailbox(16, 64);
    let wires = [Wire { role: Role::Outside, peer: Some(1) }, Wire { role: Role::Inside, peer: Some(0) }];
    let policy = Box::new(checked.compile(FIRST_VERSION));
    let worker =
        Worker::new(Setup::alone(policy, checked.limits(), 1, &wires, mailbox, Arc::clone(&published)));
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let thread = std::thread::spawn(move || forward(worker, &flag));

    let links = vec![WorkerLink { handle, published: Arc::clone(&published) }];
    let loaded = Loaded { checked, name: "test.toml".to_owned(), text: CONFIG.to_owned() };
    let info = BoxInfo { version: "0.0.0".to_owned(), memory: "none".to_owned(), ports: Vec::new() };
    let control = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let hub = Hub::new(links, Owners::Hash { workers: 1 }, loaded, info);
            let failed = tokio::spawn(async { panic!("a mistake in a task") }).await;
            assert!(failed.is_err());
            forwards(&published);
            // The control plane itself goes on too, but for the task.
            assert!(hub.explain(source("198.51.100.1")).await.unwrap().answer.tracked);
            panic!("a mistake in the control thread itself");
        })
    }));
    assert!(control.is_err());
    forwards(&published);
    assert!(published.read().is_conserved());

    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
}
