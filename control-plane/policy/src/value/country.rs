//! A country as a config value.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{Node, Reader, Scalar};

/// ISO 3166-1 alpha-2, and XK, which databases of places use for Kosovo.
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH \
    ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT \
    HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS \
    LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI \
    NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
    SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG \
    UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// A country by its code of two letters, large or small.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Country([u8; 2]);

impl Country {
    /// What stands for a country that is required until it is read.
    pub(crate) const UNREAD: Self = Self(*b"ZZ");

    fn from_code(code: &str) -> Option<Self> {
        let known = CODES.split(' ').find(|known| known.eq_ignore_ascii_case(code))?;
        known.as_bytes().try_into().ok().map(Self)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(self.0[0]), char::from(self.0[1]))
    }
}

impl Scalar for Country {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let expected = "a country's code of two letters, such as \"DE\"";
        let text = reader.text(node, expected)?;
        let country = Self::from_code(text);
        if country.is_none() {
            let label = "no country has this code".to_owned();
            reader.reject(node, label, Some(format!("expected {expected} (ISO 3166-1 alpha-2, and XK)")));
        }
        country
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Country {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Country".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z]{2}$", "title": "a country (ISO 3166-1 alpha-2)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        assert_eq!(CODES.split(' ').count(), 250);
        assert!(CODES.split(' ').all(|code| code.len() == 2) && CODES.split(' ').is_sorted());
        assert_eq!(Country::from_code("de").map(|code| code.to_string()).as_deref(), Some("DE"));
        assert!(["", "D", "DEU", "ZZ", "UK", "D "].iter().all(|code| Country::from_code(code).is_none()));
    }
}
