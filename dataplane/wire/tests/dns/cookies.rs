//! The test vectors of RFC 9018, appendix A.

use repute_model::Address;
use repute_wire::dns::{Cookie, CookieSecrets, CookieStanding};

use crate::captures::corpus;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn address(text: &str) -> Address {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

#[test]
fn a_server_cookie() {
    let current = bytes("e5e973e5a6b2a43f48e7dc849e37bfcf").try_into().unwrap();
    let client = bytes("2464c4abcf10c957").try_into().unwrap();
    let secrets = CookieSecrets { current, previous: None };
    let made = secrets.make(client, address("198.51.100.100"), 0x5cf7_9f11);
    assert_eq!(made[..], bytes("010000005cf79f111f8130c3eee29480"));
}

#[test]
fn the_vectors_of_the_rfc() {
    let Some(corpus) = corpus() else { return };
    let text = std::fs::read_to_string(corpus.join("vectors/dns_cookie_rfc9018.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 4);
    for vector in vectors {
        let hex = |key: &str| vector[key].as_str().map(bytes);
        let secret = |key: &str| hex(key).map(|bytes| <[u8; 16]>::try_from(bytes).unwrap());
        let secrets = CookieSecrets { current: secret("secret").unwrap(), previous: secret("old_secret") };
        let (asked, answered) = (hex("request").unwrap(), hex("response").unwrap());
        let (&client, server) = asked.split_first_chunk().unwrap();
        let now = vector["time"].as_u64().unwrap() as u32;
        let at = address(vector["client_ip"].as_str().unwrap());

        // A.3 is about reserved bytes: its cookie was made two hours before, when it still proved something.
        let judge = |now| secrets.judge(&Cookie { client, server }, at, now);
        if let Some(made) = server.get(4..8).map(|made| u32::from_be_bytes(made.try_into().unwrap())) {
            let with_previous = vector["request_valid_with"] == "old_secret";
            let expected = if with_previous { CookieStanding::Ageing } else { CookieStanding::Good };
            assert_eq!(judge(made), expected, "{}", vector["id"]);
            let expected = if now - made > 3600 { CookieStanding::Bad } else { CookieStanding::Ageing };
            assert_eq!(judge(now), expected, "{}", vector["id"]);
        } else {
            assert_eq!(judge(now), CookieStanding::None);
        }
        let fresh = secrets.make(client, at, now);
        assert_eq!([&client[..], &fresh].concat(), answered, "{}", vector["id"]);
        assert_eq!(secrets.judge(&Cookie { client, server: &fresh }, at, now), CookieStanding::Good);
    }
}
