//! The files of a `net_pcap` port: whether captures can be read and hold Ethernet, and what outputs overwrite.
//!
//! Called for every `net_pcap` port. Reads the first bytes only: libpcap reads the rest its own way.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::finding::{About, Finding};
use super::needs::PortNeed;

/// `LINKTYPE_ETHERNET`.
const ETHERNET: u32 = 1;
/// Magic numbers of classic captures: microseconds and nanoseconds.
const CLASSIC: [u32; 2] = [0xa1b2_c3d4, 0xa1b2_3c4d];
/// Type of a section header block, the same in either byte order.
const SECTION: u32 = 0x0a0d_0d0a;
/// Byte order magic of a section.
const ORDER: u32 = 0x1a2b_3c4d;
/// Type of an interface description block.
const INTERFACE: u32 = 1;

/// Everything about the files of a port.
pub fn check(about: &About, port: &PortNeed) -> Vec<Finding> {
    let inputs = port.spec.args("rx_pcap").map(|path| input(about, path));
    let outputs = port.spec.args("tx_pcap").map(|path| output(about, path));
    inputs.chain(outputs).collect()
}

fn input(about: &About, path: &str) -> Finding {
    let mut head = Vec::new();
    if let Err(error) = File::open(path).and_then(|file| file.take(4096).read_to_end(&mut head)) {
        return about.problem(format!("{path} cannot be read: {error}"), "give the path of a capture file");
    }
    match link_type(&head) {
        Some(ETHERNET) => about.ok(format!("{path} is a capture of Ethernet frames")),
        Some(other) => about.problem(
            format!("{path} holds frames of link type {other}, not Ethernet"),
            "capture on an Ethernet interface (not on `any`, which adds a header of its own)",
        ),
        None if head.starts_with(&[0x1f, 0x8b]) => {
            about.problem(format!("{path} is compressed"), format!("gunzip --keep {path}"))
        }
        None => about.problem(format!("{path} is no capture file"), "give a pcap or pcapng file"),
    }
}

/// The link type of a capture by its first bytes; none where it is no capture.
fn link_type(head: &[u8]) -> Option<u32> {
    let word = |at: usize, is_big: bool| {
        let bytes: [u8; 4] = head.get(at..at + 4)?.try_into().ok()?;
        Some(if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    for is_big in [false, true] {
        if CLASSIC.contains(&word(0, is_big)?) {
            // The upper bits say how many check bytes frames carry.
            return Some(word(20, is_big)? & 0x0fff_ffff);
        }
        if word(0, is_big)? == SECTION && word(8, is_big)? == ORDER {
            let next = usize::try_from(word(4, is_big)?).ok()?;
            let halves = word(next + 8, is_big)?;
            let kind = if is_big { halves >> 16 } else { halves & 0xffff };
            return (word(next, is_big)? == INTERFACE).then_some(kind);
        }
    }
    None
}

fn output(about: &About, path: &str) -> Finding {
    let file = Path::new(path);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let folder = folder.display();
        return about.problem(format!("the folder of {path} does not exist"), format!("mkdir -p {folder}"));
    }
    if file.exists() {
        return about
            .warning(format!("{path} exists and will be overwritten"), "keep a copy, or give another name");
    }
    about.ok(format!("{path} will be written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::needs;
    use crate::preflight::finding::{Level, Topic};

    fn words(words: &[u32], is_big: bool) -> Vec<u8> {
        words.iter().flat_map(|word| if is_big { word.to_be_bytes() } else { word.to_le_bytes() }).collect()
    }

    #[test]
    fn link_types_of_every_format() {
        for is_big in [false, true] {
            for magic in CLASSIC {
                assert_eq!(link_type(&words(&[magic, 0, 0, 0, 0, 113], is_big)), Some(113));
            }
            let kind = if is_big { 1 << 16 } else { 1 };
            let section = [SECTION, 28, ORDER, 1, 0, 0, 28, INTERFACE, 20, kind];
            assert_eq!(link_type(&words(&section, is_big)), Some(ETHERNET));
        }
        assert_eq!(link_type(b"\x1f\x8b\x08\0 and more of it"), None);
        assert_eq!(link_type(&words(&[SECTION, u32::MAX, ORDER], false)), None);
        assert_eq!(link_type(&[]), None);
    }

    #[test]
    fn files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("a.pcap"), words(&[CLASSIC[0], 0, 0, 0, 0, 1], false)).unwrap();
        std::fs::write(at("any.pcap"), words(&[CLASSIC[0], 0, 0, 0, 0, 276], false)).unwrap();
        std::fs::write(at("text"), "hello, this is text").unwrap();
        let (good, out) = (at("a.pcap"), at("out.pcap"));
        let levels = |args: String| {
            let needs = needs(&[("a", &format!("net_pcap0,{args}"))]);
            let found = check(&About::new(Topic::Port, "a"), &needs.ports[0]);
            found.iter().map(|found| found.level).collect::<Vec<_>>()
        };
        assert_eq!(levels(format!("rx_pcap={good},tx_pcap={out}")), [Level::Ok; 2]);
        assert_eq!(levels(format!("rx_pcap={good},tx_pcap={good}")), [Level::Ok, Level::Warning]);
        for bad in ["any.pcap", "text", "missing"] {
            assert_eq!(levels(format!("rx_pcap={}", at(bad))), [Level::Problem], "{bad}");
        }
        assert_eq!(levels(format!("tx_pcap={}/x.pcap", at("nowhere"))), [Level::Problem]);
    }
}
