//! `[profiles.*.factors.NAME]`: how much each named reason counts.

use repute_model::Factor;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::ModelName;
use crate::read::{Node, Overlay, Reader, table};
use crate::value::Number;

/// How much one factor counts, and from which evidence on.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Weight {
    /// How much it counts alone: a share of 1 (`weighted-sum`) or points of 100 (`suspicion`).
    pub weight: Number<0, 1000>,
    /// The most evidence that means nothing, in the factor's unit.
    pub from: Number<0, 1_000_000_000>,
    /// The least evidence that means everything; above `from`.
    pub full: Number<0, 1_000_000_000>,
}

table!(Weight { weight, from, full });

impl Weight {
    /// Counts the same share of 1 in points of 100.
    pub(super) fn count_in_points(&mut self) {
        self.weight = Number::new(self.weight.get() * 100.0);
    }
}

/// Weight and ramp of every factor that any profile has, in the order of [`Factor::ALL`].
///
/// `history` belongs to the formula of model `egress-interval`: it has a place here and no key.
#[derive(Clone, PartialEq, Debug)]
pub struct Factors(pub [Weight; Factor::GENERAL]);

impl Factors {
    /// Changes the starting weights from those of `weighted-sum` to those of `model`.
    pub(super) fn start_with(&mut self, model: ModelName) {
        match model {
            ModelName::WeightedSum => {}
            ModelName::EgressInterval => *self = Self::egress_interval(),
            ModelName::Suspicion => self.0.iter_mut().for_each(Weight::count_in_points),
        }
    }

    /// The factors that have a key.
    fn named() -> impl Iterator<Item = Factor> {
        general().filter(|&factor| factor != Factor::History)
    }
}

impl Overlay for Factors {
    fn overlay(&mut self, node: &Node<'_>, reader: &mut Reader) {
        let known: Vec<_> = Self::named().map(Factor::name).collect();
        reader.keys(node, &known, &[], |reader, key, value| {
            if let Some(factor) = Self::named().find(|factor| factor.name() == key) {
                self.0[factor.index()].overlay(value, reader);
            }
        });
    }
}

/// The factors that any profile has.
pub(crate) fn general() -> impl Iterator<Item = Factor> {
    Factor::ALL.iter().copied().filter(|factor| !factor.is_of_dns())
}

impl Serialize for Factors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Self::named().map(|factor| (factor.name(), self.0[factor.index()])))
    }
}

impl JsonSchema for Factors {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Factors".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema_of(Self::named(), generator)
    }
}

/// A table with a key for each of these factors.
pub(super) fn schema_of(factors: impl Iterator<Item = Factor>, generator: &mut SchemaGenerator) -> Schema {
    let mut properties = serde_json::Map::new();
    for factor in factors {
        let mut schema = generator.subschema_for::<Weight>();
        schema.insert(
            "description".to_owned(),
            format!("{} Evidence: {}.", factor.help(), factor.unit()).into(),
        );
        schema.remove("required");
        properties.insert(factor.name().to_owned(), schema.to_value());
    }
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}
