//! What an operator sees of his mistakes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use repute_policy::{Config, DIAGNOSTICS_MAX, Diagnostics};

fn mistakes(text: &str) -> Diagnostics {
    Config::parse("test.toml", text).unwrap_err()
}

#[test]
fn every_kind_of_mistake_is_shown_at_its_place() {
    let text = r#"inside = ["10.1.2.3/8"]
[profiles.ingress]
prior = nan
half_life = "10 minutes"
[profiles.ingress.factors.syn-ack]
wieght = 0.8
[profiles.ingress.bands]
good = 0.9
[ports.outside]
mtu = true
"#;
    let expected = r#"error: bad value for `inside[0]`
 --> test.toml:1:11
  |
1 | inside = ["10.1.2.3/8"]
  |           ^^^^^^^^^^^^ bits are set behind the prefix length; did you mean "10.0.0.0/8"?

error: bad value for `profiles.ingress.prior`
 --> test.toml:3:9
  |
3 | prior = nan
  |         ^^^ must be from 0 to 1

error: bad value for `profiles.ingress.half_life`
 --> test.toml:4:13
  |
4 | half_life = "10 minutes"
  |             ^^^^^^^^^^^^ not a duration
  |
  = help: write a number and one of the units `ms`, `s`, `m`, `h`, such as "500ms"

error: unknown key `wieght` in `profiles.ingress.factors.syn-ack`
 --> test.toml:6:1
  |
6 | wieght = 0.8
  | ^^^^^^ did you mean `weight`?
  |
  = help: known keys are `weight`, `from`, `full`

error: `good` = 0.9 does not lie below `excellent` = 0.85
 --> test.toml:8:8
  |
8 | good = 0.9
  |        ^^^ thresholds must fall from excellent to poor, by 0.0001 at least
  |
  = help: `excellent` has its default

error: `ports.outside` needs `role`
 --> test.toml:9:1
  |
9 | [ports.outside]
  | ^^^^^^^^^^^^^^^ `role` is missing

error: bad value for `ports.outside.mtu`
  --> test.toml:10:7
   |
10 | mtu = true
   |       ^^^^ expected a whole number from 576 to 9216, found a truth value

test.toml: 7 errors"#;
    assert_eq!(mistakes(text).to_string(), expected);
}

#[test]
fn two_profiles_are_refused_with_the_reason() {
    let expected = "error: an ingress and an egress profile in one file
 --> test.toml:2:1
  |
1 | [profiles.ingress]
  | ------------------ this one judges outside senders
2 | [profiles.egress]
  | ^^^^^^^^^^^^^^^^^ this one judges inside senders
  |
  = help: together they would need exact state for both addresses of every packet, and it is kept for one: \
the outside one (ingress) or the inside one (egress). Keep one profile here and run a second instance for \
the other

test.toml: 1 error";
    assert_eq!(mistakes("[profiles.ingress]\n[profiles.egress]\n").to_string(), expected);
}

#[test]
fn an_empty_file_says_what_to_add() {
    let found = mistakes("");
    assert_eq!(found.items()[0].message(), "no profile: nothing would be judged");
    assert!(found.items()[0].way_out().unwrap().contains("add `[profiles.ingress]`"));
    assert_eq!(found.position(&found.items()[0]), (1, 1));
}

#[test]
fn syntax_errors_are_all_shown_and_have_no_echo() {
    let found = mistakes("[profiles.ingress]\nprior = \nmodel = \"x\nwindow = 5\n");
    let messages: Vec<_> = found.items().iter().map(|item| item.message()).collect();
    assert_eq!(messages, ["not valid TOML", "not valid TOML", "bad value for `profiles.ingress.window`"]);
    assert_eq!(found.position(&found.items()[1]).0, 3);
}

#[test]
fn a_hundred_mistakes_are_reported_at_once() {
    let keys: String = (0..100).map(|i| format!("key{i} = {i}\n")).collect();
    let found = mistakes(&format!("[profiles.ingress]\n{keys}"));
    assert_eq!((found.items().len(), found.more()), (100, 0));
    let lines: Vec<_> = found.items().iter().map(|item| found.position(item).0).collect();
    assert_eq!(lines, (2..102).collect::<Vec<_>>());
    assert!(found.to_string().ends_with("test.toml: 100 errors"));
}

#[test]
fn reports_are_bounded_and_count_the_rest() {
    let bad: Vec<_> = (0..DIAGNOSTICS_MAX + 7).map(|i| format!("\"bad{i}\"")).collect();
    let found = mistakes(&format!("inside = [{}]\n[profiles.ingress]", bad.join(",\n")));
    assert_eq!((found.items().len(), found.more()), (DIAGNOSTICS_MAX, 7));
    assert!(found.to_string().ends_with("test.toml: 207 errors (and 7 more not shown)"));
}

#[test]
fn columns_count_characters_and_colours_are_optional() {
    let found = mistakes("[profiles.ingress]\n[services.\"grüße\"]\nowner = \"ü\", prefixes = 1");
    assert!(found.items().iter().any(|item| found.position(item) == (2, 11)), "{found}");
    assert!(found.coloured().to_string().contains("\u{1b}["));
    assert!(!found.to_string().contains("\u{1b}["));
}

#[test]
fn control_characters_of_the_file_do_not_reach_the_terminal() {
    let found = mistakes("\"a\\u001b[31mb\" = 1\ninside = [\"x\\u001b[31m\"]\n[profiles.ingress]");
    assert_eq!(found.items().len(), 2);
    assert!(!found.to_string().contains('\u{1b}'), "{found}");
}
