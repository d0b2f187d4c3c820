//! Domain names as people write them (RFC 1035, 5.1).
//!
//! Called by `names`. Always holds: what is accepted fits a DNS message.

/// Why a text is no domain name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum BadName {
    /// There is nothing.
    #[error("no name: write one a line")]
    Nothing,
    /// The line is longer than any name.
    #[error("longer than {0} bytes, which no name is")]
    Line(usize),
    /// A byte that has to be escaped.
    #[error(
        "byte {byte:#04x} in column {column}: write it as \\{byte:03}, or an international name in its xn-- form"
    )]
    Byte {
        /// The byte.
        byte: u8,
        /// Where it stands, from 1.
        column: usize,
    },
    /// A backslash that escapes nothing.
    #[error("the backslash in column {0} needs three digits up to 255 or a printable character behind it")]
    Escape(usize),
    /// Two dots one after the other, or one at the begin.
    #[error("an empty label: take one of the dots out")]
    Empty,
    /// A label is too long.
    #[error("a label of {0} bytes: 63 are allowed")]
    Label(usize),
    /// The name is too long.
    #[error("a name of {0} bytes with its lengths: 255 are allowed")]
    Name(usize),
}

const LABEL_MAX: usize = 63;
const NAME_MAX: usize = 255;

/// The labels of a name, the most specific first; none for the root. A dot at the end is allowed.
pub(super) fn labels(text: &[u8]) -> Result<Vec<Vec<u8>>, BadName> {
    match text {
        [] => return Err(BadName::Nothing),
        b"." => return Ok(Vec::new()),
        _ => {}
    }
    let (mut labels, mut at) = (vec![Vec::new()], 0);
    while let Some(&byte) = text.get(at) {
        let label = labels.last_mut().filter(|_| byte != b'.');
        match (byte, label) {
            (b'\\', Some(label)) => {
                let (value, len) = escaped(&text[at + 1..]).ok_or(BadName::Escape(at + 1))?;
                label.push(value);
                at += len;
            }
            (b'!'..=b'~', Some(label)) => label.push(byte),
            (_, Some(_)) => return Err(BadName::Byte { byte, column: at + 1 }),
            (_, None) => labels.push(Vec::new()),
        }
        at += 1;
    }
    if labels.last().is_some_and(Vec::is_empty) {
        labels.pop();
    }
    check(&labels)?;
    Ok(labels)
}

/// The byte that an escape stands for, and how many bytes behind the backslash say so.
fn escaped(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
            let digit = |byte: &u8| u16::from(byte - b'0');
            u8::try_from(digit(a) * 100 + digit(b) * 10 + digit(c)).ok().map(|value| (value, 3))
        }
        [byte @ b'!'..=b'~', ..] if !byte.is_ascii_digit() => Some((*byte, 1)),
        _ => None,
    }
}

fn check(labels: &[Vec<u8>]) -> Result<(), BadName> {
    if labels.iter().any(Vec::is_empty) {
        return Err(BadName::Empty);
    }
    if let Some(long) = labels.iter().find(|label| label.len() > LABEL_MAX) {
        return Err(BadName::Label(long.len()));
    }
    let len = 1 + labels.iter().map(|label| label.len() + 1).sum::<usize>();
    if len > NAME_MAX { Err(BadName::Name(len)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, BadName> {
        let labels = labels(text.as_bytes())?;
        Ok(labels.iter().map(|label| label.escape_ascii().to_string()).collect())
    }

    #[test]
    fn names() {
        assert_eq!(read("www.Example.org").unwrap(), ["www", "Example", "org"]);
        assert_eq!(read("example.org.").unwrap(), ["example", "org"]);
        assert_eq!(read("a\\.b.\\200\\\\c").unwrap(), ["a.b", "\\xc8\\\\c"]);
        assert!(read(".").unwrap().is_empty());
        assert!(read(&["a"; 127].join(".")).is_ok());
    }

    #[test]
    fn what_is_none() {
        let long = "a".repeat(64);
        for (text, expected) in [
            ("", BadName::Nothing),
            ("..", BadName::Empty),
            (".org", BadName::Empty),
            ("a..org", BadName::Empty),
            ("a b.org", BadName::Byte { byte: b' ', column: 2 }),
            ("m\u{fc}ller.de", BadName::Byte { byte: 0xc3, column: 2 }),
            ("a\\", BadName::Escape(2)),
            ("a\\25", BadName::Escape(2)),
            ("a\\2", BadName::Escape(2)),
            ("a\\256", BadName::Escape(2)),
            ("a\\ b", BadName::Escape(2)),
            (&long, BadName::Label(64)),
            (&["a"; 128].join("."), BadName::Name(257)),
        ] {
            assert_eq!(read(text), Err(expected), "{text}");
        }
    }
}
