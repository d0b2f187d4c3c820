//! Copies go to whoever listens, and whoever does not listen stops nothing.

use std::fs;

use crate::support::{LAB_TOML, Lab, SERVER_4, sum};
use crate::traffic::assert_clean;

/// Bytes of a packet that are copied.
const BYTES: usize = 64;

/// The lab's config with two workers and everything of everybody copied to this device.
fn mirrored(device: &str) -> String {
    let bands = ["excellent", "good", "neutral"];
    let treatments =
        bands.map(|band| format!("[profiles.ingress.treatments.{band}]\nmirror = {{ one_in = 1 }}\n"));
    let config = LAB_TOML.replace("[workers]", "[workers]\ncount = 2");
    format!(
        "{config}\n{}\n[ports.copies]\nrole = \"mirror\"\ndevice = \"{device}\"\n\
         [mirror]\nport = \"copies\"\nbytes = {BYTES}\nrate = \"10Gbps\"\n",
        treatments.concat()
    )
}

/// Lengths of the packets of a little-endian pcap file: in the file, and on the wire.
fn lengths(file: &[u8]) -> Vec<[usize; 2]> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut lengths) = (24, Vec::new());
    while at < file.len() {
        lengths.push([word(at + 8), word(at + 12)]);
        at += 16 + word(at + 8);
    }
    lengths
}

#[test]
fn copies_are_cut_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["0.pcap", "1.pcap"].map(|name| folder.path().join(name));
    // A queue, and so a file, for each worker.
    let device = format!("net_pcap9,tx_pcap={},tx_pcap={}", files[0].display(), files[1].display());
    let Some(lab) = Lab::up_with_two_workers(&mirrored(&device)) else { return };
    assert_clean(&lab.client(&format!("wrk -t1 -c20 -d1 --timeout 20 {SERVER_4}")));
    let account = lab.close();

    let lengths = files.map(|file| lengths(&fs::read(file).unwrap()));
    let copies: u64 = lengths.iter().map(|file| file.len() as u64).sum();
    let withheld = account["mirror_withheld"].as_u64().unwrap();
    let mirrored = sum(&account, "mirrored");
    let port = account["ports"].as_array().unwrap().iter().find(|port| port["name"] == "copies").unwrap();
    assert_eq!((copies, port["sent"].as_u64()), (mirrored, Some(mirrored)), "{account}");
    assert!(copies > 100, "{account}");
    let judged: u64 =
        account["bands"].as_array().unwrap().iter().map(|band| band["packets"].as_u64().unwrap()).sum();
    assert!(copies + withheld >= judged && withheld < copies, "{account}");
    assert!(lengths.iter().flatten().all(|[kept, _]| *kept <= BYTES), "longer than {BYTES}");
}

#[test]
fn a_mirror_that_nobody_reads_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let device = format!("net_memif9,role=server,socket={}", folder.path().join("memif").display());
    let Some(lab) = Lab::up_with_two_workers(&mirrored(&device)) else { return };
    assert_clean(&lab.client(&format!("wrk -t1 -c20 -d2 --timeout 20 {SERVER_4}")));
    let account = lab.close();
    let port = account["ports"].as_array().unwrap().iter().find(|port| port["name"] == "copies").unwrap();
    assert_eq!(port["sent"], 0, "{account}");
    assert!(port["refused"].as_u64() > Some(100), "{account}");
    assert_eq!(port["refused"], port["mirrored"], "{account}");
}
