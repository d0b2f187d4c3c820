//! Escaping, turned back by other code than that which made it.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{cef, rfc5424};
use crate::alert::{parse_cef, parse_eve, parse_line};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 1024, rng_seed: RngSeed::Fixed(0x5eed), ..ProptestConfig::default() }
}

/// A parameter value as a receiver reads it (RFC 5424, 6.3.3): up to the first `"` that is not escaped.
fn unescape(quoted: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return chars.next().is_none().then_some(value),
            ']' => return None,
            '\\' => match chars.next()? {
                c @ ('"' | '\\' | ']') => value.push(c),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    None
}

/// Text that provokes escaping.
fn nasty() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            Just("\\"),
            Just("\""),
            Just("]"),
            Just("="),
            Just("|"),
            Just(" "),
            Just("\n"),
            Just("\r"),
            Just("n"),
            Just("src=1"),
            Just("ä"),
            Just("\u{0}")
        ],
        0..20,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn structured_data_comes_back(value in nasty()) {
        let read = unescape(&format!("{}\"", rfc5424::escape(&value)));
        prop_assert_eq!(read, Some(super::one_line(&value)));
    }

    #[test]
    fn cef_comes_back(name in nasty(), category in nasty(), last in nasty()) {
        let line = format!(
            "CEF:0|v|p|1|{}|{}|5|cat={} src=192.0.2.1 dst=192.0.2.2 externalId={}",
            cef::escape_header(&name), cef::escape_header(&name),
            cef::escape_value(&category), cef::escape_value(&last),
        );
        let alert = parse_cef(line.as_bytes()).unwrap();
        prop_assert_eq!(&alert.name, &super::one_line(&name));
        prop_assert_eq!(&alert.category, &super::one_line(&category));
        // The end of a record loses its spaces on the way.
        let last = super::one_line(&last);
        prop_assert_eq!(alert.reference.trim_end(), last.trim_end());
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (parse_cef(&bytes).is_ok(), parse_eve(&bytes).is_ok(), parse_line(&bytes).is_ok());
    }

    #[test]
    fn no_text_makes_a_parser_panic(
        cef in r"CEF:[01](\|[a-z\\|=0-9 ]{0,6}){0,9}( ?(src|dst|rt|cat|c6a2)=[0-9a-f.:\\ =]{0,12}){0,6}",
        eve in r#"\{("(event_type|src_ip|alert|flow|timestamp)":("alert"|"::1"|\{\}|\[\]|1|-1|null|1e99),?){0,5}\}?"#,
    ) {
        let _ = (parse_line(cef.as_bytes()).is_ok(), parse_line(eve.as_bytes()).is_ok());
    }

    #[test]
    fn a_damaged_record_is_an_error_or_an_alert(at in 0usize..400, byte in any::<u8>()) {
        let mut record = br#"{"timestamp":"2023-09-18T06:13:41.532140+0000","event_type":"alert","src_ip":"192.0.2.1",
            "dest_ip":"192.0.2.2","alert":{"signature_id":1,"severity":1,"signature":"s","category":"c"}}"#.to_vec();
        let at = at % record.len();
        record[at] = byte;
        let _ = (parse_eve(&record).is_ok(), parse_eve(&record[..at]).is_ok());
    }
}
