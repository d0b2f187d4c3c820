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

/// Weight and ramp of every factor, in the order of [`Factor::ALL`].
///
/// `history` belongs to the formula of model `egress-interval`: it has a place here and no key.
#[derive(Clone, PartialEq, Debug)]
pub struct Factors(pub [Weight; Factor::COUNT]);

impl Factors {
    /// What a factor counts.
    pub const fn get(&self, factor: Factor) -> Weight {
        self.0[factor.index()]
    }

    /// Changes the starting weights from those of `weighted-sum` to those of `model`.
    pub(super) fn start_with(&mut self, model: ModelName) {
        match model {
            ModelName::WeightedSum => {}
            ModelName::EgressInterval => *self = Self::egress_interval(),
            // The same shares, counted in points of 100.
            ModelName::Suspicion => {
                for weight in &mut self.0 {
                    weight.weight = Number::new(weight.weight.get() * 100.0);
                }
            }
        }
    }

    /// The factors that have a key.
    fn named() -> impl Iterator<Item = Factor> {
        Factor::ALL.iter().copied().filter(|&factor| factor != Factor::History)
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

impl Serialize for Factors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Self::named().map(|factor| (factor.name(), self.get(factor))))
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
        let mut properties = serde_json::Map::new();
        for factor in Self::named() {
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
}
