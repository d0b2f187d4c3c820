//! Alerts change verdicts on the wire: those that the test writes, and those of a real Suricata on the mirror port.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::support::{LAB_TOML, Lab, SERVER_4};

/// Somebody alerts may be about while the client's own address goes on.
const CULPRIT: &str = "10.77.0.103";
/// Requests that are tried before an alert has to have come back.
const TRIES: usize = 3000;

/// The lab's config with alerts from a file, and one rule.
fn config(eve: &Path, action: &str) -> String {
    format!(
        "{LAB_TOML}\n[[alerts.inputs]]\nname = \"suricata\"\neve = \"{}\"\n\
         [[alerts.rules]]\nname = \"probes\"\nsignature = 9000001\n{action}\n",
        eve.display()
    )
}

/// Whether somebody's request is answered.
fn passes(lab: &Lab, path: &str) -> bool {
    let words = format!("exec client curl -gsS --interface {CULPRIT} --max-time 1 {SERVER_4}{path}");
    lab.script(&words).status.success()
}

fn treated(lab: &Lab) {
    let explained = lab.repute(&format!("explain {CULPRIT}"));
    let listed = &explained["listed"][0];
    assert_eq!((&listed["feed"], &listed["prefix"]), (&json!("alerts"), &json!(format!("{CULPRIT}/32"))));
    assert!(listed["note"].as_str().unwrap().starts_with("rule probes: 9000001 "), "{explained}");
    assert!(explained["rule"].as_str().unwrap().contains("feed alerts names"), "{explained}");
}

#[test]
fn an_alert_drops_whom_it_names_until_he_is_forgiven() {
    let folder = tempfile::tempdir().unwrap();
    let eve = folder.path().join("eve.json");
    fs::write(&eve, "").unwrap();
    let Some(lab) = Lab::up(&config(&eve, "treat = \"drop\"\nlifetime = \"10m\"")) else { return };
    assert!(passes(&lab, ""));
    let record = json!({
        "event_type": "alert", "src_ip": CULPRIT, "dest_ip": "10.77.0.2", "proto": "TCP",
        "alert": { "signature_id": 9_000_001, "signature": "LAB probe", "category": "", "severity": 2 },
    });
    let begun = Instant::now();
    let mut file = OpenOptions::new().append(true).open(&eve).unwrap();
    file.write_all(format!("{record}\n").as_bytes()).unwrap();
    assert!((0..TRIES).any(|_| !passes(&lab, "")), "never dropped");
    println!("from the alert to a dropped request, its wait of a second included: {:?}", begun.elapsed());
    treated(&lab);
    // Others are not concerned, and a restart forgets nothing.
    assert_eq!(lab.client(&format!("curl -gsS --max-time 20 {SERVER_4}")), "hello\n");
    assert!(lab.script("stop KILL").status.success() && lab.script("start").status.success());
    assert!((0..TRIES).any(|_| !passes(&lab, "")), "forgotten");
    treated(&lab);
    lab.repute(&format!("score nudge {CULPRIT} 0 --forgive"));
    assert!((0..TRIES).any(|_| passes(&lab, "")), "never lifted");
    lab.close();
}

/// Ends with the test.
struct Suricata(Child);

impl Drop for Suricata {
    fn drop(&mut self) {
        // One that has ended need not be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where `scripts/setup test` unpacks it.
fn unpacked() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/suricata");
    root.canonicalize().inspect_err(|_| println!("skipped: no Suricata; run scripts/setup test")).ok()
}

/// Starts it on the sensor's end of the mirror port, and waits until it listens.
fn suricata(lab: &Lab, root: &Path, folder: &Path) -> Suricata {
    let file = |name: &str| folder.join(name);
    let rule = "alert tcp-pkt any any -> any 80 (msg:\"LAB probe\"; content:\"/forbidden\"; \
                classtype:attempted-recon; sid:9000001; rev:1;)\n";
    fs::write(file("local.rules"), rule).unwrap();
    let class = "config classification: attempted-recon,Attempted Information Leak,2\n";
    fs::write(file("classification.config"), class).unwrap();
    fs::write(file("none"), "").unwrap();
    let yaml = include_str!("suricata.yaml").replace("FOLDER", folder.to_str().unwrap());
    fs::write(file("suricata.yaml"), yaml).unwrap();
    let program = root.join("usr/bin/suricata");
    let libraries = root.join("usr/lib/x86_64-linux-gnu");
    let mut command = lab.within("gateway");
    // However the test ends, this does.
    command.args(["timeout", "120", "env"]).arg(format!("LD_LIBRARY_PATH={}", libraries.display()));
    command.arg(program).arg("-c").arg(file("suricata.yaml")).arg("-l").arg(folder);
    command.args(["--af-packet=ws", "--runmode", "single"]);
    let log = fs::File::create(file("console")).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
    let mut running = Suricata(command.spawn().unwrap());
    let said = || fs::read_to_string(file("console")).unwrap();
    while !said().contains("Engine started") {
        assert!(running.0.try_wait().unwrap().is_none(), "Suricata ended: {}", said());
        std::thread::yield_now();
    }
    running
}

#[test]
fn suricata_on_the_mirror_port_has_a_source_dropped() {
    let Some(root) = unpacked() else { return };
    let folder = tempfile::tempdir().unwrap();
    let eve = folder.path().join("eve.json");
    let mirror = "[profiles.ingress.treatments]\ngood = { mirror = { one_in = 1 } }\n\
                  neutral = { mirror = { one_in = 1 } }\n[mirror]\nport = \"copies\"\nbytes = 1514\n\
                  [ports.copies]\nrole = \"mirror\"\ndevice = \"net_af_packet9,iface=wm\"\n";
    let config = config(&eve, "treat = \"drop\"") + mirror;
    let Some(lab) = Lab::up(&config) else { return };
    let sensor = suricata(&lab, &root, folder.path());
    assert!(passes(&lab, ""), "nothing is wrong with this one");
    let begun = Instant::now();
    assert!((0..TRIES).any(|_| !passes(&lab, "forbidden")), "Suricata saw nothing");
    println!("from the first bad request to a dropped one, its wait included: {:?}", begun.elapsed());
    assert!(!passes(&lab, ""), "nothing of it passes");
    treated(&lab);
    let eve = fs::read_to_string(eve).unwrap();
    assert!(eve.contains("\"in_iface\":\"ws\"") && eve.contains(CULPRIT), "{eve}");
    drop(sensor);
    lab.close();
}
