//! What is asked (RFC 1035, 4.1.2).
//!
//! Read by `message`. Always holds: name, type and class are all there.

use super::{Malformed, Name};
use crate::dns::message::words;

/// One question.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Question<'a> {
    /// The name that is asked for.
    pub name: Name<'a>,
    /// The type that is asked for, as written.
    pub kind: u16,
    /// The class, as written.
    pub class: u16,
}

impl<'a> Question<'a> {
    /// Reads the question at `at`; also where what comes behind it starts.
    pub(crate) fn read(message: &'a [u8], at: usize) -> Result<(Self, usize), Malformed> {
        // A message that counts a question and has no byte of it is short of a question, not of a name.
        if at >= message.len() {
            return Err(Malformed::ShortQuestion);
        }
        let (name, end) = Name::read(message, at)?;
        let [kind, class] = words(message, end).ok_or(Malformed::ShortQuestion)?;
        Ok((Self { name, kind, class }, end + 4))
    }
}
