//! Enumerations in JSON: by name, where Protobuf keeps numbers. Named in `build.rs`.

use serde::Serializer;

use crate::v1::{Band, MitigationChange, PolicyState, RuleKind};

pub fn band<S: Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(Band::try_from(*number).unwrap_or_default().name())
}

pub fn state<S: Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(PolicyState::try_from(*number).unwrap_or_default().name())
}

pub fn rule_kind<S: Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(RuleKind::try_from(*number).unwrap_or_default().name())
}

pub fn change<S: Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(MitigationChange::try_from(*number).unwrap_or_default().name())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::v1::{Count, PolicyVersion, SourceRow};

    #[test]
    fn numbers_of_enumerations_become_names() {
        let row = SourceRow { source: "192.0.2.7".into(), band: 4, ..SourceRow::default() };
        let row = serde_json::to_value(row).unwrap();
        assert_eq!((&row["source"], &row["band"]), (&json!("192.0.2.7"), &json!("poor")));
        let version = PolicyVersion { state: 3, restores: Some(1), ..PolicyVersion::default() };
        let version = serde_json::to_value(version).unwrap();
        assert_eq!((&version["state"], &version["restores"]), (&json!("unconfirmed"), &json!(1)));
    }

    #[test]
    fn numbers_nobody_knows_are_unspecified() {
        let row = serde_json::to_value(SourceRow { band: 77, ..SourceRow::default() }).unwrap();
        assert_eq!(row["band"], json!("unspecified"));
        let count = serde_json::to_value(Count { count: 7, ..Count::default() }).unwrap();
        assert_eq!(count["count"], json!(7));
    }
}
