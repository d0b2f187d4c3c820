//! Checks of `[alerts]`: inputs with one origin each, rules with one action at most.

use super::{at, entries, one_of, treat};
use crate::config::{AlertInput, AlertRule, Config};
use crate::read::Reader;

/// Most inputs: each has a task.
const INPUTS_MAX: usize = 16;
/// Most rules.
const RULES_MAX: usize = 4096;
/// What rules call the API.
const API: &str = "api";

pub(super) fn check(config: &Config, reader: &mut Reader) {
    if !reader.sound("alerts") {
        return;
    }
    let alerts = &config.alerts;
    entries(reader, "alerts.inputs", alerts.inputs.iter().map(|input| &input.name), INPUTS_MAX);
    entries(reader, "alerts.rules", alerts.rules.iter().map(|rule| &rule.name), RULES_MAX);
    for (i, one) in alerts.inputs.iter().enumerate() {
        input(&format!("alerts.inputs[{i}]"), one, reader);
    }
    for (i, one) in alerts.rules.iter().enumerate() {
        let path = format!("alerts.rules[{i}]");
        rule(&path, one, reader);
        treat::check(&path, one, config, reader);
        origin(&path, one, &alerts.inputs, reader);
    }
    if alerts.bound.get() <= 0.0 {
        let found = at(reader, "alerts.bound", "alerts that may do nothing").label("must be above 0");
        reader.findings.push(found.help("remove the rules instead"));
    }
}

fn input(path: &str, input: &AlertInput, reader: &mut Reader) {
    let AlertInput { eve, unix, syslog, from, .. } = input;
    one_of(reader, path, &[("eve", eve.is_some()), ("unix", unix.is_some()), ("syslog", syslog.is_some())]);
    if syslog.is_some() && from.is_empty() {
        let found = at(reader, &format!("{path}.syslog"), "alerts from anybody")
            .label("`from` is missing")
            .help("name the prefixes of the sensors: whoever may send alerts may lower anybody's score");
        reader.findings.push(found);
    }
    if input.name.as_str() == API {
        let found =
            at(reader, &format!("{path}.name"), "the API is called so in rules").label("choose another name");
        reader.findings.push(found);
    }
}

fn rule(path: &str, rule: &AlertRule, reader: &mut Reader) {
    let actions =
        [("lower", rule.lower.is_some()), ("raise", rule.raise.is_some()), ("treat", rule.treat.is_some())];
    if actions.iter().filter(|(_, given)| *given).count() > 1 {
        one_of(reader, path, &actions);
    }
    for (key, by) in [("lower", rule.lower), ("raise", rule.raise)] {
        if by.is_some_and(|by| by.get() < 0.0001) {
            let found = at(reader, &format!("{path}.{key}"), "less than the smallest step of a score");
            reader.findings.push(found.label("must be from 0.0001 to 1").help("remove it to do nothing"));
        }
    }
    let above = |(from, to)| (from > to).then_some(());
    let is_upside_down = rule.signature.zip(rule.signature_to).and_then(above).is_some();
    if is_upside_down || (rule.signature.is_none() && rule.signature_to.is_some()) {
        let found = at(reader, &format!("{path}.signature_to"), "a range of signatures without any")
            .label("must not be below `signature`");
        reader.findings.push(found);
    }
}

/// The input that a rule names exists.
fn origin(path: &str, rule: &AlertRule, inputs: &[AlertInput], reader: &mut Reader) {
    let Some(name) = &rule.input else { return };
    if name.as_str() != API && inputs.iter().all(|input| input.name != *name) {
        let found = at(reader, &format!("{path}.input"), format!("there is no input `{name}`"))
            .label("no alert comes through it")
            .help(format!("name one of `alerts.inputs`, or `{API}`"));
        reader.findings.push(found);
    }
}
