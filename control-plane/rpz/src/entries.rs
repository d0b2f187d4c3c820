//! The entries of a zone file (RFC 1035, 5.1): comments taken off, lines in parentheses joined, tokens told apart.
//!
//! Called while a zone is read. Always holds: tokens are as the file has them, quotes and escapes included; an entry has
//! at most as many bytes as a line may have.

use std::io::{BufRead, Read};

use crate::error::{RpzError, RpzWhy};

/// A directive or a record, or why it is none.
pub(super) struct Entry<'e> {
    /// Where it begins.
    pub line: u64,
    /// Whether it begins with blanks: it has the owner of the entry before.
    pub indented: bool,
    /// At least one.
    pub tokens: Result<Vec<&'e str>, &'static str>,
}

/// Calls `each` with every entry of at most `bytes_max` bytes. `Err` with the line of what cannot be read, or with what
/// `each` returns.
pub(super) fn each(
    mut source: impl BufRead,
    bytes_max: usize,
    mut each: impl FnMut(Entry<'_>) -> Result<(), RpzError>,
) -> Result<(), RpzError> {
    let (mut joined, mut line) = (Joined::default(), Vec::new());
    for number in 1.. {
        line.clear();
        // Two more than a line may have: its end.
        let read = source.by_ref().take(bytes_max as u64 + 2).read_until(b'\n', &mut line);
        match read.map_err(|error| RpzError { line: number, why: RpzWhy::Read(error) })? {
            0 => break,
            _ => joined.add(number, without_end(&line), bytes_max)?,
        }
        if joined.depth == 0 {
            joined.give(&mut each)?;
        }
    }
    if joined.depth > 0 {
        let why = RpzWhy::Malformed("a parenthesis is not closed: the file was cut off".to_owned());
        return Err(RpzError { line: joined.line, why });
    }
    Ok(())
}

/// A line without LF or CRLF.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
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
    fn add(&mut self, number: u64, line: &[u8], bytes_max: usize) -> Result<(), RpzError> {
        if line.len() > bytes_max {
            return Err(RpzError { line: number, why: RpzWhy::Line(bytes_max) });
        }
        if self.depth == 0 {
            self.line = number;
            self.indented = line.first().is_some_and(u8::is_ascii_whitespace);
        }
        match std::str::from_utf8(line) {
            Ok(text) => self.tokens(text),
            Err(_) => self.wrong = Some("is not UTF-8"),
        }
        if self.text.len() > bytes_max {
            return Err(RpzError { line: self.line, why: RpzWhy::Line(bytes_max) });
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
    fn give(&mut self, each: &mut impl FnMut(Entry<'_>) -> Result<(), RpzError>) -> Result<(), RpzError> {
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

    fn entries(text: &str) -> Result<Found, (u64, RpzWhy)> {
        let mut found = Vec::new();
        each(text.as_bytes(), 64, |entry| {
            let tokens = entry.tokens.map(|tokens| tokens.into_iter().map(str::to_owned).collect());
            found.push((entry.line, entry.indented, tokens));
            Ok(())
        })
        .map_err(|error| (error.line, error.why))?;
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
        assert!(matches!(entries("a\nb (\n1\n"), Err((2, RpzWhy::Malformed(_)))));
        assert!(matches!(entries(&"x".repeat(65)), Err((1, RpzWhy::Line(64)))));
        assert_eq!(entries("a A 1\r\nb A 2").unwrap().len(), 2);
        assert!(matches!(entries(&format!("a (\n{0}\n{0}\n)", "x".repeat(40))), Err((1, RpzWhy::Line(64)))));
    }
}
