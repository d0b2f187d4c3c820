//! Signatures of payloads: texts, bytes and regular expressions, joined into one table that a worker walks.
//!
//! Called once for every config text, after its own checks, and again by nobody: what it makes is kept with the config.
//! **Always holds:** building it is bounded in memory, whatever the patterns; a pattern that would be found in every
//! payload is refused.

use std::collections::HashMap;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use repute_model::{Ends, Signatures};

use crate::config::{Config, Signature};
use crate::diagnostic::Diagnostic;
use crate::read::Reader;
use crate::value::PortSpec;

/// Signatures of a config at most.
pub const SIGNATURES_MAX: usize = 1024;
/// Bytes that the automaton may take, and several times as many while it is made.
const AUTOMATON_MAX: usize = 4 << 20;

/// The signatures of a config, or reports of what is wrong with them.
pub(crate) fn load(config: &Config, reader: &mut Reader) -> Signatures {
    if !reader.sound("signatures") || config.signatures.is_empty() {
        return Signatures::default();
    }
    let Some(patterns) = patterns(config, reader) else { return Signatures::default() };
    let one = |signature: &Signature| repute_model::Signature {
        ports: signature.ports.iter().copied().map(PortSpec::rule).collect(),
        parts: (signature.hits.get() * 256.0) as u16,
    };
    let signatures = config.signatures.iter().map(|(_, signature)| one(signature)).collect();
    match automaton(&patterns) {
        Ok(table) => Signatures { signatures, ..table },
        Err(label) => {
            let place = reader.places.of("signatures");
            let found = Diagnostic::new(place, "the signatures cannot be looked for together").label(label);
            reader.findings.push(found.help("make repetitions in `regex` shorter, or leave some out"));
            Signatures::default()
        }
    }
}

/// Every pattern as a regular expression; `None` where some are none, which is reported.
fn patterns(config: &Config, reader: &mut Reader) -> Option<Vec<String>> {
    let (mut patterns, before) = (Vec::new(), reader.findings.items.len());
    for (name, signature) in config.signatures.iter() {
        match pattern(signature) {
            Ok(pattern) => patterns.push(pattern),
            Err(label) => {
                let place = reader.places.of(&format!("signatures.{name}"));
                let message = format!("signature `{name}` cannot be looked for");
                reader.findings.push(Diagnostic::new(place, message).label(label));
            }
        }
    }
    (reader.findings.items.len() == before).then_some(patterns)
}

fn pattern(signature: &Signature) -> Result<String, String> {
    match (&signature.text, &signature.hex, &signature.regex) {
        (Some(text), None, None) => Ok(exactly(text.as_str().bytes())),
        (None, Some(hex), None) => bytes(hex.as_str())
            .map(exactly)
            .ok_or_else(|| "`hex` is pairs of hexadecimal digits, such as \"4d 5a\"".to_owned()),
        (None, None, Some(regex)) => checked(regex.as_str()),
        _ => Err("it is exactly one of `text`, `hex` and `regex`".to_owned()),
    }
}

/// The expression that matches these bytes and nothing else.
fn exactly(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// Bytes written as pairs of hexadecimal digits, with spaces between them or not.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0 && !digits.is_empty())?;
    Some(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A regular expression over bytes that does not match nothing.
fn checked(regex: &str) -> Result<String, String> {
    let parsed = syntax::parse_with(regex, &over_bytes());
    let parsed = parsed.map_err(|error| {
        let text = error.to_string();
        format!("`regex`: {}", text.lines().last().unwrap_or_default().trim_start_matches("error: "))
    })?;
    match parsed.properties().minimum_len() {
        Some(0) => Err("`regex` matches nothing at all, and so every payload".to_owned()),
        _ => Ok(regex.to_owned()),
    }
}

fn over_bytes() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// All patterns in one table; `Err` says why there is none.
fn automaton(patterns: &[String]) -> Result<Signatures, String> {
    let limits = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Unanchored)
        .accelerate(false)
        .dfa_size_limit(Some(AUTOMATON_MAX))
        .determinize_size_limit(Some(4 * AUTOMATON_MAX));
    let dfa = dense::Builder::new()
        .configure(limits)
        .syntax(over_bytes())
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(AUTOMATON_MAX)))
        .build_many(patterns)
        .map_err(|error| match error.is_size_limit_exceeded() {
            true => format!("together they need a table of more than {} MiB", AUTOMATON_MAX >> 20),
            false => error.to_string(),
        })?;
    let begin = start::Config::new().anchored(Anchored::No);
    let first = dfa.start_state(&begin).map_err(|error| error.to_string())?;
    Ok(table(&dfa, first))
}

/// Walks all states from the first one on and writes them down.
fn table(dfa: &dense::DFA<Vec<u32>>, first: StateID) -> Signatures {
    let classes: [u8; 256] = std::array::from_fn(|byte| dfa.byte_classes().get(byte as u8));
    // The last column of the automaton's own alphabet is the end of the payload.
    let stride = dfa.byte_classes().alphabet_len() - 1;
    let samples: Vec<u8> = (0..stride)
        .filter_map(|class| classes.iter().position(|&of| usize::from(of) == class))
        .map(|byte| byte as u8)
        .collect();
    let (mut numbers, mut states) = (HashMap::from([(first, 0u32)]), vec![first]);
    let (mut next, mut ended, mut ends) = (Vec::new(), Listed::default(), Listed::default());
    let mut at = 0;
    while let Some(&state) = states.get(at) {
        ended.push(dfa, state);
        ends.push(dfa, dfa.next_eoi_state(state));
        for &byte in &samples {
            let to = dfa.next_state(state, byte);
            let number = *numbers.entry(to).or_insert_with(|| {
                states.push(to);
                states.len() as u32 - 1
            });
            next.push(number);
        }
        at += 1;
    }
    Signatures { signatures: Vec::new(), classes, stride: stride as u16, next, ended: ended.0, ends: ends.0 }
}

/// What ends in each state, as far as it is written down.
struct Listed(Ends);

impl Default for Listed {
    fn default() -> Self {
        Self(Ends { from: vec![0], numbers: Vec::new() })
    }
}

impl Listed {
    fn push(&mut self, dfa: &dense::DFA<Vec<u32>>, state: StateID) {
        let Ends { from, numbers } = &mut self.0;
        if dfa.is_match_state(state) {
            numbers.extend((0..dfa.match_len(state)).map(|i| dfa.match_pattern(state, i).as_u32() as u16));
        }
        from.push(numbers.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use repute_model::Signature;

    fn signatures(patterns: &[&str]) -> Signatures {
        let patterns: Vec<String> = patterns.iter().map(|pattern| checked(pattern).unwrap()).collect();
        let any = Signature { ports: Vec::new(), parts: 256 };
        Signatures { signatures: vec![any; patterns.len()], ..automaton(&patterns).unwrap() }
    }

    #[test]
    fn patterns_are_found_wherever_they_lie_and_no_others() {
        let found = signatures(&[&exactly(*b"\x00MZ\xff"), "^GET /[a-z]{4}\\.php", "beacon=[0-9a-f]+$"]);
        for (payload, expected) in [
            (&b"..\x00MZ\xff.."[..], Some(0)),
            (b"\x00MZ\xff", Some(0)),
            (b"\x00MZ\xfe", None),
            (b"GET /evil.php?x", Some(1)),
            (b" GET /evil.php?x", None),
            (b"a&beacon=00ff", Some(2)),
            (b"a&beacon=00ff&", None),
            (b"", None),
        ] {
            assert_eq!(found.find(payload, 6, 80), expected, "{payload:?}");
        }
    }

    #[test]
    fn the_table_agrees_with_another_engine_on_every_payload() {
        let patterns = ["ab+c", "[^a]z", "b.b", "c$", "^a{3}"];
        let found = signatures(&patterns);
        let others = patterns.map(|pattern| thompson::pikevm::PikeVM::new(pattern).unwrap());
        let letters = b"abcz";
        for number in 0..4_usize.pow(7) {
            let payload: Vec<u8> = (0..7).map(|i| letters[number >> (2 * i) & 3]).collect();
            let any = others.iter().any(|other| other.is_match(&mut other.create_cache(), &payload[..]));
            assert_eq!(found.find(&payload, 6, 80).is_some(), any, "{payload:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told_why() {
        assert!(checked("a(b").unwrap_err().contains("unclosed group"));
        assert!(checked("a*").unwrap_err().contains("every payload"));
        assert_eq!(bytes("4d 5A00"), Some(vec![0x4d, 0x5a, 0]));
        assert!(bytes("4d5").is_none() && bytes("xy").is_none() && bytes(" ").is_none());
        assert!(automaton(&["[ab].{24}c".to_owned()]).unwrap_err().contains("MiB"));
    }
}
