//! Names by example.

use std::hash::BuildHasher;

use siphasher::sip::SipHasher24;

use super::*;

fn read(message: &[u8], at: usize) -> Result<String, Malformed> {
    Name::read(message, at).map(|(name, _)| name.to_string())
}

/// A name of labels of `len` letters, uncompressed, with its root.
fn long(len: u8, labels: usize) -> Vec<u8> {
    let label = [&[len], &vec![b'a'; usize::from(len)][..]].concat();
    [label.repeat(labels), vec![0]].concat()
}

#[test]
fn plain_and_compressed() {
    let message = b"\x03www\x07example\x03org\0\x04mail\xc0\x04\xc0\x11";
    assert_eq!(read(message, 0).unwrap(), "www.example.org");
    assert_eq!(read(message, 17).unwrap(), "mail.example.org");
    let (name, end) = Name::read(message, 17).unwrap();
    assert_eq!((name.len(), name.label_count(), end), (18, 3, 24));
    assert_eq!(name.labels().len(), 3);
    assert!(name.is_compressed());
    // A pointer to a pointer.
    let (again, end) = Name::read(message, 24).unwrap();
    assert_eq!((again, end), (name, 26));
    assert_eq!(read(b"\0", 0).unwrap(), ".");
}

#[test]
fn the_case_of_letters_is_nothing() {
    let message = b"\x03WwW\x04eX\xc1m\0\x03wwW\x04ex\xc1M\0\x03www\x04ex\xe1m\0";
    let [a, b, c] = [0, 10, 20].map(|at| Name::read(message, at).unwrap().0);
    let hash = |name| SipHasherBuild.hash_one(name);
    assert_eq!(a, b);
    assert_eq!(hash(a), hash(b));
    assert_ne!(a, c, "only ASCII letters have a case");
    assert_eq!(a.lowered(&mut [0; NAME_MAX]), b"\x03www\x04ex\xc1m\0");
    assert_eq!(a.to_string(), "WwW.eX\\193m");
}

struct SipHasherBuild;

impl BuildHasher for SipHasherBuild {
    type Hasher = SipHasher24;
    fn build_hasher(&self) -> SipHasher24 {
        SipHasher24::new()
    }
}

#[test]
fn where_one_label_ends_is_part_of_the_name() {
    let message = b"\x02ab\x01c\0\x01a\x02bc\0";
    assert_ne!(Name::read(message, 0).unwrap().0, Name::read(message, 6).unwrap().0);
}

#[test]
fn lengths() {
    assert!(read(&long(63, 3), 0).is_ok());
    assert_eq!(read(&long(63, 4), 0), Err(Malformed::NameLong));
    assert!(read(&long(1, 127), 0).is_ok());
    assert_eq!(read(&long(1, 128), 0), Err(Malformed::NameLong));
    assert_eq!(read(&long(3, 64), 0), Err(Malformed::NameLong));
    assert_eq!(Name::read(&long(1, 64), 0).unwrap().0.label_count(), 64);
    let most = [long(1, 126)[..252].to_vec(), b"\x01b\0".to_vec()].concat();
    let (name, end) = Name::read(&most, 0).unwrap();
    assert_eq!((name.len(), name.label_count(), end), (255, 127, 255));
    assert_eq!(name.lowered(&mut [0; NAME_MAX]), most);
}

#[test]
fn what_never_ends() {
    for (message, at, expected) in [
        (&b"\xc0\x00"[..], 0, Malformed::NamePointer),
        (b"\xc0\x02\0", 0, Malformed::NamePointer),
        (b"\x01a\xc0\x02", 0, Malformed::NamePointer),
        (b"\x01a\xc0\x00", 0, Malformed::NameLoop),
        (b"\x01a\x01b\xc0\x02", 0, Malformed::NameLoop),
        // Two names that lead to each other, which takes a pointer forward.
        (b"\x01a\xc0\x04\x01b\xc0\x00", 4, Malformed::NamePointer),
        (b"", 0, Malformed::NameCut),
        (b"\x01", 0, Malformed::NameCut),
        (b"\x01a", 0, Malformed::NameCut),
        (b"\xc0", 0, Malformed::NameCut),
        (b"\x40a\0", 0, Malformed::NameLabel),
        (b"\x80a\0", 0, Malformed::NameLabel),
    ] {
        assert_eq!(read(message, at), Err(expected), "{message:?}");
    }
}

#[test]
fn pointers_are_counted() {
    // A root, and pointers each to the one before it.
    let chain = |pointers: u16| {
        let pointer = |i: u16| (0xc000 | (i.saturating_sub(1) * 2 + u16::from(i > 0))).to_be_bytes();
        let pointers = (0..pointers).flat_map(pointer);
        [0].into_iter().chain(pointers).collect::<Vec<u8>>()
    };
    assert_eq!(read(&chain(127), 1 + 126 * 2).unwrap(), ".");
    assert_eq!(read(&chain(128), 1 + 127 * 2), Err(Malformed::NamePointers));
}
