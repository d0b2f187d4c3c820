//! TCP options (RFC 9293, 3.2; RFC 7323, RFC 2018) as an iterator.
//!
//! Used by `tcp` to find impossible lengths and by the engine where it softens handshakes. Always holds:
//! the iterator ends after the end-of-list option, the last byte, or its first error.

/// One TCP option. A known kind with an unusual length is [`Other`](Self::Other), as hosts ignore it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TcpOption<'a> {
    /// Maximum segment size in bytes.
    Mss(u16),
    /// Window scale: the shift, as written (RFC 7323 treats more than 14 as 14).
    WindowScale(u8),
    /// Selective acknowledgements are permitted.
    SackPermitted,
    /// Timestamp value and echo reply.
    Timestamps(u32, u32),
    /// Any other kind with its data.
    Other(u8, &'a [u8]),
}

/// An option whose length field is below 2 or leads out of the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("TCP option with an impossible length")]
pub struct BadOption;

/// Iterates over the options of one TCP header, padding left out.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    rest: &'a [u8],
}

const END: u8 = 0;
const NOP: u8 = 1;

impl<'a> Options<'a> {
    /// The options in `bytes`: what lies between the fixed header and the data offset.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes behind the option that was read last.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    fn option(&mut self, kind: u8) -> Result<TcpOption<'a>, BadOption> {
        let len = usize::from(*self.rest.get(1).ok_or(BadOption)?);
        let option = self.rest.get(..len).ok_or(BadOption)?;
        let data = option.get(2..).ok_or(BadOption)?;
        self.rest = &self.rest[len..];
        Ok(decode(kind, data))
    }
}

fn decode(kind: u8, data: &[u8]) -> TcpOption<'_> {
    match (kind, data) {
        (2, &[a, b]) => TcpOption::Mss(u16::from_be_bytes([a, b])),
        (3, &[shift]) => TcpOption::WindowScale(shift),
        (4, []) => TcpOption::SackPermitted,
        (8, &[a, b, c, d, e, f, g, h]) => {
            TcpOption::Timestamps(u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
        }
        _ => TcpOption::Other(kind, data),
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<TcpOption<'a>, BadOption>;

    fn next(&mut self) -> Option<Self::Item> {
        while let [NOP, rest @ ..] = self.rest {
            self.rest = rest;
        }
        let kind = *self.rest.first()?;
        if kind == END {
            self.rest = &[];
            return None;
        }
        let option = self.option(kind);
        if option.is_err() {
            self.rest = &[];
        }
        Some(option)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_syn() {
        let bytes = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7];
        let options: Vec<_> = Options::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(
            options,
            [
                TcpOption::Mss(1460),
                TcpOption::SackPermitted,
                TcpOption::Timestamps(9, 0),
                TcpOption::WindowScale(7),
            ]
        );
    }

    #[test]
    fn impossible_lengths_end_it() {
        for bytes in [&[2][..], &[2, 0, 1, 1], &[2, 1, 1, 1], &[2, 5, 1, 1]] {
            let options: Vec<_> = Options::new(bytes).collect();
            assert_eq!(options, [Err(BadOption)], "{bytes:?}");
        }
    }

    #[test]
    fn unusual_is_not_impossible() {
        let mut options = Options::new(&[2, 3, 9, 1, 0, 77, 77, 77]);
        assert_eq!(options.next(), Some(Ok(TcpOption::Other(2, &[9]))));
        assert_eq!(options.left(), 5);
        assert_eq!(options.next(), None);
    }
}
