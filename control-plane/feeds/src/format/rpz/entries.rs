//! The entries of a zone file (RFC 1035, 5.1): comments taken off, lines in parentheses joined, tokens told apart.
//!
//! Called while a zone is read. Always holds: tokens are as the file has them, quotes and escapes included; an entry has
//! at most as many bytes as a line may have.

use std::io::Read;

use crate::limits::Limits;
use crate::read::Lines;
use crate::refusal::Why;

/// A directive or a record, or why it is none.
pub(super) struct Entry<'e> {
    /// Where it begins.
    pub line: u64,
    /// Whether it begins with blanks: it has the owner of the entry before.
    pub indented: bool,
    /// At least one.
    pub tokens: Result<Vec<&'e str>, &'static str>,
}

/// Calls `each` with every entry. `Err` with the line of what cannot be read, or with what `each` returns.
pub(super) fn each(
    source: impl Read,
    limits: Limits,
    mut each: impl FnMut(Entry<'_>) -> Result<(), (u64, Why)>,
) -> Result<(), (u64, Why)> {
    let mut joined = Joined::default();
    Lines::new(source, limits.line).each(|number, line| {
        joined.add(number, line, limits.line)?;
        if joined.depth == 0 { joined.give(&mut each) } else { Ok(()) }
    })?;
    if joined.depth > 0 {
        return Err((
            joined.line,
            Why::Malformed("a parenthesis is not closed: the file was cut off".to_owned()),
        ));
    }
    Ok(())
}

/// An entry in the making.
#[derive(Default)]
struct Joined {
    line: u64,
    indented: bool,
    text: String,
    /// Where each token ends in the text.
    ends: Vec<usize>,
    depth: u32,
    wrong: Option<&'static str>,
}

impl Joined {
    /// Adds a line to the entry.
    fn add(&mut self, number: u64, line: &[u8], bytes_max: usize) -> Result<(), (u64, Why)> {
        if self.depth == 0 {
            self.line = number;
            self.indented = line.first().is_some_and(u8::is_ascii_whitespace);
        }
        match std::str::from_utf8(line) {
            Ok(text) => self.tokens(text),
            Err(_) => self.wrong = Some("is not UTF-8"),
        }
        if self.text.len() > bytes_max {
            return Err((self.line, Why::Line(bytes_max)));
        }
        Ok(())
    }

    fn tokens(&mut self, line: &str) {
        let mut rest = line.trim_start();
        while let Some(first) = rest.bytes().next() {
            rest = match first {
                b';' => return,
                b'(' => {
                    self.depth += 1;
                    &rest[1..]
                }
                b')' => {
                    match self.depth.checked_sub(1) {
                        Some(depth) => self.depth = depth,
                        None => self.wrong = Some("closes a parenthesis that is not open"),
                    }
                    &rest[1..]
                }
                _ => {
                    let (token, after) = rest.split_at(token_len(rest));
                    if first == b'"' && (token.len() < 2 || !token.ends_with('"')) {
                        self.wrong = Some("has a quote that is not closed");
                    }
                    self.text.push_str(token);
                    self.ends.push(self.text.len());
                    after
                }
            }
            .trim_start();
        }
    }

    /// Gives the entry away, if there is one.
    fn give(&mut self, each: &mut impl FnMut(Entry<'_>) -> Result<(), (u64, Why)>) -> Result<(), (u64, Why)> {
        let wrong = self.wrong.take();
        if self.ends.is_empty() && wrong.is_none() {
            return Ok(());
        }
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        let tokens = begins.zip(&self.ends).map(|(begin, &end)| &self.text[begin..end]).collect();
        let tokens = wrong.map_or(Ok(tokens), Err);
        let given = each(Entry { line: self.line, indented: self.indented, tokens });
        self.text.clear();
        self.ends.clear();
        given
    }
}

/// Bytes of the token that a text begins with; in quotes anything may stand.
fn token_len(text: &str) -> usize {
    let quoted = text.starts_with('"');
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(usize::from(quoted)) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' if quoted => return at + 1,
            b'"' | b';' | b'(' | b')' if !quoted => return at,
            byte if !quoted && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, whether it is indented, and the tokens or what is wrong.
    type Found = Vec<(u64, bool, Result<Vec<String>, &'static str>)>;

    fn entries(text: &str) -> Result<Found, (u64, Why)> {
        let (mut found, limits) = (Vec::new(), Limits { line: 64, ..Limits::default() });
        each(text.as_bytes(), limits, |entry| {
            let tokens = entry.tokens.map(|tokens| tokens.into_iter().map(str::to_owned).collect());
            found.push((entry.line, entry.indented, tokens));
            Ok(())
        })?;
        Ok(found)
    }

    fn tokens(text: &str) -> Vec<String> {
        let found = entries(text).unwrap();
        assert_eq!(found.len(), 1, "{text}");
        found[0].2.clone().unwrap()
    }

    #[test]
    fn lines_comments_and_parentheses() {
        assert_eq!(tokens("a CNAME . ; why"), ["a", "CNAME", "."]);
        assert_eq!(tokens("@ SOA a b ( 1 ; one\n\n 2\t3)4"), ["@", "SOA", "a", "b", "1", "2", "3", "4"]);
        assert_eq!(tokens(r#"a TXT "x ; (y) \" z"w\;v;"#), ["a", "TXT", r#""x ; (y) \" z""#, r"w\;v"]);
        let found = entries("; none\n\n\tA 1\nb A 2\n").unwrap();
        let begins: Vec<_> = found.iter().map(|(line, indented, _)| (*line, *indented)).collect();
        assert_eq!(begins, [(3, true), (4, false)]);
    }

    #[test]
    fn what_is_wrong_is_told_by_entry_or_ends_the_file() {
        let wrong = |text: &str| entries(text).unwrap()[0].2.clone().unwrap_err();
        assert_eq!(wrong("a A )\nb A 1"), "closes a parenthesis that is not open");
        assert_eq!(wrong("a TXT \"x\nb A 1"), "has a quote that is not closed");
        assert_eq!(wrong("a TXT \"\n"), "has a quote that is not closed");
        assert!(matches!(entries("a\nb (\n1\n"), Err((2, Why::Malformed(_)))));
        assert!(matches!(entries(&format!("a (\n{0}\n{0}\n)", "x".repeat(40))), Err((1, Why::Line(64)))));
    }
}
