//! DNS over TCP as far as it fits one segment (RFC 1035, 4.2.2; RFC 7766).
//!
//! Called by the DNS stages for the payload of one TCP segment that begins a message. Always holds: a message is
//! given only when all of it is there; streams are not put together.

use super::{Malformed, header};

/// Iterates over the messages of a segment; ends after the last or its first error.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    rest: &'a [u8],
}

/// The messages in the payload of a TCP segment, each as [`Query::read`](super::Query::read) takes it.
///
/// An error is [`Malformed::TcpLength`] where a message is too short to be one, [`Malformed::TcpPartial`] where the
/// segment ends inside it: it may go on in the next one.
pub fn segment(payload: &[u8]) -> Segment<'_> {
    Segment { rest: payload }
}

impl<'a> Segment<'a> {
    fn split(&mut self) -> Result<&'a [u8], Malformed> {
        let (&len, rest) = self.rest.split_first_chunk().ok_or(Malformed::TcpPartial)?;
        let len = usize::from(u16::from_be_bytes(len));
        if len < header::LEN {
            return Err(Malformed::TcpLength);
        }
        let (message, rest) = rest.split_at_checked(len).ok_or(Malformed::TcpPartial)?;
        self.rest = rest;
        Ok(message)
    }
}

impl<'a> Iterator for Segment<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let message = self.split();
        if message.is_err() {
            self.rest = &[];
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_one_after_the_other() {
        let one = [&[0, 12][..], &[7; 12]].concat();
        let read = |payload: &[u8]| segment(payload).map(|m| m.map(<[u8]>::len)).collect::<Vec<_>>();
        assert_eq!(read(&[]), []);
        assert_eq!(read(&one), [Ok(12)]);
        assert_eq!(read(&one.repeat(3)), [Ok(12); 3]);
        assert_eq!(read(&one.repeat(3)[..41]), [Ok(12), Ok(12), Err(Malformed::TcpPartial)]);
        assert_eq!(read(&one[..1]), [Err(Malformed::TcpPartial)]);
        assert_eq!(read(&[0, 11, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), [Err(Malformed::TcpLength)]);
        assert_eq!(read(&[&one[..], &[0, 0]].concat()), [Ok(12), Err(Malformed::TcpLength)]);
    }
}
