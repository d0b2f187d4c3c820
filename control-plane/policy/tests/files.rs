//! The files of `[lists]`: where they are found, what they add to the policy, what can be wrong with them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::IpAddr;

use repute_model::{Address, Listing};
use repute_policy::{Checked, Config, Diagnostics, FILE_MAX, FILES_MAX, diff};
use tempfile::TempDir;

/// A folder with a config and its lists.
struct Folder(TempDir);

impl Folder {
    fn with(lists: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        for (name, text) in lists {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    /// Where `@` stands in `lists` begins the path of a file in here.
    fn parse(&self, lists: &str) -> Result<Checked, Diagnostics> {
        let lists = lists.replace('@', &self.begin());
        Config::parse("config.toml", &format!("[profiles.ingress]\n[lists]\n{lists}\n"))
    }

    fn begin(&self) -> String {
        format!("{}/", self.0.path().display())
    }

    fn checked(&self, lists: &str) -> Checked {
        self.parse(lists).unwrap_or_else(|found| panic!("{found}"))
    }

    #[track_caller]
    fn messages(&self, lists: &str) -> Vec<String> {
        let found = self.parse(lists).unwrap_err();
        found.items().iter().map(|item| item.message().replace(&self.begin(), "")).collect()
    }
}

fn at(text: &str) -> Address {
    text.parse::<IpAddr>().unwrap().into()
}

fn listing(checked: &Checked, address: &str) -> Option<Listing> {
    checked.compile(1).lists.get(at(address))
}

#[test]
fn files_reach_the_policy_with_their_confidence() {
    let folder = Folder::with(&[
        ("drop.netset", "# drop\n192.0.2.0/24\n198.51.100.7 ; one host\n2001:db8::/32\n"),
        ("level1.netset", "203.0.113.0/24\n192.0.2.0/24\n198.51.100.7\n"),
        ("partners.netset", "192.0.2.128/25\n"),
    ]);
    let checked = folder.checked(
        "allow_files = [\"@partners.netset\"]\ndeny = [{ prefix = \"198.51.100.7\", confidence = 10 }]\n\
         deny_files = [\"@drop.netset\", { path = \"@level1.netset\", confidence = 60 }]",
    );
    for (address, expected) in [
        ("203.0.113.9", Some(Listing::Deny(60))),
        ("2001:db8::1", Some(Listing::Deny(100))),
        ("192.0.2.1", Some(Listing::Deny(60))),
        ("192.0.2.200", Some(Listing::Allow)),
        ("198.51.100.7", Some(Listing::Deny(10))),
        ("198.51.100.8", None),
    ] {
        assert_eq!(listing(&checked, address), expected, "{address}");
    }
    assert!(checked.to_string().contains("7 prefixes in 3 list files"), "{checked}");
}

#[test]
fn allow_files_win_over_narrower_denies() {
    let folder =
        Folder::with(&[("allow", "10.1.0.0/16\n10.0.0.0/15\n::/0\n"), ("deny", "10.1.2.0/24\n11.0.0.0/8\n")]);
    let checked =
        folder.checked("allow_files = [\"@allow\"]\ndeny_files = [\"@deny\"]\ndeny = [\"2001:db8::/32\"]");
    for address in ["10.1.2.3", "10.0.0.1", "2001:db8::1"] {
        assert_eq!(listing(&checked, address), Some(Listing::Allow), "{address}");
    }
    assert_eq!(listing(&checked, "11.0.0.1"), Some(Listing::Deny(100)));
    assert_eq!(listing(&checked, "12.0.0.1"), None);
}

#[test]
fn the_digest_covers_what_files_say_not_how() {
    let folder = Folder::with(&[("drop", "192.0.2.1\n192.0.2.2\n")]);
    let lists = "deny_files = [\"@drop\"]";
    let before = folder.checked(lists);
    folder.write("drop", "; a comment\r\n192.0.2.2/32 # two\r\n\r\n192.0.2.1\n192.0.2.2\n");
    assert_eq!(folder.checked(lists), before);
    folder.write("drop", "192.0.2.1\n192.0.2.3\n");
    let after = folder.checked(lists);
    assert_ne!(after.digest(), before.digest());
    // What was read stays, whatever becomes of the file.
    assert_eq!(listing(&before, "192.0.2.2"), Some(Listing::Deny(100)));
}

#[test]
fn a_diff_shows_files_by_count_and_hash() {
    let folder = Folder::with(&[("drop", "192.0.2.1\n"), ("allow", "")]);
    let lists = "allow_files = [\"@allow\"]\ndeny_files = [{ path = \"@drop\", confidence = 70 }]";
    let before = folder.checked(lists);
    folder.write("drop", "192.0.2.1\n192.0.2.9\n");
    let after = folder.checked(lists);
    let shown: Vec<_> = diff(&before, &after).iter().map(ToString::to_string).collect();
    let shown: Vec<_> = shown.iter().map(|line| line.replace(&folder.begin(), "")).collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    let start = |sign, count| {
        format!("{sign} lists.deny_files: {{ confidence = 70, path = drop, prefixes = {count}, sha256 = ")
    };
    assert!(shown[0].starts_with(&start('-', 1)) && shown[1].starts_with(&start('+', 2)), "{shown:?}");
    assert!(shown.iter().all(|line| line.len() == shown[0].len() && line.ends_with(" }")), "{shown:?}");
    assert!(diff(&after, &folder.checked(lists)).is_empty());
}

#[test]
fn bad_lines_are_named_and_nothing_is_taken_over() {
    let folder =
        Folder::with(&[("drop", "192.0.2.1\n192.0.2.1/24\n\nno prefix # here\n2001:db8::1\n10.0.0.0/40\n")]);
    let lists = "deny_files = [\"@drop\"]";
    assert_eq!(
        folder.messages(lists),
        [
            "drop:2: `192.0.2.1/24` has bits set behind its length; did you mean `192.0.2.0/24`?",
            "drop:4: `no prefix` is not an IPv4 or IPv6 address or prefix",
            "drop:5: `2001:db8::1/128` is part of one source; did you mean `2001:db8::/64`?",
            "drop:6: `10.0.0.0/40` has a bad prefix length (0 to 32 for IPv4, 0 to 128 for IPv6)",
        ]
    );
    let found = folder.parse(lists).unwrap_err();
    assert!(found.items().iter().all(|item| found.position(item) == (3, 15)));
}

#[test]
fn twenty_bad_lines_are_shown_and_the_rest_counted() {
    let folder = Folder::with(&[("drop", &"x\n".repeat(123)), ("other", "y\n")]);
    let messages = folder.messages("deny_files = [\"@drop\", \"@other\"]");
    assert_eq!(messages.len(), 22);
    assert!(messages[19].starts_with("drop:20: `x`"), "{messages:?}");
    assert_eq!(messages[20], "drop: and 103 more bad lines");
    assert!(messages[21].starts_with("other:1: `y`"), "{messages:?}");
}

#[test]
fn control_characters_of_a_list_do_not_reach_the_terminal() {
    let folder = Folder::with(&[("drop", "\u{1b}[31mred\n")]);
    let found = folder.parse("deny_files = [\"@drop\"]").unwrap_err().to_string();
    assert!(!found.contains('\u{1b}') && found.contains("red"), "{found}");
}

#[test]
fn paths_mean_the_same_wherever_a_config_comes_from() {
    let folder = Folder::with(&[("drop", "192.0.2.1\n")]);
    let api =
        |path: &str| Config::parse("api", &format!("[profiles.ingress]\n[lists]\ndeny_files = [\"{path}\"]"));
    let found = api("drop").unwrap_err();
    assert_eq!(found.items()[0].message(), "`drop` starts in no folder");
    assert!(found.items()[0].way_out().unwrap().contains("name the whole path"));
    let whole = folder.0.path().join("drop");
    let checked = api(&whole.display().to_string()).unwrap();
    assert_eq!(listing(&checked, "192.0.2.1"), Some(Listing::Deny(100)));
}

#[test]
fn what_is_no_file_is_not_read() {
    let folder = Folder::with(&[]);
    fs::create_dir(folder.0.path().join("folder")).unwrap();
    let long = fs::File::create(folder.0.path().join("long")).unwrap();
    long.set_len(FILE_MAX + 1).unwrap();
    for (path, problem) in [
        ("absent", "No such file"),
        ("folder", "not a regular file"),
        ("long", "longer than 268435456 bytes"),
    ] {
        let found = folder.parse(&format!("allow_files = [\"@{path}\"]")).unwrap_err().to_string();
        assert!(found.contains("cannot read the list `") && found.contains(problem), "{found}");
    }
}

#[test]
fn files_are_bounded() {
    let folder = Folder::with(&[("one", "192.0.2.2\n")]);
    let files = |count: usize| format!("allow_files = [{}]", vec!["\"@one\""; count].join(", "));
    folder.checked(&files(FILES_MAX));
    assert_eq!(folder.messages(&files(FILES_MAX + 1)), ["257 list files, at most 256 are read"]);
}

#[test]
fn entries_are_a_path_or_a_table() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.messages("deny_files = [{ confidence = 5 }]"), ["`lists.deny_files[0]` needs `path`"]);
    assert_eq!(folder.messages("deny_files = [5, \"drop\"]"), ["bad value for `lists.deny_files[0]`"]);
    assert_eq!(
        folder.messages("deny_files = [{ path = \"@x\", confidence = 0 }]"),
        ["bad value for `lists.deny_files[0].confidence`"]
    );
}
