//! One lab for one test: up at the beginning, down at the end, whatever happens between.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Where the client is, and whom it asks.
pub const SERVER_4: &str = "http://10.77.0.2/";
pub const SERVER_6: &str = "http://[fd77::2]/";

/// The lab's own config: web traffic passes, floods do not.
pub const LAB_TOML: &str = include_str!("../../../../configs/lab.toml");

/// The ports of the lab, for configs of a test's own to go on from.
pub const PORTS_TOML: &str = r#"
[ports.outside]
role = "outside"

[ports.inside]
role = "inside"

[workers]
idle = "adaptive"
"#;

/// Two cores carry one lab at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// A lab that is up.
pub struct Lab {
    folder: PathBuf,
    programs: PathBuf,
    cpus: Option<&'static str>,
    _alone: MutexGuard<'static, ()>,
}

impl Lab {
    /// Builds the network and starts `reputed` with this config; `None` (with a message) where that
    /// cannot be done.
    pub fn up(config: &str) -> Option<Self> {
        Self::start(config, None)
    }

    /// As [`up`](Self::up), with two workers on the two CPUs that the peers and everything else run on as well.
    pub fn up_with_two_workers(config: &str) -> Option<Self> {
        if thread::available_parallelism().is_ok_and(|cpus| cpus.get() < 2) {
            println!("skipped: two workers need two CPUs");
            return None;
        }
        assert!(config.contains("count = 2"), "{config}");
        Self::start(config, Some("0,1"))
    }

    fn start(config: &str, cpus: Option<&'static str>) -> Option<Self> {
        let alone = alone();
        let programs = programs();
        let check = script("lab", &programs).arg("check").output().unwrap();
        if !check.status.success() {
            println!("skipped: {}", String::from_utf8_lossy(&check.stderr).trim());
            return None;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, config).unwrap();
        let mut lab = Self { folder: PathBuf::new(), programs, cpus, _alone: alone };
        let up = text(lab.command().env_remove("REPUTE_LAB").arg("up").arg(file.path()).output().unwrap());
        lab.folder = PathBuf::from(up.trim());
        Some(lab)
    }

    /// A file of the lab's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the client, the gateway or the server is called as a network namespace.
    pub fn namespace(&self, place: &str) -> String {
        format!("repute-{place}-{}", self.folder.file_name().unwrap().display())
    }

    /// `scripts/lab` with these words.
    pub fn script(&self, words: &str) -> Output {
        self.command().args(words.split(' ')).output().unwrap()
    }

    /// `scripts/lab` for this lab.
    fn command(&self) -> Command {
        let mut script = script("lab", &self.programs);
        script.env("REPUTE_LAB", &self.folder).envs(self.cpus.map(|cpus| ("REPUTE_LAB_CPUS", cpus)));
        script
    }

    /// A command in the client, gateway or server, to be completed and started.
    pub fn within(&self, place: &str) -> Command {
        let mut script = self.command();
        script.args(["exec", place]);
        script
    }

    /// What a command prints that has to succeed in the client.
    pub fn client(&self, words: &str) -> String {
        text(self.script(&format!("exec client {words}")))
    }

    /// A command that goes on in the client.
    pub fn spawn(&self, words: &str) -> Child {
        let mut script = self.command();
        script.args(["exec", "client"]).args(words.split(' '));
        script.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The answer of the API to `repute` with these words.
    pub fn repute(&self, words: &str) -> Value {
        serde_json::from_str(&text(self.ask(&["-o", "json"], words))).unwrap()
    }

    /// What `repute` with these words, which fail, complains about.
    pub fn complaint(&self, words: &str) -> String {
        let output = self.ask(&[], words);
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// What `repute` says. The API lets nobody ask without end: who looks at it in a loop is sent away now and then, and
    /// asks again.
    fn ask(&self, options: &[&str], words: &str) -> Output {
        let mut repute = Command::new(self.programs.join("repute"));
        repute.arg("--socket").arg(self.file("repute.sock")).args(options).args(words.split(' '));
        loop {
            let output = repute.output().unwrap();
            if !String::from_utf8_lossy(&output.stderr).contains("asks too often") {
                return output;
            }
            thread::sleep(Duration::from_secs(1));
        }
    }

    /// Applies a policy; the answer.
    pub fn apply(&self, config: &str) -> Value {
        let file = self.file("pushed.toml");
        fs::write(&file, config).unwrap();
        self.repute(&format!("policy apply {}", file.display()))
    }

    /// Packets dropped so far for this reason.
    pub fn dropped(&self, reason: &str) -> u64 {
        let status = self.repute("status");
        let counts = status["dropped"].as_array().unwrap().iter();
        counts.filter(|count| count["name"] == reason).map(|count| count["count"].as_u64().unwrap()).sum()
    }

    /// Ends `reputed` and returns its closing account, in which every packet is accounted for, exactly and
    /// in agreement with the drivers' counters.
    pub fn close(&self) -> Value {
        text(self.script("stop"));
        let account = fs::read_to_string(self.file("account.json")).unwrap();
        let account: Value = serde_json::from_str(&account).unwrap();
        check_conserved(&account);
        account
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = fs::read_to_string(self.file("reputed.log")).unwrap_or_default();
            let lines = log.lines().filter(|line| !line.contains("repute::packet"));
            println!("reputed.log:\n{}", lines.collect::<Vec<_>>().join("\n"));
        }
        if self.folder.as_os_str().is_empty() {
            return; // It never came up.
        }
        let down = self.script("down");
        assert!(down.status.success() || thread::panicking(), "{down:?}");
    }
}

/// Both identities on every port, and the driver's own counters.
fn check_conserved(account: &Value) {
    let number = |value: &Value| value.as_u64().unwrap();
    for port in account["ports"].as_array().unwrap() {
        let dropped: u64 =
            port["dropped"].as_array().unwrap().iter().map(|count| number(&count["packets"])).sum();
        let came = number(&port["received"]) + number(&port["taken"]);
        let left = number(&port["forwarded"]) + dropped + number(&port["queued"]) + number(&port["handed"]);
        assert_eq!(came, left, "{port}");
        assert_eq!(number(&port["offered"]), number(&port["sent"]) + number(&port["refused"]), "{port}");
        if port["mirrored"] == 0 {
            assert_eq!(port["received"], port["driver"]["received"], "{port}");
        }
        assert_eq!(port["sent"], port["driver"]["sent"], "{port}");
    }
    // Between ports and between workers: nothing is under way any more.
    for [begun, ended] in [["queued", "released"], ["handed", "taken"]] {
        assert_eq!(sum(account, begun), sum(account, ended), "{begun}, {ended}: {account}");
    }
    assert_eq!(
        ["forwarded", "released", "mirrored", "answered", "resets", "own"]
            .map(|count| sum(account, count))
            .iter()
            .sum::<u64>(),
        sum(account, "offered")
    );
    assert_eq!((&account["conserved"], &account["misowned"]), (&json!(true), &json!(0)), "{account}");
}

/// A count over all ports of a closing account or a status.
pub fn sum(report: &Value, count: &str) -> u64 {
    report["ports"].as_array().unwrap().iter().map(|port| port[count].as_u64().unwrap()).sum()
}

/// Standard output of a command that succeeded.
fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Until it is dropped, nobody else has a lab.
pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The first of these programs that is not on this machine.
pub fn missing<'a>(tools: &[&'a str]) -> Option<&'a str> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |tool: &str| std::env::split_paths(&paths).any(|folder| folder.join(tool).is_file());
    tools.iter().copied().find(|tool| !is_there(tool))
}

/// One of the scripts, for these programs.
pub fn script(name: &str, programs: &Path) -> Command {
    let scripts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts"));
    let mut script = Command::new(scripts.join(name));
    script.env("REPUTE_BIN", programs).stdin(Stdio::null());
    script
}

/// The folder of `reputed` and `repute`; builds the latter when only this crate was built.
pub fn programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_reputed")).parent().unwrap();
    if !folder.join("repute").exists() {
        let build = Command::new(env!("CARGO")).args(["build", "-p", "repute"]).status().unwrap();
        assert!(build.success(), "cargo build -p repute");
    }
    folder.to_owned()
}
