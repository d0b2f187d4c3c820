//! Writes what every target begins with: `seeds FOLDER` makes a folder for each in there.
//!
//! Packets are those of the engine's packet table, configs those of the product.

#[path = "../../../engine/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::{env, fs, io};

use common::dns::{A, NXDOMAIN, RESOLVER, answer, back, by_tcp, by_udp, cookie, query};
use common::endpoint::{CLIENT_MAC, CLIENT_PORT, ORIGIN, SERVICE, UPSTREAM_PORT, between, raw};
use common::frame::{Frame, SYN, Talk, address};
use common::packets::table;
use common::{INSIDE, OUTSIDE};
// Defines what the instrumentation of this program refers to.
use libfuzzer_sys as _;
use repute_fuzz::breath;
use repute_model::Link;
use repute_wire::arp::Resolution;

const PREFIXES: [&str; 8] = [
    "192.0.2.1",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "2001:db8::/32",
    "::/0",
    "::ffff:1.2.3.0/120",
    "10.1.2.3/8",
    "1.2.3.4/33",
];
const LIST: &str = "# a list\r\n192.0.2.0/24 ; of two\n\n2001:db8::/48 # families\n198.51.100.7\n";
/// A query with a cookie and a client subnet, an answer with an alias, an address and a start of authority.
const DNS: [&[u8]; 2] = [
    b"\x12\x34\x01\0\0\x01\0\0\0\0\0\x01\x07Example\x03org\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\x80\0\0\x17\0\x0a\0\x08\
      a client\0\x08\0\x07\0\x01\x18\0\xc6\x33\x64",
    b"\x12\x34\x81\x80\0\x01\0\x02\0\x01\0\0\x01a\x03org\0\0\x01\0\x01\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x0e\
      \xc0\x23\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01\xc0\x0e\0\x06\0\x01\0\0\0\x3c\0\x18\xc0\x0e\xc0\x0e\
      \0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
];
const CONFIGS: [&str; 3] = [
    "[profiles.ingress]",
    "[profiles.egress]\nmodel = \"suspicion\"\ndecay = 0.9",
    "[lists]\nallow = [\"192.0.2.0/24\"]\ndeny = [{ prefix = \"203.0.113.0/24\", confidence = 90 }]\n[profiles.ingress]",
];

/// A file of every format, behind the number of its format and, sixteen times, of what it is for.
const FEEDS: [(u8, &str); 12] = [
    (0, LIST),
    (0x20, "0.0.0.0 trap.example.org # hosts\n*.bait.example.net\n"),
    (1, r#"{"cidr":"192.0.2.0/24","sblid":"SBL1"}"#),
    (2, r#"{"data":[{"ipAddress":"192.0.2.1","abuseConfidenceScore":99}]}"#),
    (3, "192.0.2.1,1,127\n2001:db8::/32,60,1\n"),
    (4, r#"{"type":"bundle","objects":[{"type":"indicator","pattern":"[ipv4-addr:value = '192.0.2.1']"}]}"#),
    (5, r#"{"list":["192.0.2.0/24"],"type":"cidr","name":"n"}"#),
    (6, r#"{"response":[{"Event":{"Attribute":[{"type":"ip-src","value":"192.0.2.1"}]}}]}"#),
    (7, r#"{"new":[{"scope":"Ip","value":"192.0.2.1","duration":"1h","type":"ban"}],"deleted":null}"#),
    (8, r#"{"items":[{"ip":"192.0.2.1","scores":{"overall":{"total":5}}}]}"#),
    (15, "; a list\n192.0.2.0/24 ; SBL2\n"),
    (
        15,
        "$TTL 60\n@ SOA a.example. b.example. 1 2 3 4 5\nbad.example.org CNAME .\n24.0.2.0.192.rpz-ip CNAME *.\n",
    ),
];

fn main() -> io::Result<()> {
    let Some(folder) = env::args().nth(1) else { return Err(io::Error::other("usage: seeds FOLDER")) };
    let seeds = Seeds(Path::new(&folder));
    let frames = frames();
    seeds.write("parse", frames.iter().map(|(_, frame)| &frame.bytes))?;
    seeds.write("breath", frames.iter().map(one).chain([conversation(), flood()]))?;
    seeds.write("requester", requesters())?;
    seeds.write("endpoint", clients())?;
    seeds.write("dns", DNS.map(<[u8]>::to_vec).into_iter().chain(DNS.map(framed)))?;
    seeds.write("capture", [pcap(&frames), pcapng(&frames)])?;
    seeds.write("prefix", PREFIXES)?;
    seeds.write("netset", [LIST])?;
    seeds.write("feed", FEEDS.map(|(format, file)| [&[format], file.as_bytes()].concat()))?;
    seeds.write("config", repute_policy::reference().split("\n\n").chain(CONFIGS))
}

struct Seeds<'a>(&'a Path);

impl Seeds<'_> {
    fn write(&self, target: &str, inputs: impl IntoIterator<Item = impl AsRef<[u8]>>) -> io::Result<()> {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder)?;
        let mut inputs = inputs.into_iter().enumerate();
        inputs.try_for_each(|(n, input)| fs::write(folder.join(format!("seed-{n}")), input))
    }
}

/// A packet of every row of the table, and the port it comes in by.
fn frames() -> Vec<(u8, Frame)> {
    table().iter().map(|row| (row.port, row.frame(0))).collect()
}

fn one((port, frame): &(u8, Frame)) -> Vec<u8> {
    breath(*port, frame.link == Link::Ip, &frame.bytes)
}

/// A DNS message as TCP carries it.
fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

/// A client that is challenged, comes by TCP and is answered, and one that sends garbage.
fn requesters() -> Vec<Vec<u8>> {
    let client = ([192, 0, 2, 7], 40_000);
    let (bare, knows) =
        (query(1, "www.example.org", A, None), query(2, "a.org", A, Some(&cookie(b"a client", &[]))));
    let talk = Talk { client, server: RESOLVER };
    let asked = [by_udp(client, &bare), by_udp(client, &knows), talk.asks(SYN, 0), by_tcp(client, &bare)];
    let answered = back(client, &answer(&bare, NXDOMAIN, 0));
    let whole = asked.iter().map(|frame| one(&(OUTSIDE, frame.clone()))).chain([one(&(INSIDE, answered))]);
    let garbage = one(&(OUTSIDE, by_udp(client, &bare[..20])));
    vec![whole.flatten().collect(), garbage.repeat(40)]
}

/// A client of a box with an address of its own, by UDP and by TCP, who asks for its Ethernet address as well; one that asks a
/// host behind it, and an answer that nobody asked for.
fn clients() -> Vec<Vec<u8>> {
    let client = (address([192, 0, 2, 7]), 40_000);
    let asked = query(1, "www.example.org", A, None);
    let asks = |of| between(client, (address(of), 53), (CLIENT_MAC, CLIENT_PORT), &asked);
    let resolves = raw(&Resolution::request(address(SERVICE), (client.0, CLIENT_MAC)));
    let talk = Talk { client: ([192, 0, 2, 7], 40_000), server: (SERVICE, 53) };
    let frames = [resolves, asks(SERVICE), talk.asks(SYN, 0), asks([10, 0, 0, 53])];
    let whole = frames.into_iter().flat_map(|frame| one(&(OUTSIDE, frame))).collect();
    let upstream = (address([10, 0, 0, 53]), 53);
    let strays =
        between(upstream, (address(ORIGIN), 40_000), (CLIENT_MAC, UPSTREAM_PORT), &answer(&asked, 0, 1));
    vec![whole, one(&(INSIDE, strays))]
}

/// A connection from its beginning to its end.
fn conversation() -> Vec<u8> {
    let talk = Talk::new([192, 0, 2, 7], 40_000, [10, 0, 0, 80], 443);
    talk.whole(80, 120).into_iter().flat_map(|(client, frame)| one(&(u8::from(!client), frame))).collect()
}

/// One source that soon stands badly.
fn flood() -> Vec<u8> {
    let ask = |port| Talk::new([192, 0, 2, 9], 40_000, [10, 0, 0, 80], port).asks(SYN, 0);
    (1..60).flat_map(|port| one(&(OUTSIDE, ask(port)))).collect()
}

/// A pcap file (draft-ietf-opsawg-pcap) of the Ethernet frames, in microseconds.
fn pcap(frames: &[(u8, Frame)]) -> Vec<u8> {
    let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, ETHERNET]);
    for bytes in ethernet(frames) {
        file.extend(words(&[1, 1, bytes.len() as u32, bytes.len() as u32]));
        file.extend(bytes);
    }
    file
}

/// A pcapng file (draft-ietf-opsawg-pcapng): a section, an interface, a packet a block.
fn pcapng(frames: &[(u8, Frame)]) -> Vec<u8> {
    let section = block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
    let interface = block(1, &words(&[ETHERNET, 0x0004_0000]));
    let packets = ethernet(frames).map(|bytes| {
        let head = words(&[0, 0, 1, bytes.len() as u32, bytes.len() as u32]);
        let padding = vec![0; bytes.len().next_multiple_of(4) - bytes.len()];
        block(6, &[&head[..], bytes, &padding].concat())
    });
    [section, interface].into_iter().chain(packets).flatten().collect()
}

/// The link type of Ethernet.
const ETHERNET: u32 = 1;
/// So many packets are enough for a file: small files are changed faster.
const PACKETS: usize = 6;

fn ethernet(frames: &[(u8, Frame)]) -> impl Iterator<Item = &[u8]> {
    let frames = frames.iter().map(|(_, frame)| frame);
    frames.filter(|frame| frame.link == Link::Ethernet).map(|frame| &frame.bytes[..]).take(PACKETS)
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = body.len() as u32 + 12;
    [words(&[kind, len]), body.to_vec(), words(&[len])].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
