//! A served box in this process, asked by the command line over a real socket.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

#[path = "../../../server/tests/common/mod.rs"]
mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use assert_cmd::Command;
use assert_cmd::assert::OutputAssertExt;
pub use common::Plan;
use repute_server::Keeper;
use repute_store::{Limits, Store};
use serde_json::Value;
use tokio::sync::oneshot;

/// A served box on a thread of its own; ends with this value.
pub struct Served {
    pub dir: tempfile::TempDir,
    end: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    /// A box that has received a packet each from 10.0.0.1 and the 299 addresses behind it.
    pub fn start(plan: Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("repute.sock");
        let state = dir.path().join("state");
        let (end, ended) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let full = plan.workers == plan.breathing;
                let rig = plan.start();
                if full {
                    rig.receive(0x0a00_0001..0x0a00_0001 + 300);
                    rig.received(300).await;
                }
                let hub = rig.hub.clone();
                let store = Store::open(&state, Limits::default(), SystemTime::now()).unwrap().store;
                let _keeper = Keeper::start(&hub, store, Duration::from_secs(30), SystemTime::now);
                let server = tokio::spawn(async move {
                    let ended = async {
                        let _ = ended.await;
                    };
                    repute_server::serve(hub, &path, ended).await.unwrap();
                });
                tokio::task::yield_now().await;
                ready.send(()).unwrap();
                server.await.unwrap();
            });
        });
        is_ready.recv().unwrap();
        let started = Self { dir, end: Some(end), thread: Some(thread) };
        while std::os::unix::net::UnixStream::connect(started.socket()).is_err() {
            std::thread::yield_now();
        }
        started
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("repute.sock")
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("repute").unwrap();
        command.args(args).env("REPUTE_SOCKET", self.socket()).env("NO_COLOR", "1");
        command
    }

    /// Lines of JSON from a command that succeeds.
    pub fn lines(&self, args: &[&str]) -> Vec<Value> {
        let printed = self.printed(&[args, &["-o", "json"]].concat());
        serde_json::Deserializer::from_slice(&printed).into_iter().collect::<Result<_, _>>().unwrap()
    }

    /// What a command prints that succeeds. The API lets nobody ask without end: who looks at it in a loop is sent away now
    /// and then, and asks again.
    fn printed(&self, args: &[&str]) -> Vec<u8> {
        loop {
            let output = self.command(args).output().unwrap();
            if !String::from_utf8_lossy(&output.stderr).contains("asks too often") {
                return output.assert().success().get_output().stdout.clone();
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    pub fn json(&self, args: &[&str]) -> Value {
        self.lines(args).remove(0)
    }

    pub fn human(&self, args: &[&str]) -> String {
        let text = String::from_utf8(self.printed(args)).unwrap();
        assert!(!text.contains('\x1b'), "no colours outside a terminal");
        text
    }

    /// What a command that fails complains about.
    pub fn complaint(&self, args: &[&str]) -> String {
        let failed = self.command(args).assert().code(1);
        String::from_utf8(failed.get_output().stderr.clone()).unwrap()
    }

    pub fn config(&self, text: &str) -> String {
        let path = self.dir.path().join("new.toml");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

/// The first line that a watching command prints once `act` was done.
pub fn first_line(served: &Served, args: &[&str], act: impl FnOnce()) -> Value {
    let mut watch = std::process::Command::new(assert_cmd::cargo::cargo_bin("repute"))
        .args(args)
        .args(["-o", "json"])
        .env("REPUTE_SOCKET", served.socket())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    act();
    let line = lines.next().unwrap().unwrap();
    watch.kill().unwrap();
    watch.wait().unwrap();
    serde_json::from_str(&line).unwrap()
}
