//! A real CrowdSec local API (Debian's package, unpacked by `scripts/setup test`): start-up, delta, deletion, range,
//! expiry. Skipped with a message where it is not there.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use repute_feeds::{FeedConfig, Handle, Import, Origin, Weights, run};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// How often something is looked for that takes the API a moment, 100 ms apart.
const LOOKS: u32 = 300;

/// Where the package is unpacked.
fn package() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/crowdsec");
    if !folder.join("usr/bin/crowdsec").is_file() {
        println!("skipped: no CrowdSec in {}; run scripts/setup test", folder.display());
        return None;
    }
    Some(folder)
}

/// The API, with everything it owns in a folder of its own.
struct Lapi {
    bin: PathBuf,
    config: PathBuf,
    url: String,
    key_file: PathBuf,
    _server: Child,
    _dir: tempfile::TempDir,
}

fn config(dir: &Path, port: u16) -> String {
    let d = dir.display();
    format!(
        "common: {{daemonize: false, log_media: stdout, log_level: info, working_dir: {d}}}\n\
         config_paths: {{config_dir: {d}, data_dir: {d}, simulation_path: {d}/simulation.yaml, hub_dir: {d}, \
         index_path: {d}/.index.json, notification_dir: {d}/none, plugin_dir: {d}/none}}\n\
         db_config: {{log_level: info, type: sqlite, use_wal: false, db_path: {d}/crowdsec.db}}\n\
         api:\n  client: {{credentials_path: {d}/local.yaml}}\n  \
         server: {{log_level: info, listen_uri: '127.0.0.1:{port}', profiles_path: {d}/profiles.yaml}}\n\
         prometheus: {{enabled: false}}\n"
    )
}

impl Lapi {
    async fn start(package: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (bin, at) = (package.join("usr/bin"), dir.path().join("config.yaml"));
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("config.yaml", &config(dir.path(), port));
        write(".index.json", "{}");
        write("simulation.yaml", "simulation: false\n");
        write("local.yaml", "");
        std::fs::copy(package.join("etc/crowdsec/profiles.yaml"), dir.path().join("profiles.yaml")).unwrap();
        let local = dir.path().join("local.yaml");
        cscli(
            &bin,
            &at,
            &["machines", "add", "m", "--password", "p", "--force", "-f", &local.to_string_lossy()],
        )
        .await;
        let key = cscli(&bin, &at, &["bouncers", "add", "repute", "-o", "raw"]).await;
        let key_file = dir.path().join("key");
        std::fs::write(&key_file, key).unwrap();
        let server = serve(&bin, &at).await;
        let url = format!("http://127.0.0.1:{port}");
        Self { bin, config: at, url, key_file, _server: server, _dir: dir }
    }

    async fn decisions(&self, arguments: &[&str]) {
        cscli(&self.bin, &self.config, &[&["decisions"], arguments].concat()).await;
    }
}

async fn cscli(bin: &Path, config: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new(bin.join("cscli")).arg("-c").arg(config).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "cscli {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Starts the server without its agent, and waits until it says that it listens.
async fn serve(bin: &Path, config: &Path) -> Child {
    let mut command = Command::new(bin.join("crowdsec"));
    command.arg("-c").arg(config).arg("-no-cs").kill_on_drop(true);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (said, mut heard) = watch::channel(false);
    for lines in [BufReader::new(out).lines().into_boxed(), BufReader::new(err).lines().into_boxed()] {
        tokio::spawn(listen(lines, said.clone()));
    }
    tokio::time::timeout(Duration::from_secs(60), heard.wait_for(|heard| *heard)).await.unwrap().unwrap();
    child
}

async fn listen(mut lines: Boxed, said: watch::Sender<bool>) {
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains("Local API listening") {
            said.send_replace(true);
        }
    }
}

type Boxed = tokio::io::Lines<Box<dyn tokio::io::AsyncBufRead + Send + Unpin>>;

/// Both outputs as one type.
trait IntoBoxed {
    fn into_boxed(self) -> Boxed;
}

impl<R: tokio::io::AsyncBufRead + Send + Unpin + 'static> IntoBoxed for tokio::io::Lines<R> {
    fn into_boxed(self) -> Boxed {
        let inner: Box<dyn tokio::io::AsyncBufRead + Send + Unpin> = Box::new(self.into_inner());
        inner.lines()
    }
}

/// Polls until the entries in force are `expected`, each with its confidence.
async fn until(handle: &Handle, latest: &watch::Receiver<Import>, expected: &[(&str, u8)]) {
    let mut found = Vec::new();
    for _ in 0..LOOKS {
        let status = handle.refresh().await.unwrap();
        found = latest.borrow().entries().iter().map(|e| format!("{} {:?}", e.prefix, e.says)).collect();
        let wanted: Vec<_> = expected.iter().map(|(prefix, sure)| format!("{prefix} Deny({sure})")).collect();
        if status.error.is_none() && found == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("expected {expected:?}, found {found:?}: {:?}", handle.status());
}

#[tokio::test]
async fn the_stream_of_a_real_api_is_followed() {
    let Some(package) = package() else { return };
    let lapi = Lapi::start(&package).await;
    lapi.decisions(&["add", "--ip", "203.0.113.7", "--duration", "4h"]).await;
    lapi.decisions(&["add", "--range", "198.51.100.0/24", "--duration", "10m", "--type", "captcha"]).await;
    let (url, key_file) = (lapi.url.clone(), lapi.key_file.clone());
    let config = FeedConfig::new("lapi", Origin::Crowdsec { url, key_file, weights: Weights::default() });
    // Polled by this test alone.
    let config = FeedConfig { refresh: Duration::from_secs(3600), ..config };
    let (deliver, latest) = watch::channel(Import::default());
    let handle = run(config.clone(), 1, None, SystemTime::now, move |delivery| {
        deliver.send_replace((*delivery.import).clone());
    });
    let (range, host) = (("198.51.100.0/24", 50), ("203.0.113.7/32", 100));
    until(&handle, &latest, &[range, host]).await;
    let note = {
        let import = latest.borrow();
        import.note(import.entries()[1].note).to_owned()
    };
    assert!(note.contains("manual"), "{note}");

    lapi.decisions(&["add", "--ip", "192.0.2.9", "--duration", "4h"]).await;
    until(&handle, &latest, &[("192.0.2.9/32", 100), range, host]).await;
    lapi.decisions(&["delete", "--ip", "203.0.113.7"]).await;
    until(&handle, &latest, &[("192.0.2.9/32", 100), range]).await;
    lapi.decisions(&["add", "--ip", "192.0.2.10", "--duration", "5s"]).await;
    until(&handle, &latest, &[("192.0.2.9/32", 100), ("192.0.2.10/32", 100), range]).await;
    until(&handle, &latest, &[("192.0.2.9/32", 100), range]).await;

    // A wrong key is refused and what was good stays; with the right one the stream begins anew.
    std::fs::write(&lapi.key_file, "wrong").unwrap();
    let status = handle.refresh().await.unwrap();
    assert!(status.error.unwrap().contains("answered 403; check the key"));
    assert_eq!(status.entries, 2);
}
