//! The numbers of the model's card, as Markdown.
//!
//! Called by the program; the tests read the card again. Always holds: every number is of names that the model
//! judged was not trained on.

use std::fmt::Write;

use repute_reputation::names::NameModel;

use crate::corpus::{Corpus, Name};
use crate::measure::{Measured, measure};
use crate::train::{Choice, score, train};

/// Families with fewer names are not listed.
const LEAST: usize = 28;

/// The tables of the card: the model on its split, by family and list, calibration, and what it would find of each
/// family had it never seen it (a model is trained for each, which takes a while).
pub fn card(corpus: &Corpus, model: &NameModel) -> String {
    [split(corpus, model), families(corpus, model), calibration(corpus, model)].join("\n")
}

/// Scores of the test names that `takes` picks.
fn scores(corpus: &Corpus, model: &NameModel, takes: impl Fn(&Name) -> bool) -> Vec<f32> {
    let names = corpus.names.iter().filter(|name| name.is_test() && takes(name));
    names.map(|name| score(model, name)).collect()
}

fn split(corpus: &Corpus, model: &NameModel) -> String {
    let made = scores(corpus, model, |name| name.made);
    let mut text =
        "| test split | names | AUC | found at 1 % false positives |\n|---|---|---|---|\n".to_owned();
    for (title, list) in [
        ("against all lists", None),
        ("against Tranco 10 000", Some("tranco10k")),
        ("against dynamic DNS", Some("dynamic-dns")),
    ] {
        let benign = scores(corpus, model, |name| !name.made && list.is_none_or(|list| name.group == list));
        let Measured { area, found } = measure(&made, &benign);
        let _ = writeln!(
            text,
            "| {title} | {} and {} | {area:.4} | {:.1} % |",
            made.len(),
            benign.len(),
            found * 100.0
        );
    }
    text
}

fn families(corpus: &Corpus, model: &NameModel) -> String {
    let benign = scores(corpus, model, |name| !name.made);
    let mut text =
        "| family | names | AUC | found | never seen: AUC | found |\n|---|---|---|---|---|---|\n".to_owned();
    let (mut areas, mut founds, mut total, mut weighted) = (0.0, 0.0, 0, 0.0);
    let families = corpus.families(LEAST);
    for &(family, count) in &families {
        let is_it = |name: &Name| name.made && name.group == family;
        let seen = measure(&scores(corpus, model, is_it), &benign);
        let other = NameModel::new(train(corpus, Choice { without: Some(family) }));
        let all: Vec<f32> =
            corpus.names.iter().filter(|name| is_it(name)).map(|name| score(&other, name)).collect();
        let unseen = measure(&all, &scores(corpus, &other, |name| !name.made));
        let percent = |share: f64| share * 100.0;
        let _ = writeln!(
            text,
            "| {family} | {count} | {:.3} | {:.0} % | {:.3} | {:.0} % |",
            seen.area,
            percent(seen.found),
            unseen.area,
            percent(unseen.found)
        );
        areas += unseen.area;
        founds += unseen.found;
        total += count;
        weighted += unseen.area * count as f64;
    }
    let count = families.len() as f64;
    let _ = writeln!(
        text,
        "| mean of {count} families | | | | {:.3} | {:.0} % |",
        areas / count,
        founds / count * 100.0
    );
    let _ = writeln!(text, "| mean by names | {total} | | | {:.3} | |", weighted / total as f64);
    text
}

fn calibration(corpus: &Corpus, model: &NameModel) -> String {
    let mut bins = [(0_u32, 0.0_f64, 0_u32); 10];
    for name in corpus.names.iter().filter(|name| name.is_test()) {
        let probability = score(model, name);
        let bin = &mut bins[((probability * 10.0) as usize).min(9)];
        *bin = (bin.0 + 1, bin.1 + f64::from(probability), bin.2 + u32::from(name.made));
    }
    let mut text = "| probability | names | mean | algorithms' |\n|---|---|---|---|\n".to_owned();
    for (i, (count, sum, made)) in bins.into_iter().enumerate() {
        let (low, all) = (i as f64 / 10.0, f64::from(count.max(1)));
        let _ = writeln!(
            text,
            "| {low:.1} to {:.1} | {count} | {:.3} | {:.3} |",
            low + 0.1,
            sum / all,
            f64::from(made) / all
        );
    }
    text
}
