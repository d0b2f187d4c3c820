//! The captures that `net_pcap` repeats without end, and that testpmd gets as well.
//!
//! Written once per run into the bench's own folder. What always holds: at most [`PACKETS`] frames, so that the
//! cache footprint measured is the table's and not the capture's; lengths as DPDK's own programs count them,
//! without frame check sequence; addresses that the generator stage overwrites.

use std::fs::File;
use std::io::BufWriter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use pcap_file::pcap::{PcapPacket, PcapWriter};
use repute_traffic::event::Side;
use repute_traffic::net::tcp::{Segment, flag};
use repute_traffic::net::{Host, datagram, protocol};
use repute_traffic::rng::Rng;

/// Frames of a capture.
pub const PACKETS: u32 = 4096;
/// The shortest frame that the benchmarks send.
const SHORT: usize = 64;
/// Simple IMIX, 7:4:1; the longest frame is a full MTU.
const IMIX: [(usize, u64); 3] = [(SHORT, 7), (594, 4), (1514, 1)];
/// Where the traffic goes: a server of RFC 2544's and RFC 5180's benchmarking ranges.
const SERVER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 18, 0, 0));
const SERVER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0));
/// Where it comes from until the generator says otherwise.
const CLIENT_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(16, 0, 0, 1));
const CLIENT_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2a00, 0, 0, 1, 0, 0, 0, 1));
const CLIENT_PORT: u16 = 40_000;
const SERVER_PORT: u16 = 443;
const DNS_PORT: u16 = 53;
/// Names that are asked for.
const NAMES: u32 = 1024;

/// The captures that rows ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    /// 64-byte UDP over IPv4.
    Udp,
    /// UDP over IPv4 in the lengths of simple IMIX.
    Imix,
    /// UDP over IPv6, 64 bytes of frame and more.
    Udp6,
    /// TCP segments of clients.
    TcpRequests,
    /// TCP segments of servers.
    TcpReplies,
    /// DNS queries for [`NAMES`] names, one after the other.
    Queries,
    /// The answers to them, in the same order.
    Answers,
}

impl Traffic {
    const fn file(self) -> &'static str {
        match self {
            Self::Udp => "udp64.pcap",
            Self::Imix => "imix.pcap",
            Self::Udp6 => "udp6.pcap",
            Self::TcpRequests => "tcp-requests.pcap",
            Self::TcpReplies => "tcp-replies.pcap",
            Self::Queries => "dns-queries.pcap",
            Self::Answers => "dns-answers.pcap",
        }
    }

    /// Where the capture is in a folder.
    pub fn path(self, folder: &Path) -> PathBuf {
        folder.join(self.file())
    }

    /// Writes the capture into a folder.
    ///
    /// # Errors
    /// With the file's name when it cannot be written.
    pub fn write(self, folder: &Path) -> anyhow::Result<PathBuf> {
        let path = self.path(folder);
        self.write_to(&path).with_context(|| format!("{}: cannot write", path.display()))?;
        Ok(path)
    }

    fn write_to(self, path: &Path) -> anyhow::Result<()> {
        let mut writer = PcapWriter::new(BufWriter::new(File::create(path)?))?;
        let mut lengths = Lengths::new(self);
        for n in 0..PACKETS {
            let frame = self.frame(n, lengths.next());
            let stamp = Duration::from_micros(u64::from(n));
            writer.write_packet(&PcapPacket::new(stamp, frame.len() as u32, &frame))?;
        }
        std::io::Write::flush(&mut writer.into_writer())?;
        Ok(())
    }

    /// Frame number `n`, of at least `len` bytes.
    fn frame(self, n: u32, len: usize) -> Vec<u8> {
        let host = |address, side| Host { address, side, ttl: 57, id: 1 };
        match self {
            Self::Udp | Self::Imix => {
                let datagram = datagram::udp(CLIENT_PORT, SERVER_PORT, &vec![0x5a; len - 14 - 20 - 8]);
                host(CLIENT_V4, Side::Outside).send(SERVER_V4, protocol::UDP, datagram).frame
            }
            Self::Udp6 => {
                let payload = vec![0x5a; len.saturating_sub(14 + 40 + 8).max(2)];
                let datagram = datagram::udp(CLIENT_PORT, SERVER_PORT, &payload);
                host(CLIENT_V6, Side::Outside).send(SERVER_V6, protocol::UDP, datagram).frame
            }
            Self::TcpRequests => {
                let segment = data(CLIENT_PORT, SERVER_PORT, len);
                host(CLIENT_V4, Side::Outside).send(SERVER_V4, protocol::TCP, segment).frame
            }
            Self::TcpReplies => {
                let segment = data(SERVER_PORT, CLIENT_PORT, len);
                host(SERVER_V4, Side::Inside).send(CLIENT_V4, protocol::TCP, segment).frame
            }
            Self::Queries => {
                let datagram = datagram::udp(CLIENT_PORT, DNS_PORT, &question(n, false));
                host(CLIENT_V4, Side::Outside).send(SERVER_V4, protocol::UDP, datagram).frame
            }
            Self::Answers => {
                let datagram = datagram::udp(DNS_PORT, CLIENT_PORT, &answer(n));
                host(SERVER_V4, Side::Inside).send(CLIENT_V4, protocol::UDP, datagram).frame
            }
        }
    }
}

/// A DNS message (RFC 1035) that asks for the address of name `n`, or repeats the question.
fn question(n: u32, answers: bool) -> Vec<u8> {
    let [high, low] = (n as u16).to_be_bytes();
    let (flags, count) = if answers { ([0x81, 0x80], 1) } else { ([0x01, 0x00], 0) };
    let mut message = vec![high, low, flags[0], flags[1], 0, 1, 0, count, 0, 0, 0, 0];
    let name = n % NAMES;
    for label in [format!("host{name}"), format!("site{}", name % 64), "example".to_owned()] {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    // The root; type A, class IN.
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// The answer to it: one address, for an hour.
fn answer(n: u32) -> Vec<u8> {
    let mut message = question(n, true);
    // The name of the question; type A, class IN, 3600 s, four bytes.
    message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4]);
    message.extend((n % NAMES).to_be_bytes());
    message
}

/// A segment with data in the middle of a connection.
fn data(sport: u16, dport: u16, len: usize) -> Vec<u8> {
    let payload = vec![0x5a; len - 14 - 20 - 20];
    Segment {
        sport,
        dport,
        seq: 1,
        ack: 1,
        flags: flag::PSH | flag::ACK,
        window: 65_535,
        options: &[],
        payload: &payload,
    }
    .encode()
}

/// The lengths of a capture's frames, in order.
struct Lengths {
    mixed: bool,
    rng: Rng,
}

impl Lengths {
    fn new(traffic: Traffic) -> Self {
        Self { mixed: traffic == Traffic::Imix, rng: Rng::new(0x1b1c, 0) }
    }

    fn next(&mut self) -> usize {
        if !self.mixed {
            return SHORT;
        }
        let total = IMIX.iter().map(|&(_, parts)| parts).sum::<u64>();
        let mut left = self.rng.bits() % total;
        for (len, parts) in IMIX {
            if left < parts {
                return len;
            }
            left -= parts;
        }
        SHORT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_their_lengths() {
        for traffic in [Traffic::Udp, Traffic::TcpRequests, Traffic::TcpReplies] {
            assert_eq!(traffic.frame(0, SHORT).len(), SHORT, "{traffic:?}");
        }
        assert_eq!(Traffic::Udp6.frame(0, SHORT).len(), SHORT);
        let mut lengths = Lengths::new(Traffic::Imix);
        let all: Vec<_> = (0..PACKETS).map(|_| lengths.next()).collect();
        let share = |len| all.iter().filter(|&&l| l == len).count() as f64 / all.len() as f64;
        for (len, parts) in IMIX {
            assert!((share(len) - parts as f64 / 12.0).abs() < 0.03, "{len}: {}", share(len));
        }
    }
}
