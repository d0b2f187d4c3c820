//! Lists of prefixes as they are published: one address or prefix a line, `#` and `;` begin comments.
//!
//! Called for every file of `[lists]`. **Always holds:** every line is either an entry, empty, or an error
//! that quotes a bounded part of it.

use repute_model::{Prefix, PrefixError};

/// So many bytes of a line that is no entry are quoted.
const QUOTED_MAX: usize = 64;

/// The entries of a list with the numbers of their lines, from 1.
pub(crate) fn entries(text: &[u8]) -> impl Iterator<Item = (usize, Result<Prefix, PrefixError>)> {
    let lines = text.split(|&byte| byte == b'\n').map(uncommented).zip(1..);
    lines.filter(|(entry, _)| !entry.is_empty()).map(|(entry, line)| (line, prefix(entry)))
}

/// A line without its comment, and without what is blank around the rest.
pub(crate) fn uncommented(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| matches!(byte, b'#' | b';')).unwrap_or(line.len());
    line[..end].trim_ascii()
}

fn prefix(entry: &[u8]) -> Result<Prefix, PrefixError> {
    match std::str::from_utf8(entry) {
        Ok(text) if text.len() <= QUOTED_MAX => text.parse(),
        _ => {
            let quoted = &entry[..entry.len().min(QUOTED_MAX)];
            Err(PrefixError::Address(format!("{}…", String::from_utf8_lossy(quoted))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(usize, String)> {
        let shown = |entry: Result<Prefix, PrefixError>| match entry {
            Ok(prefix) => prefix.to_string(),
            Err(error) => error.to_string(),
        };
        entries(text).map(|(line, entry)| (line, shown(entry))).collect()
    }

    #[test]
    fn comments_and_blank_lines_are_no_entries() {
        let text =
            b"# a list\r\n; of two\r\n\r\n192.0.2.1 ; SBL1\r\n\t2001:db8::/32 # test\r\n   \r\n10.0.0.0/8";
        let expected = [(4, "192.0.2.1/32"), (5, "2001:db8::/32"), (7, "10.0.0.0/8")];
        assert_eq!(lines(text), expected.map(|(line, entry)| (line, entry.to_owned())));
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn what_is_no_entry_says_so_in_a_few_words() {
        let long = [b"x".repeat(5000), b"\n10.0.0.1/8\n\xff\xfe\n".to_vec()].concat();
        let found = lines(&long);
        assert_eq!(found.len(), 3);
        assert!(found[0].1.len() < 200 && found[0].1.contains("xx…"), "{}", found[0].1);
        assert!(found[1].1.contains("did you mean `10.0.0.0/8`?"), "{}", found[1].1);
        assert_eq!(found[2].0, 3);
    }
}
