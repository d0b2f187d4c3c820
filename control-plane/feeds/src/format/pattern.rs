//! The part of STIX patterns (STIX 2.1, section 9) that names addresses or domains and nothing else.
//!
//! Understood: `[ipv4-addr:value = '192.0.2.1']`, `ISSUBSET '192.0.2.0/24'`, `IN ('a', 'b')`, the same for IPv6, `=` and
//! `IN` for `domain-name:value`, joined by `OR` inside one observation or between several. A pattern that asks for more at once (`AND`, `FOLLOWEDBY`,
//! `NOT`, qualifiers of time) would be true for fewer packets than its address: it is not taken.

/// One alternative of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Alternative {
    /// An address or a prefix, not checked yet.
    Address(String),
    /// A domain name, not checked yet.
    Name(String),
    /// Something else: a URL, a hash, what a name is like.
    Other,
}

/// So many alternatives of one pattern are read.
const ALTERNATIVES_MAX: usize = 4096;

/// The alternatives of a pattern; `None` where it is not just alternatives, or is no pattern.
pub(super) fn alternatives(pattern: &str) -> Option<Vec<Alternative>> {
    let mut scanner = Scanner { rest: pattern };
    let mut found = Vec::new();
    loop {
        scanner.symbol("[")?;
        loop {
            scanner.comparison(&mut found)?;
            if found.len() > ALTERNATIVES_MAX {
                return None;
            }
            if scanner.symbol("]").is_some() {
                break;
            }
            scanner.word("OR")?;
        }
        if scanner.rest.trim_ascii().is_empty() {
            return Some(found);
        }
        scanner.word("OR")?;
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn symbol(&mut self, symbol: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(symbol)?;
        Some(())
    }

    /// A key word; another word that only begins like it is none.
    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.rest.trim_start().strip_prefix(word)?;
        if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        self.rest = rest;
        Some(())
    }

    /// `path = 'text'` and its relatives.
    fn comparison(&mut self, found: &mut Vec<Alternative>) -> Option<()> {
        let start = self.rest.trim_start();
        let end = start.find(|c: char| c.is_whitespace() || "=!<>[](".contains(c)).filter(|&end| end > 0)?;
        // A path may have list steps: `[*]`.
        let (path, rest) = start.split_at(end);
        let address = matches!(path, "ipv4-addr:value" | "ipv6-addr:value");
        let name = path == "domain-name:value";
        let of: fn(String) -> Alternative = if name { Alternative::Name } else { Alternative::Address };
        if !path.contains(':') {
            return None;
        }
        self.rest = rest;
        if !(address || name) {
            self.other()?;
            found.push(Alternative::Other);
        } else if self.word("IN").is_some() {
            self.symbol("(")?;
            loop {
                found.push(of(self.literal()?));
                if found.len() > ALTERNATIVES_MAX {
                    return None;
                }
                if self.symbol(")").is_some() {
                    break;
                }
                self.symbol(",")?;
            }
        } else if self.symbol("=").is_some() || (address && self.word("ISSUBSET").is_some()) {
            found.push(of(self.literal()?));
        } else if name {
            self.other()?;
            found.push(Alternative::Other);
        } else {
            return None;
        }
        Some(())
    }

    /// Passes over the rest of a comparison that names nothing: whatever stands before its literal, and it.
    fn other(&mut self) -> Option<()> {
        let quote = self.rest.find('\'')?;
        if self.rest[..quote].contains([']', ')']) && !self.rest[..quote].contains("[*]") {
            return None;
        }
        self.rest = &self.rest[quote..];
        self.literal().map(|_| ())
    }

    /// `'text'` with `\'` and `\\`.
    fn literal(&mut self) -> Option<String> {
        self.symbol("'")?;
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
                '\\' => text.push(chars.next()?.1),
                c => text.push(c),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pattern: &str) -> Option<Vec<String>> {
        let text = |alternative| match alternative {
            Alternative::Address(text) | Alternative::Name(text) => text,
            Alternative::Other => "-".to_owned(),
        };
        alternatives(pattern).map(|found| found.into_iter().map(text).collect())
    }

    #[test]
    fn alternatives_are_taken() {
        for (pattern, expected) in [
            ("[ipv4-addr:value = '192.0.2.1']", vec!["192.0.2.1"]),
            ("[ ipv4-addr:value='192.0.2.1' ]", vec!["192.0.2.1"]),
            ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", vec!["192.0.2.0/24"]),
            ("[ipv6-addr:value IN ('2001:db8::1', '2001:db8::2')]", vec!["2001:db8::1", "2001:db8::2"]),
            ("[domain-name:value = 'x' OR ipv4-addr:value = '192.0.2.1']", vec!["x", "192.0.2.1"]),
            ("[domain-name:value IN ('a.example', 'b.example')]", vec!["a.example", "b.example"]),
            ("[domain-name:value LIKE '%.example' OR url:value = 'x']", vec!["-", "-"]),
            (
                "[ipv4-addr:value = '192.0.2.1'] OR [ipv4-addr:value = '192.0.2.2']",
                vec!["192.0.2.1", "192.0.2.2"],
            ),
            ("[file:hashes.'SHA-256' = 'aa']", vec!["-"]),
            ("[url:value = 'http://a/\\'x']", vec!["-"]),
        ] {
            let expected = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(shown(pattern), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn whatever_says_more_than_an_address_is_left() {
        for pattern in [
            "",
            "[",
            "[]",
            "192.0.2.1",
            "[ipv4-addr:value = '192.0.2.1'",
            "[ipv4-addr:value = '192.0.2.1]",
            "[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 80]",
            "[ipv4-addr:value = '192.0.2.1'] AND [ipv4-addr:value = '192.0.2.2']",
            "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.2']",
            "[ipv4-addr:value = '192.0.2.1'] REPEATS 5 TIMES WITHIN 60 SECONDS",
            "[ipv4-addr:value != '192.0.2.1']",
            "[ipv4-addr:value NOT = '192.0.2.1']",
            "[NOT ipv4-addr:value = '192.0.2.1']",
            "[ipv4-addr:value LIKE '192.0.2.%']",
            "([ipv4-addr:value = '192.0.2.1'])",
            "[ipv4-addr:value = '192.0.2.1' ORipv4-addr:value = '192.0.2.1']",
            "[ipv4-addr:value IN ()]",
            "[é",
        ] {
            assert_eq!(shown(pattern), None, "{pattern}");
        }
    }
}
