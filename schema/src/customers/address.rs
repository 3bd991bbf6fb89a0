//! The postal address of a customer as clients see it, and as they give it.

use async_graphql::{InputObject, SimpleObject, Value, parser::types::Field};
use entities::customers;

use crate::list::List;
use crate::plain::read;

/// A postal address.
#[derive(SimpleObject)]
pub(crate) struct PostalAddress {
    /// What is above the city: street and number, or a post-office box. 1 to 5 lines.
    lines: List<String>,
    /// The city, town or village.
    city: String,
    /// The state, province or county. Null where addresses have none.
    region: Option<String>,
    /// The postal code. Null where there are none.
    postal_code: Option<String>,
    /// The country, as of ISO 3166-1 alpha-2, such as GB.
    country: String,
}

impl From<customers::PostalAddress> for PostalAddress {
    fn from(address: customers::PostalAddress) -> Self {
        let customers::PostalAddress {
            lines,
            city,
            region,
            postal_code,
            country,
        } = address;
        Self {
            lines: lines.into(),
            city,
            region,
            postal_code,
            country,
        }
    }
}

/// Returns the selected fields of an address, if they are plain.
pub(super) fn plain(address: &customers::PostalAddress, selected: &Field) -> Option<Value> {
    read::<PostalAddress>(&selected.selection_set.node, |field| {
        Some(match field.name.node.as_str() {
            "lines" => address.lines.clone().into(),
            "city" => address.city.as_str().into(),
            "region" => address.region.clone().into(),
            "postalCode" => address.postal_code.clone().into(),
            "country" => address.country.as_str().into(),
            _ => return None,
        })
    })
}

/// A postal address. It takes the place of the whole address before.
#[derive(InputObject)]
pub(crate) struct PostalAddressInput {
    /// What is above the city: street and number, or a post-office box. 1 to 5 lines of 1 to 200 characters.
    lines: Vec<String>,
    /// 1 to 100 characters.
    city: String,
    /// The state, province or county, 1 to 100 characters.
    region: Option<String>,
    /// 1 to 16 letters, digits, - and spaces.
    postal_code: Option<String>,
    /// A code of ISO 3166-1 alpha-2, such as GB, in either case; also XK, for Kosovo.
    country: String,
}

/// Returns an address as `entities` takes it.
pub(super) fn given(address: Option<PostalAddressInput>) -> Option<customers::PostalAddress> {
    let address = address?;
    Some(customers::PostalAddress {
        lines: address.lines,
        city: address.city,
        region: address.region,
        postal_code: address.postal_code,
        country: address.country,
    })
}
