//! Captures built byte by byte: both formats, both byte orders, every cut.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

type Word = fn(u32) -> [u8; 4];
type Half = fn(u16) -> [u8; 2];

const LE: (Word, Half) = (u32::to_le_bytes, u16::to_le_bytes);
const BE: (Word, Half) = (u32::to_be_bytes, u16::to_be_bytes);

fn words(word: Word, words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| word(*w)).collect()
}

/// Two packets, of 60 and 5 bytes, the second 90 long on the wire and earlier than the first.
fn pcap(magic: u32, link: u32, (word, half): (Word, Half)) -> Vec<u8> {
    let mut file = word(magic).to_vec();
    file.extend([half(2), half(4)].concat());
    file.extend(words(word, &[0, 0, 65_535, link]));
    file.extend(words(word, &[1_700_000_000, 7_000, 60, 60]));
    file.extend([0xaa; 60]);
    file.extend(words(word, &[1_699_999_999, 8_999, 5, 90]));
    file.extend([0xbb; 5]);
    file
}

fn block(word: Word, kind: u32, body: &[u8]) -> Vec<u8> {
    let len = word(body.len() as u32 + 12);
    [&word(kind)[..], &len, body, &len].concat()
}

fn section(word: Word) -> Vec<u8> {
    block(word, 0x0a0d_0d0a, &[&word(0x1a2b_3c4d)[..], &[0; 12]].concat())
}

fn described((word, half): (Word, Half), link: u16, options: &[u8]) -> Vec<u8> {
    block(word, 1, &[&half(link)[..], &[0, 0], &word(0), options].concat())
}

fn enhanced(word: Word, interface: u32, ticks: u64, data: &[u8], wire_len: u32) -> Vec<u8> {
    let (high, low) = ((ticks >> 32) as u32, ticks as u32);
    let mut body = words(word, &[interface, high, low, data.len() as u32, wire_len]);
    body.extend(data);
    body.resize(body.len().next_multiple_of(4), 0);
    block(word, 6, &body)
}

/// An Ethernet and a raw IP interface (nanoseconds), a block of unknown type, and three kinds of packet.
fn pcapng(order: (Word, Half)) -> Vec<u8> {
    let (word, half) = order;
    let nanoseconds = [&half(9)[..], &half(1), &[9, 0, 0, 0]].concat();
    let obsolete_head = [&half(0)[..], &half(3), &words(word, &[0, 77, 4, 4])].concat();
    [
        section(word),
        described(order, 1, &[]),
        described(order, 101, &nanoseconds),
        block(word, 0x0bad, &[9; 40]),
        enhanced(word, 0, 1_700_000_000_000_007, &[0xaa; 60], 60),
        enhanced(word, 1, 1_700_000_000_000_008_999, &[0xbb; 5], 90),
        block(word, 2, &[&obsolete_head[..], &[0xcc; 4]].concat()),
        block(word, 3, &[&word(3)[..], &[0xdd; 4]].concat()),
    ]
    .concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

type Packet = (u64, u32, Link, Vec<u8>);

fn read(bytes: &[u8]) -> Result<(Vec<Packet>, Option<String>), CaptureError> {
    let total = bytes.len() as u64;
    let mut capture = Capture::from_reader("test", Cursor::new(bytes.to_vec()), total)?;
    let mut packets = Vec::new();
    while let Some(record) = capture.next()? {
        packets.push((record.ts_us, record.wire_len, record.link, record.data.to_vec()));
    }
    if capture.warning().is_none() {
        assert_eq!(capture.bytes_read(), capture.total_bytes());
    }
    Ok((packets, capture.warning().map(str::to_string)))
}

fn expected(first_us: u64, second_us: u64, link: Link) -> Vec<Packet> {
    vec![(first_us, 60, Link::Ethernet, vec![0xaa; 60]), (second_us, 90, link, vec![0xbb; 5])]
}

#[test]
fn pcap_in_every_variant() {
    for order in [LE, BE] {
        for link in [1, 0x3000_0001, 0x0400_0001] {
            let micro = read(&pcap(0xa1b2_c3d4, link, order)).unwrap();
            let second = 1_699_999_999_008_999;
            assert_eq!(micro, (expected(1_700_000_000_007_000, second, Link::Ethernet), None));
        }
        let nano = read(&pcap(0xa1b2_3c4d, 1, order)).unwrap();
        let second = 1_699_999_999_000_008;
        assert_eq!(nano, (expected(1_700_000_000_000_007, second, Link::Ethernet), None));
    }
}

#[test]
fn pcapng_in_both_byte_orders_with_all_packet_blocks() {
    let mut all = expected(1_700_000_000_000_007, 1_700_000_000_000_008, Link::RawIp);
    all.push((77, 4, Link::Ethernet, vec![0xcc; 4]));
    all.push((0, 3, Link::Ethernet, vec![0xdd; 3]));
    for order in [LE, BE] {
        assert_eq!(read(&pcapng(order)).unwrap(), (all.clone(), None));
    }
    let both = [pcapng(LE), pcapng(BE)].concat();
    assert_eq!(read(&both).unwrap().0, [all.clone(), all.clone()].concat());
    assert_eq!(read(&gzip(&pcapng(LE))).unwrap(), (all, None));
}

#[test]
fn every_cut_keeps_what_was_before_it() {
    for whole in [pcap(0xa1b2_c3d4, 1, LE), pcapng(LE), gzip(&pcapng(BE)), gzip(&pcap(0xa1b2_c3d4, 1, BE))] {
        let (all, _) = read(&whole).unwrap();
        let mut most = 0;
        for len in 0..whole.len() {
            let (packets, warning) = read(&whole[..len]).unwrap();
            assert_eq!(packets, all[..packets.len()]);
            assert!(packets.len() >= most);
            assert!(packets.len() < all.len() || warning.is_some());
            most = packets.len();
        }
    }
    let (packets, warning) = read(&pcap(0xa1b2_c3d4, 1, LE)[..24 + 16 + 60 + 16]).unwrap();
    assert_eq!(packets.len(), 1);
    assert_eq!(warning.unwrap(), "test: cut short behind packet 1: the file ends before a packet");
}

/// Any single damaged byte gives packets, a warning or an error, never a panic or an endless read.
#[test]
fn any_damaged_byte_is_survived() {
    for whole in [pcap(0xa1b2_3c4d, 1, BE), pcapng(LE), pcapng(BE), gzip(&pcapng(LE))] {
        for (at, damage) in (0..whole.len()).flat_map(|at| [0x01, 0x80, 0xff].map(|damage| (at, damage))) {
            let mut file = whole.clone();
            file[at] ^= damage;
            if let Ok((packets, _)) = read(&file) {
                assert!(packets.len() <= 4, "byte {at}");
            }
        }
    }
}

#[test]
fn absurd_lengths_break_off() {
    let mut file = pcap(0xa1b2_c3d4, 1, LE);
    file[24 + 16 + 60 + 8..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let (packets, warning) = read(&file).unwrap();
    assert_eq!(packets.len(), 1);
    assert!(warning.unwrap().contains("4294967295"));

    let good = [section(u32::to_le_bytes), described(LE, 1, &[])].concat();
    for bad in [
        words(u32::to_le_bytes, &[6, u32::MAX]),
        words(u32::to_le_bytes, &[5, u32::MAX]),
        words(u32::to_le_bytes, &[6, 8]),
        words(u32::to_le_bytes, &[6, 16, 0, 12]),
        enhanced(u32::to_le_bytes, 7, 0, &[], 0),
        block(u32::to_le_bytes, 6, &words(u32::to_le_bytes, &[0, 0, 0, 9, 9])),
        block(u32::to_le_bytes, 6, &words(u32::to_le_bytes, &[0, 0, 0, 0])),
        block(u32::to_le_bytes, 3, &[]),
        block(u32::to_le_bytes, 1, &[1, 0]),
    ] {
        let (packets, warning) = read(&[&good[..], &bad].concat()).unwrap();
        assert!(packets.is_empty() && warning.is_some(), "{bad:02x?}");
    }
}

#[test]
fn foreign_files_and_links_are_refused_by_name() {
    let text = read(b"not a capture").unwrap_err().to_string();
    assert!(text.starts_with("test: not a capture: starts with 6e 6f 74 20;"), "{text}");
    let text = read(&pcap(0xa1b2_c3d4, 105, LE)).unwrap_err().to_string();
    assert!(
        text.starts_with(
            "test: link type 105 (IEEE802_11) is not supported; supported: 0 (NULL), 1 (ETHERNET)"
        )
    );

    let word = u32::to_le_bytes;
    let start = [section(word), described(LE, 189, &[]), described(LE, 1, &[])].concat();
    let ethernet = enhanced(word, 1, 5, &[0xaa; 60], 60);
    let usb = enhanced(word, 0, 5, &[0; 8], 8);
    assert_eq!(read(&[&start[..], &ethernet].concat()).unwrap().0.len(), 1);
    let text = read(&[&start[..], &ethernet, &usb].concat()).unwrap_err().to_string();
    assert!(text.contains("189 (USB_LINUX)"), "{text}");
}
