//! The committed model against its card, and against names of kinds that it was never shown.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use repute_names::{Choice, Corpus, Name, area, card, measure, score, train};
use repute_reputation::names::NameModel;
use repute_traffic::rng::Rng;

/// How far a measured number may be below the card's.
const TOLERANCE: f64 = 0.002;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names, or a message that there are none.
fn corpus() -> Option<Corpus> {
    let named = std::env::var_os("REPUTE_CORPUS").map(PathBuf::from);
    let path = named.unwrap_or_else(|| root().join("../shared/corpus"));
    if !path.join("dga").exists() {
        eprintln!("skipped: no corpus at {}; set REPUTE_CORPUS", path.display());
        return None;
    }
    Some(Corpus::read(&path).unwrap())
}

fn data(file: &str) -> Vec<u8> {
    std::fs::read(root().join("dataplane/reputation/data").join(file)).unwrap()
}

/// The cells of the row of the card that begins with `title`.
fn row(title: &str) -> Vec<String> {
    let text = String::from_utf8(data("names.md")).unwrap();
    let start = format!("| {title} |");
    let line = text.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no row {title}"));
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// Scores of the names that judge and that `takes` picks.
fn scores(corpus: &Corpus, model: &NameModel, takes: impl Fn(&Name) -> bool) -> Vec<f32> {
    let names = corpus.names.iter().filter(|name| name.is_test() && takes(name));
    names.map(|name| score(model, name)).collect()
}

#[test]
fn the_model_is_worth_what_its_card_says() {
    let Some(corpus) = corpus() else { return };
    let model = NameModel::built_in().unwrap();
    let made = scores(&corpus, &model, |name| name.made);
    for (title, list) in [
        ("against all lists", None),
        ("against Tranco 10 000", Some("tranco10k")),
        ("against dynamic DNS", Some("dynamic-dns")),
    ] {
        let benign = scores(&corpus, &model, |name| !name.made && list.is_none_or(|list| name.group == list));
        let measured = measure(&made, &benign);
        let cells = row(title);
        let (promised, found): (f64, f64) =
            (cells[3].parse().unwrap(), cells[4].trim_end_matches(" %").parse().unwrap());
        assert!(measured.area > promised - TOLERANCE, "{title}: {measured:?}");
        assert!(measured.found > found / 100.0 - 0.02, "{title}: {measured:?}");
        assert!(promised > 0.91, "a trigram naive Bayes has 0.91");
    }
}

#[test]
fn probabilities_are_shares() {
    let Some(corpus) = corpus() else { return };
    let model = NameModel::built_in().unwrap();
    let mut bins = [(0.0, 0.0, 0.0); 10];
    let judging: Vec<&Name> = corpus.names.iter().filter(|name| name.is_test()).collect();
    for name in &judging {
        let probability = f64::from(score(&model, name));
        let bin = &mut bins[((probability * 10.0) as usize).min(9)];
        *bin = (bin.0 + 1.0, bin.1 + probability, bin.2 + f64::from(u8::from(name.made)));
    }
    // The expected calibration error (Naeini and others 2015).
    let error: f64 = bins.iter().map(|(_, expected, made)| (expected - made).abs()).sum::<f64>();
    assert!(error / (judging.len() as f64) < 0.02, "{bins:?}");
}

#[test]
fn trained_anew_it_is_the_same_to_the_byte() {
    let Some(corpus) = corpus() else { return };
    let bytes = train(&corpus, Choice::default()).to_bytes();
    assert!(bytes == data("names.model"), "train it anew with `repute-names train` and write its card anew");
}

#[test]
fn families_that_it_never_saw() {
    let Some(corpus) = corpus() else { return };
    for (family, least) in [("simda", 0.94), ("bazarbackdoor", 0.94), ("pykspa", 0.95)] {
        let model = NameModel::new(train(&corpus, Choice { without: Some(family) }));
        let names = corpus.names.iter().filter(|name| name.group == family);
        let made: Vec<f32> = names.map(|name| score(&model, name)).collect();
        let area = area(&made, &scores(&corpus, &model, |name| !name.made));
        assert!(area > least, "{family}: {area}");
    }
}

/// 2000 names of `len` characters of an alphabet, put into `name`.
fn generated(seed: u64, alphabet: &[u8], len: (u64, u64), name: impl Fn(&str) -> String) -> Vec<Name> {
    let mut rng = Rng::new(seed, 0);
    let mut one = || {
        let len = rng.between(len.0, len.1);
        let label: String = (0..len)
            .map(|_| char::from(alphabet[rng.between(0, alphabet.len() as u64 - 1) as usize]))
            .collect();
        Name::new(&name(&label), "generated", true)
    };
    (0..2000).map(|_| one()).collect()
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

#[test]
fn algorithms_of_other_shapes() {
    let Some(corpus) = corpus() else { return };
    let model = NameModel::built_in().unwrap();
    let benign = scores(&corpus, &model, |name| !name.made);
    for (seed, what, alphabet, len, least) in [
        (1, "short", LETTERS, (6, 8), 0.93),
        (2, "a few letters", &b"abcdefghjkmnp"[..], (10, 16), 0.97),
        (3, "long", LETTERS, (24, 34), 0.99),
        (4, "hexadecimal", b"0123456789abcdef", (12, 20), 0.99),
        (5, "base32", BASE32, (12, 24), 0.99),
    ] {
        let names = generated(seed, alphabet, len, |label| format!("{label}.biz"));
        let made: Vec<f32> = names.iter().map(|name| score(&model, name)).collect();
        let measured = measure(&made, &benign);
        assert!(measured.area > least, "{what}: {measured:?}");
    }
}

#[test]
fn tunnels_and_the_ids_of_good_hosts() {
    let model = NameModel::built_in().unwrap();
    let share = |names: &[Name]| {
        names.iter().filter(|name| score(&model, name) > 0.5).count() as f64 / names.len() as f64
    };
    let tunnel = generated(6, BASE32, (57, 63), |label| format!("{label}.t.example.com"));
    assert!(share(&tunnel) > 0.99, "{}", share(&tunnel));
    let in_pieces = generated(7, b"0123456789abcdef", (60, 60), |label| {
        format!("{}.{}.{}.example.com", &label[..20], &label[20..40], &label[40..])
    });
    assert!(share(&in_pieces) > 0.99, "{}", share(&in_pieces));
    for (seed, alphabet, len) in
        [(8, BASE32, (10, 14)), (9, b"0123456789abcdef", (8, 32)), (10, LETTERS, (3, 20))]
    {
        let hosts = generated(seed, alphabet, len, |label| format!("{label}.cdn.example.com"));
        assert!(share(&hosts) < 0.01, "{}", share(&hosts));
    }
}

#[test]
#[ignore = "long: trains a model for every family"]
fn the_whole_card_is_as_written() {
    let Some(corpus) = corpus() else { return };
    let text = String::from_utf8(data("names.md")).unwrap();
    for table in card(&corpus, &NameModel::built_in().unwrap()).split("\n\n") {
        assert!(text.contains(table.trim()), "the card lacks:\n{table}");
    }
}
