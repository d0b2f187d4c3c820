//! Whatever the text, the parser answers: with a config or with mistakes inside the text.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_policy::{Config, reference};

/// Parses, renders and uses the answer to the full.
fn survives(text: &str) {
    match Config::parse("any.toml", text) {
        Ok(checked) => {
            assert_eq!(checked.compile(1), checked.compile(1));
            let topology = checked.topology();
            let ports = topology.ports.len() + topology.mirror.iter().count();
            assert_eq!(ports, checked.config().ports.len());
        }
        Err(found) => {
            assert!(!found.items().is_empty());
            assert!(found.items().iter().all(|item| item.span().end <= text.len()));
            assert!(found.to_string().contains("any.toml: "));
            assert!(!found.coloured().to_string().is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        rng_seed: RngSeed::Fixed(0x7265_7075_7465),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn any_lines(text in "(\\[?[a-z_.]{1,20}\\]?( = [0-9a-z\"'{}\\[\\],. \u{1}é-]{0,20})?[\r\n]{1,2}){0,20}") {
        survives(&text);
    }

    /// The reference with one piece cut out and another text put in its place.
    #[test]
    fn a_damaged_reference(from in 0..reference().len(), len in 0usize..40, with in "[\\PC\n]{0,12}") {
        let text = reference();
        let start = text.floor_char_boundary(from);
        let end = text.floor_char_boundary((start + len).min(text.len()));
        survives(&format!("{}{with}{}", &text[..start], &text[end..]));
    }
}
