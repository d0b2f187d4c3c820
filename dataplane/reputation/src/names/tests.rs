//! What is scored, and what the built-in model says of names that it was not trained on.

use super::*;

fn split(name: &str) -> Vec<&[u8]> {
    name.split('.').map(str::as_bytes).collect()
}

fn score(model: &NameModel, name: &str) -> f32 {
    model.probability(split(name).into_iter())
}

#[test]
fn logistic_is_close_and_stays_between() {
    for tenth in -400..400 {
        let x = tenth as f32 / 10.0;
        let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
        assert!((f64::from(logistic(x)) - exact).abs() < 1e-5, "{x}");
        assert!((0.0..=1.0).contains(&logistic(x)));
    }
    assert!(logistic(f32::NEG_INFINITY) < 1e-9 && logistic(f32::INFINITY) > 0.999_999);
}

#[test]
fn the_own_label() {
    for (name, own) in [
        ("example.org", Some("example")),
        ("www.example.org", Some("example")),
        ("www.example.co.uk", Some("example")),
        ("www.example.CO.uk", Some("example")),
        ("co.uk", Some("co")),
        ("example.co.info", Some("co")),
        ("org", None),
    ] {
        assert_eq!(own_label(split(name).into_iter()), own.map(str::as_bytes), "{name}");
    }
    assert_eq!(own_label(std::iter::empty()), None);
}

#[test]
fn names_of_nobody_are_never_suspicious() {
    let model = NameModel::built_in().unwrap();
    for name in ["xkqzvwpjtrbh", "4.3.2.1.in-addr.arpa", "b.0.d.f.9.8.ip6.arpa", "localhost"] {
        assert!(score(&model, name) < 1e-6, "{name}");
    }
    assert!(model.probability(std::iter::empty()) < 1e-6);
}

#[test]
fn case_is_nothing() {
    let model = NameModel::built_in().unwrap();
    assert_eq!(score(&model, "wWw.eXaMpLe.OrG"), score(&model, "www.example.org"));
}

#[test]
fn good_owners_have_odd_hosts() {
    let model = NameModel::built_in().unwrap();
    for name in [
        "www.wikipedia.org",
        "d111111abcdef8.cloudfront.net",
        "ec2-203-0-113-25.compute-1.amazonaws.com",
        "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
        "e11290.dspg.akamaiedge.net",
        "r3---sn-4g5e6nl7.googlevideo.com",
        "lb-140-82-121-4-fra.github.com",
        "my-service-7d9f8b6c5-x2x9z.default.svc.cluster.local",
        "outlook-com.olc.protection.outlook.com",
        "safebrowsing.googleapis.com",
        "_dmarc.example.com",
        "_kerberos._tcp.dc._msdcs.example.com",
        "static.xx.fbcdn.net",
        "scontent-fra3-1.cdninstagram.com",
    ] {
        assert!(score(&model, name) < 0.5, "{name}: {}", score(&model, name));
    }
}

#[test]
fn algorithms_and_tunnels() {
    let model = NameModel::built_in().unwrap();
    let tunnel = "mzxw6ytboi4dqnzsgm2tmnzyheydcmrtgq2tmnzyhf3ws5dfoiqgc3tenfxgo";
    for name in [
        "xjwqkzvbtrpl.com",
        "q7x2k9vb3m1zt8.net",
        "www.kqzxwvjtbhgf.co.uk",
        "6f1ed002ab5595859014ebf0951522d9.ru",
        &format!("{tunnel}.example.org"),
        &format!("a.{}.{}.t.example.org", &tunnel[..30], &tunnel[30..]),
    ] {
        assert!(score(&model, name) > 0.9, "{name}: {}", score(&model, name));
    }
}

#[test]
fn the_more_random_bytes_the_less_doubt() {
    let model = NameModel::built_in().unwrap();
    let hex = "9f1ce70b24ad5836f8e1d2c40b97a6530e4c8d1fb7a29";
    let scores: Vec<f32> =
        (16..45).step_by(4).map(|len| score(&model, &format!("{}.example.org", &hex[..len]))).collect();
    assert!(scores[0] < 0.5, "{scores:?}");
    assert!(scores.last() > scores.first(), "{scores:?}");
}

#[test]
fn what_everybody_asks_for_is_known() {
    let everybodys = |name: &str| is_everybodys(&name.parse().unwrap());
    for name in [
        ".",
        "*",
        "com",
        "*.com",
        "co.uk",
        "*.co.uk",
        "localhost",
        "printer.local",
        "localhost.localdomain",
        "*.local",
        "arpa",
        "*.in-addr.arpa",
        "ip6.arpa",
    ] {
        assert!(everybodys(name), "{name}");
    }
    for name in ["shop.co.uk", "*.shop.co.uk", "a.b", "local.example.org", "7.2.0.192.in-addr.arpa", "x.com"]
    {
        assert!(!everybodys(name), "{name}");
    }
}

#[test]
fn it_fits_a_worker() {
    assert!(NameModel::built_in().unwrap().bytes() < 256 * 1024);
}
