//! The store against plain maps under random operations, with reopening in between.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::collections::BTreeMap;

use common::{at, explained, open, record, source, sources};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use repute_model::Source;
use repute_store::{Limits, Nudge, Round, SourceRecord, Store};

#[derive(Clone, Debug)]
enum Step {
    Begin,
    Add(Vec<u32>),
    Finish,
    /// The process ends; a round under way stays unfinished.
    Reopen,
    Explain(u32, u64),
    Nudge(u32),
    Mark(u8, Vec<u8>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Begin),
        6 => prop::collection::vec(0..60u32, 0..30).prop_map(Step::Add),
        2 => Just(Step::Finish),
        1 => Just(Step::Reopen),
        3 => (0..4u32, 0..50u64).prop_map(|(number, ms)| Step::Explain(number, ms)),
        1 => (0..60u32).prop_map(Step::Nudge),
        1 => (0..4u8, prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(name, bytes)| Step::Mark(name, bytes)),
    ];
    prop::collection::vec(step, 1..50)
}

/// What the store should hold.
#[derive(Default)]
struct Model {
    /// The last finished round under what came since.
    visible: BTreeMap<Source, SourceRecord>,
    /// The round under way alone.
    under_way: BTreeMap<Source, SourceRecord>,
    explained: BTreeMap<(Source, u64), u32>,
    /// By age, for what goes first.
    nudges: Vec<Source>,
    marks: BTreeMap<u8, Vec<u8>>,
    rounds: u32,
}

const PER_SOURCE: u64 = 5;
const EXPLANATIONS: u64 = 12;

impl Model {
    fn explain(&mut self, number: u32, ms: u64) {
        let source = source(number);
        self.explained.insert((source, ms), number);
        let of_source: Vec<u64> =
            self.explained.range((source, 0)..=(source, u64::MAX)).map(|(k, _)| k.1).collect();
        if of_source.len() as u64 > PER_SOURCE {
            self.explained.remove(&(source, of_source[0]));
        }
        while self.explained.len() as u64 > EXPLANATIONS {
            let oldest = *self.explained.keys().min_by_key(|(source, ms)| (*ms, *source)).unwrap();
            self.explained.remove(&oldest);
        }
    }
}

fn compare(store: &Store, model: &Model) {
    assert_eq!(sources(store), model.visible);
    assert_eq!(store.explanations_len().unwrap(), model.explained.len() as u64);
    for number in 0..4 {
        let kept = store.explanations(source(number), at(0), at(1000), 100).unwrap();
        let expected = model.explained.range((source(number), 0)..=(source(number), u64::MAX)).rev();
        let expected: Vec<_> = expected.map(|((_, ms), &number)| explained(number, *ms)).collect();
        assert_eq!(kept, expected);
    }
    let nudges = store.nudges(at(0), 1000).unwrap();
    assert_eq!(nudges.iter().map(|nudge| nudge.source).collect::<Vec<_>>(), model.nudges);
    for name in 0..4u8 {
        assert_eq!(store.mark(&name.to_string()).unwrap().as_ref(), model.marks.get(&name));
    }
}

fn run(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let limits =
        Limits { explanations: EXPLANATIONS, explanations_per_source: PER_SOURCE, ..Limits::default() };
    let (mut store, mut model) = (open(folder.path(), limits), Model::default());
    let mut round: Option<Round> = None;
    for step in steps {
        match step {
            Step::Begin => {
                model.rounds += 1;
                model.under_way.clear();
                round = Some(store.begin_round(at(0)).unwrap());
            }
            Step::Add(numbers) => {
                let Some(round) = &mut round else { continue };
                let records: Vec<_> = numbers.iter().map(|&number| record(number, model.rounds)).collect();
                round.add(&records, at(0)).unwrap();
                model.under_way.extend(records.iter().map(|record| (record.source, *record)));
                model.visible.extend(records.iter().map(|record| (record.source, *record)));
            }
            Step::Finish => {
                let Some(mut ends) = round.take() else { continue };
                ends.finish().unwrap();
                model.visible = std::mem::take(&mut model.under_way);
            }
            Step::Reopen => {
                round = None;
                drop(store);
                store = open(folder.path(), limits);
                compare(&store, &model);
            }
            Step::Explain(number, ms) => {
                store.add_explanations(&[explained(number, ms)]).unwrap();
                model.explain(number, ms);
            }
            Step::Nudge(number) => {
                let (who, why) = ("operator".to_owned(), "seen elsewhere".to_owned());
                let nudge =
                    Nudge { at: at(1), source: source(number), delta: -100, forgive: false, who, why };
                store.add_nudge(&nudge).unwrap();
                model.nudges.push(nudge.source);
            }
            Step::Mark(name, bytes) => {
                store.set_mark(&name.to_string(), &bytes).unwrap();
                model.marks.insert(name, bytes);
            }
        }
    }
    compare(&store, &model);
}

#[test]
fn the_store_is_what_plain_maps_are() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[41; 32]);
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, rng)
        .run(&steps(), |steps| {
            run(steps);
            Ok(())
        })
        .unwrap();
}
