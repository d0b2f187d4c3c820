//! testpmd as a peer: a child process that forwards the same capture, on the same core, while nobody else runs there.
//!
//! Called by row B0. Its commands go in by standard input, which stays open: testpmd ends with it. What it forwarded
//! comes from DPDK's telemetry socket, and the CPU time of its forwarding thread from the kernel. What always holds:
//! the process ends with its owner.

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType, connect, recv, send, socket,
};

const PROGRAM: &str = "dpdk-testpmd";
/// Where DPDK keeps the sockets of root's processes.
const RUN_DIR: &str = "/var/run/dpdk";
/// How the thread that forwards is called, by release of DPDK.
const WORKERS: [&str; 3] = ["rte-worker-", "lcore-worker-", "dpdk-worker"];
/// Packets in its pool: more than the capture has.
const MBUFS: u32 = 16_384;
/// How long it may take to start.
const START_MAX: Duration = Duration::from_secs(20);
/// Time after `start` in which nothing is measured.
const SETTLE: Duration = Duration::from_millis(50);
/// Longer than any answer of the telemetry socket.
const ANSWER_BYTES: usize = 16 << 10;

/// A forwarding mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Receive and send.
    Io,
    /// Swap the MAC addresses between.
    MacSwap,
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::MacSwap => "macswap",
        }
    }
}

/// A running testpmd.
#[derive(Debug)]
pub struct Testpmd {
    child: Child,
    commands: ChildStdin,
    telemetry: OwnedFd,
    schedstat: PathBuf,
    prefix: String,
}

impl Testpmd {
    /// Starts it: its command line on `main_core`, its forwarding on `core`, both bursts of 64.
    ///
    /// # Errors
    /// The program is not installed or does not start.
    pub fn start(capture: &Path, main_core: usize, core: usize) -> anyhow::Result<Self> {
        let prefix = format!("bench-testpmd-{}", std::process::id());
        let mut child = Command::new(PROGRAM)
            .args(["--no-pci", "--in-memory", "--iova-mode=va", "--log-level=*:error"])
            .args([format!("--file-prefix={prefix}"), format!("--main-lcore={main_core}")])
            .args(["-l".to_owned(), format!("{main_core},{core}")])
            .arg(format!("--vdev=net_pcap0,rx_pcap={},infinite_rx=1", capture.display()))
            .args(["--", "--interactive", "--burst=64", "--nb-cores=1", "--no-flush-rx"])
            .args(["--port-topology=loop".to_owned(), format!("--total-num-mbufs={MBUFS}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{PROGRAM} does not start; way out: scripts/setup bench"))?;
        let commands = child.stdin.take().context("testpmd has no standard input")?;
        let found = wait_for(&mut child, &prefix);
        if found.is_err() {
            end(&mut child);
        }
        let (telemetry, schedstat) = found?;
        Ok(Self { child, commands, telemetry, schedstat, prefix })
    }

    /// Nanoseconds of CPU time per packet while it forwards for `length`.
    ///
    /// # Errors
    /// It has ended, or its counters cannot be read.
    pub fn measure(&mut self, mode: Mode, length: Duration) -> anyhow::Result<f64> {
        self.say(&format!("set fwd {}", mode.name()))?;
        self.say("start")?;
        sleep(SETTLE);
        let before = (self.packets()?, self.cpu_ns()?);
        sleep(length);
        let after = (self.packets()?, self.cpu_ns()?);
        self.say("stop")?;
        sleep(SETTLE);
        let packets = after.0 - before.0;
        ensure!(packets > 0, "testpmd forwarded nothing in mode {}", mode.name());
        Ok((after.1 - before.1) as f64 / packets as f64)
    }

    fn say(&mut self, command: &str) -> anyhow::Result<()> {
        writeln!(self.commands, "{command}").context("testpmd has ended")?;
        Ok(self.commands.flush()?)
    }

    /// Packets that its port has sent.
    fn packets(&self) -> anyhow::Result<u64> {
        let answer = ask(&self.telemetry, "/ethdev/stats,0")?;
        let sent = answer.pointer("/~1ethdev~1stats/opackets").and_then(serde_json::Value::as_u64);
        sent.with_context(|| format!("telemetry has no count of packets: {answer}"))
    }

    fn cpu_ns(&self) -> anyhow::Result<u64> {
        let text = fs::read_to_string(&self.schedstat).context("testpmd's thread is gone")?;
        let first = text.split_ascii_whitespace().next().and_then(|ns| ns.parse().ok());
        first.context("the kernel keeps no scheduler statistics")
    }
}

impl Drop for Testpmd {
    fn drop(&mut self) {
        // One that has ended already needs no asking.
        let _ = self.say("quit");
        end(&mut self.child);
        // It leaves its sockets behind.
        let _ = fs::remove_dir_all(Path::new(RUN_DIR).join(&self.prefix));
    }
}

/// Waits a while for a process to end by itself, then insists.
fn end(child: &mut Child) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    // Both fail only when it has ended meanwhile.
    let _ = child.kill();
    let _ = child.wait();
}

/// The telemetry socket and the forwarding thread's statistics, as soon as both are there.
fn wait_for(child: &mut Child, prefix: &str) -> anyhow::Result<(OwnedFd, PathBuf)> {
    let begun = Instant::now();
    loop {
        if let (Some(telemetry), Some(schedstat)) = (telemetry(prefix), forwarding_thread(child.id())) {
            return Ok((telemetry, schedstat));
        }
        if let Some(status) = child.try_wait()? {
            bail!("testpmd ended with {status}; are there free huge pages?");
        }
        ensure!(begun.elapsed() < START_MAX, "testpmd did not start within {START_MAX:?}");
        sleep(Duration::from_millis(50));
    }
}

/// A connection to the telemetry socket, once it answers.
fn telemetry(prefix: &str) -> Option<OwnedFd> {
    let path = Path::new(RUN_DIR).join(prefix).join("dpdk_telemetry.v2");
    let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).ok()?;
    connect(&socket, &SocketAddrUnix::new(&path).ok()?).ok()?;
    // It greets before it is asked.
    receive(&socket).ok()?;
    ask(&socket, "/ethdev/stats,0").ok().map(|_| socket)
}

fn ask(socket: &OwnedFd, question: &str) -> anyhow::Result<serde_json::Value> {
    send(socket, question.as_bytes(), SendFlags::NOSIGNAL).context("testpmd's telemetry is gone")?;
    receive(socket)
}

fn receive(socket: &OwnedFd) -> anyhow::Result<serde_json::Value> {
    let mut bytes = vec![0; ANSWER_BYTES];
    let (_, len) =
        recv(socket, bytes.as_mut_slice(), RecvFlags::empty()).context("no answer by telemetry")?;
    Ok(serde_json::from_slice(&bytes[..len])?)
}

/// The scheduler statistics of the thread that forwards.
fn forwarding_thread(process: u32) -> Option<PathBuf> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let forwards = |task: &PathBuf| {
        let is_worker = |name: String| WORKERS.iter().any(|begin| name.starts_with(begin));
        fs::read_to_string(task.join("comm")).is_ok_and(is_worker)
    };
    tasks.flatten().map(|task| task.path()).find(forwards).map(|task| task.join("schedstat"))
}
