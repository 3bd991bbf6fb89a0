//! Postal addresses, without I/O: their fields, and which are valid. An address is stored as one value, and what filters compare is
//! kept beside it. Whether a place exists is not checked, as no two countries agree about what an address needs; the country is
//! a code, so that lists can be filtered by it. Called by the rules of customers.

use schemars::JsonSchema;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::text::{Fields, Flaw, written};

const MOST_LINES: usize = 5;
const LINE_CHARS: usize = 200;
const PLACE_CHARS: usize = 100;
const POSTAL_CODE_CHARS: usize = 16;

/// The codes of ISO 3166-1 alpha-2, and XK, by which Kosovo is known while it has none.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH \
    ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT \
    HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS \
    LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI \
    NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
    SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG \
    UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// A postal address.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, FromJsonQueryResult,
)]
#[serde(rename_all = "camelCase")]
pub struct PostalAddress {
    /// What is above the city: street and number, or a post-office box; 1 to 5 lines.
    pub lines: Vec<String>,
    /// The city, town or village.
    pub city: String,
    /// The state, province or county, where addresses have one.
    #[serde(default)]
    pub region: Option<String>,
    /// The postal code, where there are any.
    #[serde(default)]
    pub postal_code: Option<String>,
    /// The country, as of ISO 3166-1 alpha-2.
    pub country: String,
}

/// Brings an address into the form in which it is stored, and notes its flaws.
pub(super) fn check(address: &mut PostalAddress, fields: &mut Fields) {
    let count = match (1..=MOST_LINES).contains(&address.lines.len()) {
        true => Ok(()),
        false => Err(Flaw::new(
            "length",
            format!("must have 1 to {MOST_LINES} lines"),
        )),
    };
    let is_read = count.is_ok();
    fields.check("address.lines", count);
    if is_read {
        for (number, text) in address.lines.iter_mut().enumerate() {
            let field = format!("address.lines.{number}");
            fields.rule(&field, text, |text: &str| written::line(text, LINE_CHARS));
        }
    }
    fields.rule("address.city", &mut address.city, place);
    fields.rule("address.region", &mut address.region, place);
    fields.rule("address.postalCode", &mut address.postal_code, postal_code);
    fields.rule("address.country", &mut address.country, country);
}

fn place(text: &str) -> Result<String, Flaw> {
    written::line(text, PLACE_CHARS)
}

/// Returns a postal code as post offices write them.
fn postal_code(text: &str) -> Result<String, Flaw> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-');
    if !text.trim().chars().all(is_allowed) {
        let message = "must have letters A to Z, digits, - and spaces only";
        return Err(Flaw::new("characters", message));
    }
    written::line(text, POSTAL_CODE_CHARS)
}

fn country(text: &str) -> Result<String, Flaw> {
    let code = country_form(text);
    match code.len() == 2 && COUNTRIES.split(' ').any(|known| known == code) {
        true => Ok(code),
        false => {
            let message = "must be a code of ISO 3166-1 alpha-2, such as GB";
            Err(Flaw::new("country", message))
        }
    }
}

/// Returns the code of a country in the form in which it is stored and compared.
pub(super) fn country_form(text: &str) -> String {
    text.trim().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> PostalAddress {
        PostalAddress {
            lines: vec![" 12 St James's Square ".to_owned()],
            city: "London".to_owned(),
            region: None,
            postal_code: Some("SW1Y 4JH".to_owned()),
            country: "gb".to_owned(),
        }
    }

    fn violated(change: impl FnOnce(&mut PostalAddress)) -> Vec<String> {
        let mut address = address();
        change(&mut address);
        let mut fields = Fields::default();
        check(&mut address, &mut fields);
        let violations = fields.end().err().map_or_else(Vec::new, |it| it.0);
        let told = violations.into_iter();
        told.map(|it| format!("{}:{}", it.field, it.code)).collect()
    }

    #[test]
    fn an_address_is_stored_in_one_form() {
        let mut given = address();
        let mut fields = Fields::default();
        check(&mut given, &mut fields);
        fields.end().expect("a valid address");
        assert_eq!(given.lines, ["12 St James's Square"]);
        assert_eq!(given.country, "GB");
    }

    #[test]
    fn what_is_no_address_is_refused_field_by_field() {
        assert_eq!(violated(|it| it.lines.clear()), ["address.lines:length"]);
        assert_eq!(
            violated(|it| it.lines = vec!["x".to_owned(); 6]),
            ["address.lines:length"]
        );
        assert_eq!(
            violated(|it| it.lines.push("a\nb".to_owned())),
            ["address.lines.1:characters"]
        );
        assert_eq!(violated(|it| it.city.clear()), ["address.city:length"]);
        assert_eq!(
            violated(|it| it.region = Some("x".repeat(101))),
            ["address.region:length"]
        );
        assert_eq!(
            violated(|it| it.postal_code = Some("*".to_owned())),
            ["address.postalCode:characters"]
        );
        for country in ["", "England", "ZZ", "G", "A ", "\u{df}"] {
            let told = violated(|it| it.country = country.to_owned());
            assert_eq!(told, ["address.country:country"], "{country:?}");
        }
        let all = violated(|it| *it = PostalAddress::default());
        assert_eq!(all.len(), 3, "{all:?}");
    }
}
