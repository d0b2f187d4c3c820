//! A packet: whatever the parser says stays within it, and its outline is what the walk finds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repute_wire::{Class, Columns, Outline, Parsed, parse_ethernet, parse_ip, quoted};

fuzz_target!(|bytes: &[u8]| {
    for wire_len in [0, bytes.len() as u32 + 40, u32::MAX] {
        let walked = parse_ethernet(bytes, wire_len);
        check(bytes, wire_len, &walked);
        check(bytes, wire_len, &parse_ip(bytes, wire_len));
        if let Some(outline) = Outline::of(bytes, wire_len) {
            assert_eq!((walked.error, walked.class, walked.is_cut()), (None, Class::Ordinary, false));
            assert_eq!(
                (walked.src, walked.dst, walked.protocol),
                (outline.src, outline.dst, outline.protocol)
            );
            assert_eq!((walked.sport, walked.dport), (outline.sport(), outline.dport()));
        }
    }
});

fn check(bytes: &[u8], wire_len: u32, parsed: &Parsed) {
    let end = bytes.len().max(wire_len as usize);
    assert!(usize::from(parsed.payload_off) + parsed.payload_len as usize <= end);
    assert!(parsed.error.is_none() || !parsed.class.always_forwards());
    assert!(quoted(bytes, parsed).is_none() || parsed.has_icmp());
    let columns = Columns::HEADER.split('\t').count();
    assert_eq!(Columns(parsed).to_string().split('\t').count(), columns);
}
