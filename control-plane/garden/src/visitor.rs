//! Who asks: the address at the other end, or what a proxy says about it.

use repute_model::{Address, Prefix};

use crate::Refusal;

/// The address that counts: `peer`, unless that is one of the `proxies`; then the last entry of the values of
/// `X-Forwarded-For` that is none of them. What stands before is whatever the visitor likes.
pub fn visitor<'a>(
    peer: Address,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    proxies: &[Prefix],
) -> Result<Address, Refusal> {
    let is_proxy = |address: Address| proxies.iter().any(|prefix| prefix.contains(address));
    if !is_proxy(peer) {
        return Ok(peer);
    }
    for entry in forwarded.rev().flat_map(|value| value.rsplit(',')) {
        let address = entry.trim().parse::<std::net::IpAddr>().map_err(|_| Refusal::Nameless)?.into();
        if !is_proxy(address) {
            return Ok(address);
        }
    }
    Err(Refusal::Nameless)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&str]) -> Result<String, Refusal> {
        let proxies = ["127.0.0.0/8", "2001:db8:9::/48"].map(|text| text.parse().unwrap());
        let peer = peer.parse::<std::net::IpAddr>().unwrap().into();
        visitor(peer, forwarded.iter().copied(), &proxies).map(|address| address.to_string())
    }

    #[test]
    fn only_proxies_are_believed_and_only_what_they_have_seen() {
        let is = |address: &str| Ok(address.to_owned());
        assert_eq!(of("192.0.2.7", &[]), is("192.0.2.7"));
        assert_eq!(of("192.0.2.7", &["198.51.100.1"]), is("192.0.2.7"), "he is no proxy");
        assert_eq!(of("::ffff:192.0.2.7", &[]), is("192.0.2.7"), "a socket for both families");
        assert_eq!(of("127.0.0.1", &["198.51.100.1"]), is("198.51.100.1"));
        assert_eq!(of("127.0.0.1", &["10.0.0.1, 198.51.100.1 , 127.0.0.2"]), is("198.51.100.1"));
        assert_eq!(of("127.0.0.1", &["10.0.0.1", "2001:db8::7, 2001:db8:9::1"]), is("2001:db8::7"));
        for nobody in [&[][..], &[""], &["127.0.0.3"], &["unknown"], &["198.51.100.1, x"]] {
            assert_eq!(of("127.0.0.1", nobody), Err(Refusal::Nameless), "{nobody:?}");
        }
    }
}
