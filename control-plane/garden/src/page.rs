//! The page: one document that needs nothing from elsewhere, and the policy that lets it have nothing from elsewhere.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use repute_access::hex;
use repute_model::Address;

use crate::work::Seed;

const TEMPLATE: &str = include_str!("page.html");

/// A page for one visitor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Who asked.
    pub address: Address,
    /// Its task.
    pub token: String,
    /// Bits of work.
    pub work: u8,
    /// How long the task may take.
    pub life: Duration,
    /// What its script and its style are known by; in hexadecimal digits.
    pub nonce: String,
}

impl Page {
    /// The document. Whatever is put in consists of letters, digits, dots and colons.
    pub fn html(&self) -> String {
        let Self { address, token, work, life, nonce } = self;
        TEMPLATE
            .replace("{{nonce}}", nonce)
            .replace("{{address}}", &address.to_string())
            .replace("{{token}}", token)
            .replace("{{seed}}", &hex::encode(&Seed::of(token).0))
            .replace("{{work}}", &work.to_string())
            .replace("{{minutes}}", &life.as_secs().div_ceil(60).to_string())
    }

    /// The headers that belong to it.
    pub fn headers(&self) -> HeaderMap {
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; worker-src blob:; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            self.nonce
        );
        let mut headers = common("text/html; charset=utf-8");
        // Hexadecimal digits: always a value of a header.
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        headers
    }
}

/// What stands before every answer: nothing of it is kept, guessed at or framed.
pub fn common(content_type: &'static str) -> HeaderMap {
    let fixed: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    fixed.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let address = "2001:db8::7".parse::<std::net::IpAddr>().unwrap().into();
        let (token, nonce) = ("ab12".to_owned(), "0f0f".to_owned());
        Page { address, token, work: 20, life: Duration::from_secs(300), nonce }
    }

    #[test]
    fn everything_is_put_in_and_nothing_comes_from_elsewhere() {
        let html = page().html();
        assert!(!html.contains("{{") && !html.contains("}}"), "a gap is left");
        assert!(html.contains("data-token=\"ab12\"") && html.contains("2001:db8::7"));
        for elsewhere in ["http://", "https://", "src=", "href=", "@import", "url("] {
            let found = html.match_indices(elsewhere).count();
            // The text itself says what becomes of addresses that begin with https.
            let told = html.matches("<code>https://</code>").count();
            assert_eq!(found, if elsewhere == "https://" { told } else { 0 }, "{elsewhere}");
        }
        assert_eq!(html.matches("<script").count(), html.matches("nonce=\"0f0f\"").count() - 1);
    }

    #[test]
    fn it_can_be_read_by_whoever_has_no_eyes_no_light_or_no_scripts() {
        let html = page().html();
        for needed in [
            "<html lang=\"en\">",
            "<title>",
            "name=\"viewport\"",
            "role=\"status\"",
            "aria-live=\"polite\"",
            "<noscript>",
            "<label for=\"done\"",
            "color-scheme",
            "prefers-color-scheme: dark",
        ] {
            assert!(html.contains(needed), "{needed}");
        }
    }

    #[test]
    fn its_policy_allows_its_own_script_and_no_other() {
        let headers = page().headers();
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'nonce-0f0f'; "), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
    }
}
