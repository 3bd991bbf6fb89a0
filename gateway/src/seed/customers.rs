//! Customers with plausible names and addresses.

use entities::{
    CommandContext, CommandError, Entities,
    customers::{CreateCustomer, CustomerStatus, PostalAddress},
};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;

use super::{at_once, progress_bar};

const FIRST: [&str; 16] = [
    "Ada",
    "Alan",
    "Barbara",
    "Claude",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "John",
    "Katherine",
    "Margaret",
    "Niklaus",
    "Radia",
    "Tim",
    "Wang",
];
const LAST: [&str; 16] = [
    "Allen",
    "Berners",
    "Dijkstra",
    "Hamilton",
    "Hopper",
    "Johnson",
    "Kaspersen",
    "Knuth",
    "Lamarr",
    "Liskov",
    "Lovelace",
    "Okafor",
    "Perlman",
    "Shannon",
    "Turing",
    "Wirth",
];
/// Streets, and cities with their region, postal code and country.
const STREETS: [&str; 5] = [
    "High Street",
    "Mill Lane",
    "Station Road",
    "Park Avenue",
    "Harbour Street",
];
const CITIES: [(&str, Option<&str>, Option<&str>, &str); 7] = [
    ("London", None, Some("SW1A 1AA"), "GB"),
    ("Cambridge", Some("MA"), Some("02139"), "US"),
    ("Amsterdam", None, Some("1012 JS"), "NL"),
    ("Zürich", None, Some("8001"), "CH"),
    ("Toronto", Some("ON"), Some("M5V 2T6"), "CA"),
    ("Dublin", None, Some("D02 X285"), "IE"),
    ("Hong Kong", None, None, "HK"),
];
/// Customers created in one transaction.
const BATCH: u64 = 250;
/// The most transactions at once.
const CONCURRENT: usize = 4;

/// Creates `count` customers, numbered on from those that exist.
///
/// # Errors
/// When a customer cannot be created; those before it stay.
pub async fn seed(entities: &Entities, count: u64, progress: bool) -> Result<(), CommandError> {
    let first = entities.log.tail().position();
    let bar = if progress {
        progress_bar("customers", count)
    } else {
        ProgressBar::hidden()
    };
    let batches = (0..count.div_ceil(BATCH)).map(|batch| {
        let numbers = batch * BATCH..count.min((batch + 1) * BATCH);
        let inputs: Vec<_> = numbers.map(|number| customer(first + number)).collect();
        let bar = bar.clone();
        async move {
            let size = inputs.len() as u64;
            entities
                .customers
                .create_all(CommandContext::process("seed"), inputs)
                .await?;
            bar.inc(size);
            Ok::<_, CommandError>(())
        }
    });
    stream::iter(batches)
        .buffer_unordered(at_once(entities, CONCURRENT))
        .try_collect::<()>()
        .await?;
    bar.finish();
    Ok(())
}

fn customer(number: u64) -> CreateCustomer {
    let pick = |words: &[&'static str; 16], number: u64| words[number as usize % 16];
    let (first, last) = (pick(&FIRST, number), pick(&LAST, number * 5 + number / 16));
    CreateCustomer {
        name: format!("{first} {last}"),
        email: format!(
            "{}.{}.{number}@example.com",
            first.to_lowercase(),
            last.to_lowercase()
        ),
        phone: (!number.is_multiple_of(3)).then(|| format!("+1 555 {:07}", number % 10_000_000)),
        address: (!number.is_multiple_of(4)).then(|| address(number)),
        status: match number % 10 {
            0..=1 => CustomerStatus::Prospect,
            2..=7 => CustomerStatus::Active,
            8 => CustomerStatus::Suspended,
            _ => CustomerStatus::Closed,
        },
    }
}

fn address(number: u64) -> PostalAddress {
    let (city, region, postal_code, country) = CITIES[number as usize % CITIES.len()];
    let street = STREETS[number as usize % STREETS.len()];
    PostalAddress {
        lines: vec![format!("{} {street}", 1 + number % 250)],
        city: city.to_owned(),
        region: region.map(str::to_owned),
        postal_code: postal_code.map(str::to_owned),
        country: country.to_owned(),
    }
}
