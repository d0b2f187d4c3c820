//! One test for each thing that can be wrong with feeds: the mistake is named where it stands.

mod common;

use common::{INGRESS, accepted, refused};

/// One feed with these lines.
fn feed(lines: &str) -> String {
    format!("{INGRESS}[[feeds]]\nname = \"drop\"\n{lines}\n")
}

#[test]
fn a_feed_comes_from_exactly_one_place() {
    for origin in [
        "file = \"/a\"",
        "url = \"https://a.example:8443/x?key=1\"",
        "taxii = \"http://[::1]/c\"",
        "push = true",
        "crowdsec = \"http://127.0.0.1:8080\"\nkey_file = \"/key\"",
    ] {
        accepted(&feed(origin));
    }
    refused(&feed(""), &["feed `drop` comes from nowhere", "exactly one of"]);
    refused(&feed("file = \"/a\"\npush = true"), &["two places", "`file`, `push`"]);
    refused(&feed("crowdsec = \"http://127.0.0.1:8080\""), &["no key", "cscli bouncers add"]);
}

#[test]
fn keys_fit_the_origin() {
    for (lines, words) in [
        ("file = \"a\"", ["starts in no folder", "whole path"]),
        ("url = \"ftp://a.example/\"", ["no URL", "http://host/"]),
        ("url = \"https:///x\"", ["no URL", "http://host/"]),
        ("file = \"/a\"\nkey_file = \"/k\"", ["`key_file` means nothing", "`crowdsec`"]),
        ("file = \"/a\"\nheaders = [{ name = \"A\", value = \"b\" }]", ["`headers` means nothing", "`url`"]),
        ("file = \"/a\"\nformat = \"list\"\ncategories = \"/c\"", ["`categories` means nothing", "suricata"]),
        ("taxii = \"https://a/c\"\nformat = \"stix\"", ["`format` means nothing", "one format"]),
        ("push = true\nrefresh = \"1m\"", ["`refresh` means nothing", "pushed"]),
        ("file = \"/a\"\nexpiry = \"1h\"", ["end before they are confirmed", "3600 s"]),
        ("file = \"/a\"\nconfidence = 0", ["bad value", "from 1 to 100"]),
        ("file = \"/a\"\nformat = \"netset\"", ["bad value", "suricata-iprep"]),
        ("file = \"/a\"\nrefresh = \"10ms\"", ["bad value", "from 1s"]),
    ] {
        refused(&feed(lines), &words);
    }
}

#[test]
fn names_are_for_a_dns_server_and_come_in_a_format_that_has_them() {
    let names = |lines: &str| format!("[[feeds]]\nname = \"traps\"\nsays = \"honeypot\"\n{lines}\n");
    let dns = |lines: &str| format!("{INGRESS}{}", names(lines)).replace("profiles.ingress", "profiles.dns");
    for lines in
        ["push = true", "url = \"https://a.example/\"\nformat = \"list\"", "taxii = \"https://a.example/c\""]
    {
        accepted(&dns(lines));
    }
    refused(&format!("{INGRESS}{}", names("push = true")), &["nobody asks for", "`[profiles.dns]`"]);
    for format in ["spamhaus", "abuseipdb", "suricata-iprep", "crowdsec", "crowdsec-cti"] {
        let lines = format!("push = true\nformat = \"{format}\"");
        refused(&dns(&lines), &["has no names", "`list`, `stix`, `misp` or `misp-warninglist`"]);
    }
    refused(&dns("crowdsec = \"http://127.0.0.1:8080\"\nkey_file = \"/key\""), &["has no names", "`taxii`"]);
    for name in ["live", "config"] {
        let taken = dns("push = true").replace("traps", name);
        refused(&taken, &["another list of honeypots", "choose another name"]);
    }
}

#[test]
fn headers_have_a_name_and_one_value() {
    for (header, word) in [
        ("{ name = \"a b\", value = \"c\" }", "expected a header's name"),
        ("{ name = \"a\" }", "either `value` or"),
        ("{ name = \"a\", value = \"b\", file = \"/c\" }", "either `value` or"),
        ("{ name = \"a\", value = \"b\", prefix = \"c\" }", "before a secret only"),
        ("{ name = \"a\", file = \"c\" }", "whole path"),
    ] {
        refused(&feed(&format!("url = \"http://a/\"\nheaders = [{header}]")), &[word]);
    }
}

#[test]
fn names_are_names_and_there_are_not_too_many() {
    refused(&format!("{INGRESS}[[feeds]]\nname = \"a b\"\npush = true\n"), &["bad name", "a-z A-Z"]);
    refused(&format!("{INGRESS}[[feeds]]\npush = true\n"), &["`feeds[0]` needs `name`"]);
    let one = |n: usize| format!("[[feeds]]\nname = \"f{n}\"\npush = true\n");
    let many = |count| (0..count).map(one).collect::<String>();
    accepted(&format!("{INGRESS}{}", many(64)));
    refused(&format!("{INGRESS}{}", many(65)), &["65 feeds, at most 64"]);
    refused(&format!("{INGRESS}{}{}", one(1), one(1)), &["two feeds are called `f1`", "the other one"]);
}

#[test]
fn files_of_places_are_whole_paths() {
    accepted(&format!("{INGRESS}[geo]\ncountry = \"/c.mmdb\"\n"));
    refused(&format!("{INGRESS}[geo]\nasn = \"a.mmdb\"\n"), &["starts in no folder", "whole path"]);
}

#[test]
fn places_are_selected_by_what_databases_know() {
    let lists = |lines: &str| format!("{INGRESS}[geo]\ncountry = \"/c.mmdb\"\n[lists]\n{lines}\n");
    accepted(&lists(
        "deny_countries = [\"de\", { country = \"FR\", confidence = 40 }]\nallow_countries = [\"GB\"]",
    ));
    refused(
        &lists("deny_countries = [\"DE\", \"XX\"]"),
        &["lists.deny_countries[1]", "no country", "ISO 3166-1"],
    );
    refused(&lists("deny_asns = [64500]"), &["no database knows AS numbers", "`geo.asn`"]);
    refused(
        &lists("deny_countries = [\"DE\", { country = \"DE\", confidence = 1 }]"),
        &["`DE` is listed twice"],
    );
    let asns = |lines: &str| format!("{INGRESS}[geo]\nasn = \"/a.mmdb\"\n[lists]\n{lines}\n");
    accepted(&asns("deny_asns = [64500, { asn = 64501, confidence = 5 }]\nallow_asns = [1]"));
    refused(&asns("deny_asns = [0]"), &["from 1 to 4294967295"]);
    refused(&asns("deny_asns = [\"AS1\"]"), &["expected an AS number or"]);
    refused(&asns("allow_countries = [\"DE\"]"), &["no database knows countries", "`geo.country`"]);
    let many = (1..=4097).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    refused(&asns(&format!("allow_asns = [{many}]")), &["4097 AS numbers, at most 4096"]);
    refused(
        &feed("").replace("drop", "geo-deny").replace("\n\n", "\npush = true\n"),
        &["this name is taken"],
    );
}

#[test]
fn services_are_asked_by_one_key_each() {
    let one = |lines: &str| format!("[[lookups]]\n{lines}\n");
    let abuse = one("service = \"abuseipdb\"\nkey_file = \"/key\"\nquota = 100");
    let cti = one("service = \"crowdsec-cti\"\nkey_file = \"/key\"\nurl = \"http://127.0.0.1:1/v2\"");
    accepted(&format!("{INGRESS}{abuse}{cti}"));
    refused(&format!("{INGRESS}{abuse}{abuse}"), &["`abuseipdb` is asked twice", "the other one"]);
    refused(&format!("{INGRESS}{}", one("service = \"abuseipdb\"")), &["`lookups[0]` needs `key_file`"]);
    let other = one("service = \"shodan\"\nkey_file = \"/key\"");
    refused(&format!("{INGRESS}{other}"), &["bad value", "crowdsec-cti"]);
    let relative = one("service = \"abuseipdb\"\nkey_file = \"key\"");
    refused(&format!("{INGRESS}{relative}"), &["whole path"]);
}
