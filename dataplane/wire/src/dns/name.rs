//! Domain names in a message (RFC 1035, 3.1 and 4.1.4).
//!
//! Read wherever a question, a record or its data has one. Always holds: a [`Name`] was followed to its root once,
//! so that its labels are all there; comparing and hashing leave the case of ASCII letters out (RFC 4343).

use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};

use super::Malformed;

/// Bytes of the longest name, length bytes and root included.
pub const NAME_MAX: usize = 255;
/// A name of 255 bytes has at most so many labels; an honest one is not spread over more pieces.
const POINTERS_MAX: u8 = 127;
const POINTER: u8 = 0xc0;

/// A name in a message, possibly compressed.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    message: &'a [u8],
    at: usize,
    len: u8,
    labels: u8,
    compressed: bool,
}

impl<'a> Name<'a> {
    /// Follows the name at `at`; also where what comes behind it starts.
    pub(crate) fn read(message: &'a [u8], at: usize) -> Result<(Self, usize), Malformed> {
        let (mut place, mut segment, mut end) = (at, at, None);
        let (mut len, mut labels, mut pointers, mut again) = (1, 0, 0, false);
        loop {
            let head = *message.get(place).ok_or(Malformed::NameCut)?;
            match head >> 6 {
                0 if head == 0 => break,
                0 => {
                    len += 1 + usize::from(head);
                    if len > NAME_MAX {
                        return Err(if again { Malformed::NameLoop } else { Malformed::NameLong });
                    }
                    labels += 1;
                    place += 1 + usize::from(head);
                }
                3 => {
                    let target = target(message, place, head)?;
                    if target >= place {
                        return Err(Malformed::NamePointer);
                    }
                    pointers += 1;
                    if pointers > POINTERS_MAX {
                        return Err(Malformed::NamePointers);
                    }
                    again |= target >= segment;
                    end.get_or_insert(place + 2);
                    (place, segment) = (target, target);
                }
                _ => return Err(Malformed::NameLabel),
            }
        }
        let compressed = end.is_some();
        // At most 255, as the bound above says.
        Ok((Self { message, at, len: len as u8, labels, compressed }, end.unwrap_or(place + 1)))
    }

    /// The name at `at` that takes so many bytes, all of them there, and has so many labels.
    pub(crate) const fn plain(message: &'a [u8], at: usize, len: u8, labels: u8) -> Self {
        Self { message, at, len, labels, compressed: false }
    }

    /// The labels from the most specific to the top, without the root.
    pub fn labels(&self) -> Labels<'a> {
        Labels { message: self.message, at: self.at, left: self.labels }
    }

    /// How many labels it has, without the root: 0..=127.
    pub fn label_count(&self) -> u8 {
        self.labels
    }

    /// Bytes that it takes without compression, the root included: 1..=255.
    #[allow(clippy::len_without_is_empty, reason = "a name is never empty: the root is one byte")]
    pub fn len(&self) -> u8 {
        self.len
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.labels == 0
    }

    /// Whether it leads elsewhere in the message.
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Whether it is `other`, or lies below it.
    pub fn is_at_or_below(&self, other: &Name<'_>) -> bool {
        let Some(below) = self.labels.checked_sub(other.labels) else { return false };
        let ours = self.labels().skip(below.into());
        ours.zip(other.labels()).all(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs))
    }

    /// The name without compression and in lower case (RFC 4034, 6.2): what tables are keyed by.
    pub fn lowered<'b>(&self, into: &'b mut [u8; NAME_MAX]) -> &'b [u8] {
        let mut at = 0;
        for label in self.labels() {
            let Some((head, rest)) = into[at..].split_first_mut() else { break };
            let Some(place) = rest.get_mut(..label.len()) else { break };
            *head = label.len() as u8;
            place.copy_from_slice(label);
            place.make_ascii_lowercase();
            at += 1 + label.len();
        }
        if let Some(root) = into.get_mut(at) {
            *root = 0;
        }
        &into[..usize::from(self.len)]
    }
}

/// Where the pointer at `place` leads.
fn target(message: &[u8], place: usize, head: u8) -> Result<usize, Malformed> {
    let low = *message.get(place + 1).ok_or(Malformed::NameCut)?;
    Ok(usize::from(u16::from_be_bytes([head & !POINTER, low])))
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.len, self.labels) == (other.len, other.labels)
            && self.labels().zip(other.labels()).all(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs))
    }
}

impl Eq for Name<'_> {}

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.lowered(&mut [0; NAME_MAX]));
    }
}

/// As in a zone file (RFC 1035, 5.1), without the dot at the end; the root is a dot.
impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_char('.');
        }
        for (i, label) in self.labels().enumerate() {
            if i > 0 {
                f.write_char('.')?;
            }
            for &byte in label {
                match byte {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                    b'!'..=b'~' => f.write_char(char::from(byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Iterates over the labels of one name, 1 to 63 bytes each, in the case that they came in.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    left: u8,
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let mut head = *self.message.get(self.at)?;
        // Ends: the name was followed once, through pointers that each led back.
        while head >= POINTER {
            self.at = target(self.message, self.at, head).ok()?;
            head = *self.message.get(self.at)?;
        }
        let from = self.at + 1;
        self.at = from + usize::from(head);
        self.message.get(from..self.at)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for Labels<'_> {}

#[cfg(test)]
#[path = "name/tests.rs"]
mod tests;
