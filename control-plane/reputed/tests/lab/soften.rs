//! A softened sender between real kernels: its first flight is small, it loses nothing, and SACK stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use repute_wire::{Parsed, parse_ethernet, tcp};

use crate::support::{LAB_TOML, Lab, missing};

/// What senders are softened to.
const SEGMENTS: usize = 4;
const MSS: usize = 1_220;
/// What is sent, in bytes.
const LENGTH: usize = 10 << 20;
/// Where the server takes files.
const PORT: u16 = 8_080;

/// The lab's config with this for everybody, whatever he does.
fn config(treatment: &str) -> String {
    let bands = ["excellent", "good", "neutral", "poor", "malicious"];
    let (config, _) = LAB_TOML.split_once("# A suspicious sender").unwrap();
    let treatments = bands.map(|band| format!("{band} = {treatment}\n"));
    format!("{config}[profiles.ingress.treatments]\n{}", treatments.concat())
}

/// A web server in the lab's server that takes files; its folder.
fn receiver(lab: &Lab) -> PathBuf {
    let folder = lab.file("received");
    fs::create_dir(&folder).unwrap();
    let (config, log) = (lab.file("receiver.conf"), lab.file("receiver.log"));
    let text = format!(
        "user root;\npid {0}/pid;\nerror_log {1};\nevents {{ }}\nhttp {{\n access_log off;\n client_max_body_size 0;\n \
         client_body_temp_path {0};\n server {{ listen {PORT}; location / {{ root {0}; dav_methods PUT; }} }}\n}}\n",
        folder.display(),
        log.display()
    );
    fs::write(&config, text).unwrap();
    let mut nginx = lab.within("server");
    nginx.arg("nginx").arg("-e").arg(log).arg("-c").arg(config).stderr(Stdio::null());
    assert!(nginx.status().unwrap().success());
    folder
}

/// Keeps what the client sends and gets from now on.
struct Capture {
    tcpdump: Child,
    file: PathBuf,
}

impl Capture {
    fn begin(lab: &Lab, name: &str) -> Self {
        let (file, log) = (lab.file(name), lab.file("tcpdump.log"));
        let port = PORT.to_string();
        let mut tcpdump = lab.within("client");
        tcpdump.args(["tcpdump", "-Z", "root", "-U", "-n", "-s", "128", "-i", "ea", "-w"]).arg(&file);
        tcpdump.args(["tcp", "port", &port]).stderr(fs::File::create(&log).unwrap());
        let mut tcpdump = tcpdump.spawn().unwrap();
        while !fs::read_to_string(&log).unwrap().contains("listening") {
            assert!(tcpdump.try_wait().unwrap().is_none(), "{}", fs::read_to_string(&log).unwrap());
        }
        Self { tcpdump, file }
    }

    /// All segments, in the order in which the client's kernel had them.
    fn end(mut self) -> Vec<Segment> {
        let kill = Command::new("kill").args(["-INT", &self.tcpdump.id().to_string()]).status().unwrap();
        assert!(kill.success() && self.tcpdump.wait().unwrap().success());
        segments(&self.file)
    }
}

/// One segment, as far as it matters here.
struct Segment {
    is_clients: bool,
    flags: u16,
    data: usize,
    seq: u32,
    ack: u32,
    options: Vec<u8>,
}

/// The segments of a little-endian pcap file.
fn segments(file: &Path) -> Vec<Segment> {
    let file = fs::read(file).unwrap();
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut segments) = (24, Vec::new());
    while at < file.len() {
        let (kept, len) = (word(at + 8), word(at + 12));
        let frame = &file[at + 16..at + 16 + kept];
        segments.push(segment(frame, &parse_ethernet(frame, len as u32)));
        at += 16 + kept;
    }
    segments
}

fn segment(frame: &[u8], parsed: &Parsed) -> Segment {
    let l4 = usize::from(parsed.l4_off);
    let word = |at: usize| u32::from_be_bytes(frame[l4 + at..l4 + at + 4].try_into().unwrap());
    Segment {
        is_clients: parsed.dport == PORT,
        flags: parsed.tcp_flags,
        data: parsed.payload_len as usize,
        seq: word(4),
        ack: word(8),
        options: frame[l4 + 20..usize::from(parsed.payload_off)].to_vec(),
    }
}

/// How many segments, and bytes in them, the client had under way before anything beyond the first flight was
/// acknowledged: of its first `bytes`.
fn under_way(segments: &[Segment], bytes: u32) -> (usize, usize) {
    let first = segments.iter().find(|one| one.is_clients && one.data > 0).unwrap().seq;
    let (mut acked, mut flight, mut most) = (first, Vec::new(), (0, 0));
    for one in segments {
        if !one.is_clients && one.flags & tcp::ACK != 0 && one.flags & tcp::SYN == 0 {
            acked = if one.ack.wrapping_sub(acked) as i32 > 0 { one.ack } else { acked };
            flight.retain(|&(end, _): &(u32, usize)| end.wrapping_sub(acked) as i32 > 0);
        }
        if acked.wrapping_sub(first) >= bytes {
            break;
        }
        if one.is_clients && one.data > 0 {
            flight.push((one.seq.wrapping_add(one.data as u32), one.data));
            let sum = flight.iter().map(|&(_, data)| data).sum();
            most = most.max((flight.len(), sum));
        }
    }
    most
}

/// Sends a file; what was captured of that, and what `ss` said of the connection meanwhile.
fn transfer(lab: &Lab, received: &Path, name: &str) -> (Vec<Segment>, String) {
    let sent = lab.file("sent");
    let capture = Capture::begin(lab, &format!("{name}.pcap"));
    let mut curl = lab.spawn(&format!(
        "curl -sS --max-time 120 --limit-rate 5M -H Expect: -T {} http://10.77.0.2:{PORT}/{name}",
        sent.display()
    ));
    let mut said = String::new();
    while curl.try_wait().unwrap().is_none() {
        let now = lab.client(&format!("ss -tinoH dst 10.77.0.2 dport = {PORT}"));
        said = if now.contains("bytes_acked") { now } else { said };
    }
    let output = curl.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(fs::read(received.join(name)).unwrap() == fs::read(sent).unwrap(), "it arrives as it was sent");
    (capture.end(), said)
}

/// Whether the answer to the handshake permits SACK (RFC 2018), and its largest segment.
fn agreed(segments: &[Segment]) -> (bool, Option<usize>) {
    let is_answer = |one: &&Segment| !one.is_clients && one.flags & tcp::SYN != 0;
    let mut options = segments.iter().find(is_answer).unwrap().options.as_slice();
    let (mut sack, mut mss) = (false, None);
    while let [kind, rest @ ..] = options {
        let len = if *kind <= 1 { 1 } else { usize::from(rest[0]) };
        match kind {
            2 => mss = Some(usize::from(u16::from_be_bytes([rest[1], rest[2]]))),
            4 => sack = true,
            _ => {}
        }
        options = &options[len..];
    }
    (sack, mss)
}

#[test]
fn a_softened_sender_begins_slowly_and_loses_nothing() {
    if let Some(tool) = missing(&["tcpdump", "ss"]) {
        println!("skipped: softening needs {tool}");
        return;
    }
    let softened = format!("{{ soften = {{ segments = {SEGMENTS}, mss = {MSS}, round_trips = 4 }} }}");
    let Some(lab) = Lab::up(&config(&softened)) else { return };
    let bytes: Vec<u8> =
        (0..LENGTH as u32).flat_map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24).to_le_bytes()).collect();
    fs::write(lab.file("sent"), &bytes[..LENGTH]).unwrap();
    let received = receiver(&lab);

    let (segments, said) = transfer(&lab, &received, "softened");
    assert_eq!(agreed(&segments), (true, Some(MSS)));
    let (flight, most) = under_way(&segments, (SEGMENTS * MSS) as u32);
    assert!(0 < flight && flight <= SEGMENTS && most <= SEGMENTS * MSS, "{flight} segments, {most} bytes");
    assert!(segments.iter().all(|one| !one.is_clients || one.data <= MSS));
    println!("softened: {flight} segments of {most} bytes; ss: {}", said.trim());
    let mss = said.split_whitespace().find_map(|word| word.strip_prefix("mss:")).unwrap();
    assert!(
        mss.parse::<usize>().unwrap() <= MSS && said.split_whitespace().any(|word| word == "sack"),
        "{said}"
    );

    // The same kernels without it: the first flight is larger, so that the above says something.
    lab.apply(&config("\"pass\""));
    let (segments, said) = transfer(&lab, &received, "plain");
    let (flight, most) = under_way(&segments, (SEGMENTS * MSS) as u32);
    println!("plain: {flight} segments of {most} bytes; ss: {}", said.trim());
    assert!(
        agreed(&segments).0 && flight > SEGMENTS && most > SEGMENTS * MSS,
        "{flight} segments, {most} bytes"
    );
    lab.close();
}
