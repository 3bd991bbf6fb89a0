//! An address is one however it is written, for customers, students and users alike.

use serde_json::json;
use tests::graphql::{Answer, Client};
use tests::{Setup, customers, people, students};

/// Spellings of one address; the first is the one that is stored.
const SPELLINGS: &[&[&str]] = &[
    &[
        "a@xn--mnchen-3ya.de",
        "a@münchen.de",
        "A@MU\u{308}NCHEN。de",
    ],
    &[
        "h@example.org",
        "h@example.org\u{200b}",
        "h@exam\u{ad}ple.org",
        "h@ｅxample.org",
        "h@example。org",
        "H@EXAMPLE.ORG",
    ],
];
const REFUSED: &[&str] = &[
    "a..b@example.org",
    ".a@example.org",
    "a.@example.org",
    "\u{200b}h@example.org",
    "h\u{ad}@example.org",
    "ｈ@example.org",
    "h@exam\u{202e}ple.org",
    "h@example.org.",
];

async fn send(client: &Client, what: &str, email: &str) -> Answer {
    match what {
        "customer" => {
            let input = json!({ "name": "A", "email": email });
            customers::send(client, "create", input).await
        }
        "student" => {
            let input = json!({ "name": "A", "email": email, "course": "Law" });
            students::send(client, "create", input).await
        }
        _ => people::send_register(client, "A", email, "a long password").await,
    }
}

fn stored<'a>(what: &str, answer: &'a Answer) -> &'a serde_json::Value {
    let data = answer.data();
    match what {
        "customer" => &data["createCustomer"]["customer"]["email"],
        "student" => &data["createStudent"]["student"]["email"],
        _ => &data["register"]["user"]["email"],
    }
}

async fn an_address_is_one_however_it_is_written(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    for what in ["customer", "student", "user"] {
        for spellings in SPELLINGS {
            let first = send(client, what, spellings[1]).await;
            assert_eq!(stored(what, &first), spellings[0], "{what}");
            for spelling in *spellings {
                let again = send(client, what, spelling).await;
                again.expect_code("CONFLICT");
            }
        }
        for refused in REFUSED {
            let answer = send(client, what, refused).await;
            let violations = answer.expect_code("VALIDATION")["violations"].clone();
            assert_eq!(violations[0]["field"], "email", "{what} {refused:?}");
        }
    }
    // Whoever signs in is found by any of them, and so is who is imported again.
    for spelling in SPELLINGS[0] {
        people::sign_in(client, spelling, "a long password").await;
        let row = json!({ "name": "A", "email": spelling, "course": "Law" });
        let input = json!({ "rows": [row], "existing": "SKIP" });
        assert_eq!(students::import(client, input).await["unchanged"], 1);
    }
    let rows = SPELLINGS[1]
        .iter()
        .map(|email| json!({ "name": "B", "email": format!("b{email}"), "course": "Law" }));
    let input = json!({ "rows": rows.collect::<Vec<_>>(), "mode": "EACH" });
    let imported = students::import(client, input).await;
    assert_eq!(
        (&imported["created"], &imported["refused"]),
        (&json!(1), &json!(5))
    );
}

/// The same password, typed on devices that compose letters and on those that do not.
async fn a_password_is_one_however_it_is_typed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let (composed, decomposed) = ("Zo\u{eb} trinkt Tee", "Zoe\u{308} trinkt Tee");
    for (number, set) in [composed, decomposed].into_iter().enumerate() {
        let email = format!("zoe{number}@example.com");
        let answer = people::send_register(client, "Zoë", &email, set).await;
        answer.data();
        for typed in [composed, decomposed] {
            people::sign_in(client, &email, typed).await;
        }
    }
}

tests::both_ways!(an_address_is_one_however_it_is_written);
tests::embedded!(a_password_is_one_however_it_is_typed);
