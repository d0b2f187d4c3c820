//! Domain names as people write them and as tables hold them.
//!
//! Read from configs, lists and zone files by the control plane; workers only meet them in a
//! [`DomainTable`](crate::DomainTable). Always holds: labels of 1 to 63 bytes and the root, at most 255 bytes, letters of
//! ASCII in lower case (RFC 1035, 2.3.4; RFC 4343).

use std::fmt::{self, Write};
use std::str::FromStr;

/// Bytes of the longest name, length bytes and root included.
const NAME_MAX: usize = 255;
/// Bytes of the longest label.
const LABEL_MAX: usize = 63;
/// The label that stands for all others (RFC 4592).
const ASTERISK: &[u8] = b"*";

/// A domain name: its wire form without compression, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<[u8]>);

/// Why a text is no domain name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DomainNameError {
    /// Two dots in a row, a dot at the begin, or nothing at all.
    EmptyLabel(String),
    /// A label of more than 63 bytes.
    LongLabel(String),
    /// More than 255 bytes.
    Long(String),
    /// A backslash that is followed by neither a character nor a number of three digits up to 255.
    Escape(String),
    /// Letters beyond ASCII.
    NotAscii(String),
}

impl fmt::Display for DomainNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyLabel(text) => write!(f, "`{text}` has an empty label; the root alone is `.`"),
            Self::LongLabel(text) => write!(f, "`{text}` has a label of more than {LABEL_MAX} bytes"),
            Self::Long(text) => write!(f, "`{text}` has more than {NAME_MAX} bytes"),
            Self::Escape(text) => {
                write!(
                    f,
                    "`{text}` has a bad escape; write `\\.`, `\\\\`, or `\\` and three digits up to 255"
                )
            }
            Self::NotAscii(text) => write!(f, "`{text}` is not ASCII; write it as DNS does (`xn--…`)"),
        }
    }
}

impl std::error::Error for DomainNameError {}

impl DomainName {
    /// The root.
    pub fn root() -> Self {
        Self([0].into())
    }

    /// The name that takes up all of `wire`, which is not compressed; `None` where it does not.
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        let mut rest = wire;
        loop {
            let (&len, after) = rest.split_first()?;
            if len == 0 && after.is_empty() && wire.len() <= NAME_MAX {
                return Some(Self(wire.to_ascii_lowercase().into()));
            }
            if len == 0 || usize::from(len) > LABEL_MAX {
                return None;
            }
            rest = after.get(usize::from(len)..)?;
        }
    }

    /// The name that `text` means where `origin` completes what does not end with a dot, and is itself written `@` (RFC
    /// 1035, 5.1).
    ///
    /// # Errors
    /// As for a text alone.
    pub fn relative_to(text: &str, origin: &Self) -> Result<Self, DomainNameError> {
        if text == "@" {
            return Ok(origin.clone());
        }
        let (mut wire, absolute) = read(text)?;
        wire.extend_from_slice(if absolute { &[0] } else { &origin.0 });
        Self::fitting(wire, text)
    }

    fn fitting(wire: Vec<u8>, text: &str) -> Result<Self, DomainNameError> {
        if wire.len() > NAME_MAX {
            Err(DomainNameError::Long(text.to_owned()))
        } else {
            Ok(Self(wire.into()))
        }
    }

    /// Its bytes: what a table is asked with.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Whether it stands for all names below another (its first label is an asterisk).
    pub fn is_wildcard(&self) -> bool {
        self.labels().next() == Some(ASTERISK)
    }

    /// Its labels from the most specific to the top, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        labels(&self.0)
    }

    /// What is left of it where it ends with `suffix`, which may be all of it; `None` where it does not.
    pub fn without_suffix(&self, suffix: &Self) -> Option<Self> {
        let mut at = 0;
        for label in self.labels() {
            if self.0[at..] == *suffix.0 {
                break;
            }
            at += 1 + label.len();
        }
        (self.0[at..] == *suffix.0).then(|| Self([&self.0[..at], &[0]].concat().into()))
    }
}

/// The labels of a name in wire form without compression, without the root.
fn labels(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = wire;
    std::iter::from_fn(move || {
        let (&len, after) = rest.split_first()?;
        let (label, after) = after.split_at_checked(len.into())?;
        rest = after;
        (len > 0).then_some(label)
    })
}

/// The labels of a text, and whether it ends with a dot.
fn read(text: &str) -> Result<(Vec<u8>, bool), DomainNameError> {
    if !text.is_ascii() {
        return Err(DomainNameError::NotAscii(text.to_owned()));
    }
    if text == "." {
        return Ok((Vec::new(), true));
    }
    let (mut wire, mut rest) = (Vec::with_capacity(text.len() + 2), text.as_bytes());
    loop {
        let begin = wire.len();
        wire.push(0);
        rest = label(rest, &mut wire).ok_or_else(|| DomainNameError::Escape(text.to_owned()))?;
        match wire.len() - begin - 1 {
            0 => return Err(DomainNameError::EmptyLabel(text.to_owned())),
            len @ 1..=LABEL_MAX => wire[begin] = len as u8,
            _ => return Err(DomainNameError::LongLabel(text.to_owned())),
        }
        match rest {
            [] => return Ok((wire, false)),
            [_] => return Ok((wire, true)),
            [_, more @ ..] => rest = more,
        }
    }
}

/// Puts the label at the begin of `text` behind `wire`; what follows it, its dot included. `None` = a bad escape.
fn label<'t>(text: &'t [u8], wire: &mut Vec<u8>) -> Option<&'t [u8]> {
    let mut rest = text;
    loop {
        rest = match rest {
            [] | [b'.', ..] => return Some(rest),
            [b'\\', a @ b'0'..=b'9', more @ ..] => {
                let (&[b, c], more) = more.split_first_chunk()?;
                let digits = [*a, b, c];
                let value = digits.iter().fold(0u16, |value, digit| {
                    value.saturating_mul(10).saturating_add(u16::from(digit.wrapping_sub(b'0')))
                });
                let byte = u8::try_from(value).ok().filter(|_| digits.iter().all(u8::is_ascii_digit))?;
                wire.push(byte.to_ascii_lowercase());
                more
            }
            [b'\\', byte, more @ ..] => {
                wire.push(byte.to_ascii_lowercase());
                more
            }
            [b'\\'] => return None,
            [byte, more @ ..] => {
                wire.push(byte.to_ascii_lowercase());
                more
            }
        };
    }
}

impl FromStr for DomainName {
    type Err = DomainNameError;

    /// Reads a whole name, with or without the dot at its end.
    fn from_str(text: &str) -> Result<Self, DomainNameError> {
        let (mut wire, _) = read(text)?;
        wire.push(0);
        Self::fitting(wire, text)
    }
}

/// As in a zone file, without the dot at the end; the root is a dot.
impl fmt::Display for DomainName {
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

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    #[test]
    fn text_is_read() {
        assert_eq!(name("Example.ORG").as_bytes(), b"\x07example\x03org\0");
        assert_eq!(name("example.org."), name("example.org"));
        assert_eq!(name(".").as_bytes(), b"\0");
        assert_eq!(name(r"a\.b\\.\065\000").as_bytes(), b"\x04a.b\\\x02a\0\0");
        assert!(name("*.example.org").is_wildcard() && !name(r"x\*.org").is_wildcard());
    }

    #[test]
    fn what_is_no_name_says_why() {
        let error = |text: &str| text.parse::<DomainName>().unwrap_err();
        for text in ["", "..", ".org", "a..b", "a.."] {
            assert!(matches!(error(text), DomainNameError::EmptyLabel(_)), "{text}");
        }
        for text in [r"a\", r"\25", r"\256", r"\2x1"] {
            assert!(matches!(error(text), DomainNameError::Escape(_)), "{text}");
        }
        assert!(matches!(error(&"a".repeat(64)), DomainNameError::LongLabel(_)));
        assert_eq!(name(&["a"; 127].join(".")).as_bytes().len(), 255);
        assert!(matches!(error(&["a"; 128].join(".")), DomainNameError::Long(_)));
        assert!(error("bücher.example").to_string().contains("xn--"));
    }

    #[test]
    fn names_in_zones() {
        let origin = name("rpz.example");
        let relative = |text| DomainName::relative_to(text, &origin).unwrap();
        assert_eq!(relative("@"), origin);
        assert_eq!(relative("a.b"), name("a.b.rpz.example"));
        assert_eq!(relative("a.b."), name("a.b"));
        assert_eq!(relative("a.b").without_suffix(&origin), Some(name("a.b")));
        assert_eq!(origin.without_suffix(&origin), Some(DomainName::root()));
        assert_eq!(name("a.b").without_suffix(&DomainName::root()), Some(name("a.b")));
        // The same bytes at the end, but not the same labels.
        assert_eq!(name(r"a\003rpz.example").without_suffix(&origin), None);
        assert_eq!(name("b").without_suffix(&name("a.b")), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 1024, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// What is shown is read as the same, and any bytes are a name or none.
        #[test]
        fn text_round_trips(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=63), 0..=5)) {
            let wire: Vec<u8> =
                labels.iter().flat_map(|label| [&[label.len() as u8], &label[..]].concat()).chain([0]).collect();
            let read = DomainName::from_wire(&wire);
            prop_assert_eq!(read.is_some(), wire.len() <= 255);
            let Some(read) = read else { return Ok(()) };
            prop_assert_eq!(read.to_string().parse::<DomainName>().unwrap(), read.clone());
            prop_assert_eq!(read.labels().count(), labels.len());
            prop_assert_eq!(DomainName::from_wire(&wire[..wire.len() - 1]), None);
            prop_assert_eq!(DomainName::from_wire(&[&wire[..], &[0]].concat()), None);
        }

        #[test]
        fn any_text_is_a_name_or_an_error(text in "\\PC{0,20}|[a\\\\.0-9]{0,300}") {
            if let Ok(name) = text.parse::<DomainName>() {
                prop_assert_eq!(DomainName::from_wire(name.as_bytes()), Some(name));
            }
        }
    }
}
