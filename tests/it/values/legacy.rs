//! What versions before have written is brought into form by `millrace migrate`: addresses that are one now are told and kept, and
//! nobody is locked out.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;
use tests::database::{is_postgres, number};
use tests::recipe::finish;
use tests::{Setup, customers, people};

/// Makes a row as a version before would have written it.
async fn write(database: &DatabaseConnection, sql: &str) {
    let written = database.execute_unprepared(sql).await;
    written.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn what_was_stored_before_is_brought_into_form(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    for (name, email) in [
        ("Straße", "a@example.org"),
        ("Sole", "b@example.org"),
        ("First", "c@xn--mnchen-3ya.de"),
    ] {
        let address = json!({ "lines": ["1"], "city": "Straße", "country": "DE" });
        let input = json!({ "name": name, "email": email, "address": address });
        customers::send(client, "create", input).await.data();
    }
    for (name, email) in [("Kept", "kept@example.org"), ("Other", "other@example.org")] {
        people::send_register(client, name, email, "a long password")
            .await
            .data();
    }
    for (table, from, to, search) in [
        (
            "customer",
            "a@example.org",
            "A@Straße.example",
            "straße\na@straße.example",
        ),
        (
            "customer",
            "b@example.org",
            "c@münchen.de",
            "sole\nc@münchen.de",
        ),
        (
            "app_user",
            "kept@example.org",
            "kept@münchen.de",
            "κωνσταντίνος",
        ),
        (
            "app_user",
            "other@example.org",
            "kept@xn--mnchen-3ya.de",
            "other",
        ),
    ] {
        write(
            &database,
            &format!(
                "update {table} set email = '{to}', email_key = '{}', search_text = '{search}' where email = '{from}'",
                to.to_lowercase()
            ),
        )
        .await;
    }
    write(&database, "update customer set city_key = 'straße'").await;
    write(
        &database,
        "update app_user set name = 'Κωνσταντίνος' where name = 'Kept'",
    )
    .await;
    let migrated = finish(&mut setup.command(&["migrate"]));
    assert!(migrated.status.success(), "{migrated:?}");
    let told = String::from_utf8_lossy(&migrated.stdout).into_owned();
    assert_eq!(
        told.lines()
            .filter(|line| line.contains("xn--mnchen-3ya.de"))
            .count(),
        2,
        "{told}"
    );
    assert!(
        told.contains("customer_") && told.contains("user_"),
        "{told}"
    );
    // Nothing is lost, and what is no conflict is unique in its new form, and found.
    assert_eq!(
        number(&database, "select count(*) as number from customer").await,
        3
    );
    let input = json!({ "name": "New", "email": "a@xn--strae-oqa.example" });
    customers::send(client, "create", input)
        .await
        .expect_code("CONFLICT");
    for (search, expected) in [("STRASSE", 1), ("ΚΩΝΣ", 0)] {
        let document =
            "query($search: String) { customers(filter: { search: $search }) { totalCount } }";
        let answer = client.run(document, json!({ "search": search })).await;
        assert_eq!(
            answer.data()["customers"]["totalCount"],
            expected,
            "{search}"
        );
    }
    // Also of the row whose address is a conflict, all else is brought into form.
    let document = "{ customers(filter: { city: { eq: \"STRASSE\" } }) { totalCount } }";
    let answer = client.run(document, json!({})).await;
    assert_eq!(answer.data()["customers"]["totalCount"], 3);
    let document = "{ users(filter: { search: \"ΚΩΝΣ\" }) { totalCount } }";
    let answer = client.run(document, json!({})).await;
    assert_eq!(answer.data()["users"]["totalCount"], 1);
    // Each of the two has the address that they registered with.
    for (email, name) in [
        ("kept@münchen.de", "Κωνσταντίνος"),
        ("Kept@xn--mnchen-3ya.de", "Other"),
    ] {
        let person = people::sign_in(client, email, "a long password").await;
        assert_eq!(person.name, name, "{email}");
    }
    // What is in form already is left alone, and the conflicts are told until somebody has decided.
    let again = finish(&mut setup.command(&["migrate"]));
    let told = String::from_utf8_lossy(&again.stdout).into_owned();
    assert_eq!(
        told.lines()
            .filter(|line| line.contains("xn--mnchen-3ya.de"))
            .count(),
        2,
        "{told}"
    );
    assert!(is_postgres(&database) == setup.is_distributed());
}

/// A table so large that one statement does not get through it in its time, 10 s. Some of its rows take half a second here in place of that.
async fn a_large_table_is_brought_into_form(setup: Setup) {
    let database = setup.database().await;
    let name = &setup.database_url[setup.database_url.rfind('/').expect("a name") + 1..];
    for sql in [
        "insert into post select lpad(to_hex(n), 32, '0')::uuid, gen_random_uuid(), 'Straße',
             case when n % 500 = 0 then 'slow' when n = 11999 then 'straße' else 'strasse' end, 0, 0, 1, now(), now()
         from generate_series(1, 12000) n",
        "create function octet_length(text) returns int language plpgsql volatile as $$ begin
             if $1 = 'slow' then perform pg_sleep(0.5); end if;
             return pg_catalog.octet_length($1);
         end $$",
        &format!("alter database {name} set search_path = public, pg_catalog"),
    ] {
        write(&database, sql).await;
    }
    let done = finish(&mut setup.command(&["migrate"]));
    assert!(done.status.success(), "{done:?}");
    let folded = "select count(*) as number from post where search_text = 'straße'";
    assert_eq!(number(&database, folded).await, 0);
}

tests::both_ways!(what_was_stored_before_is_brought_into_form);
tests::distributed!(a_large_table_is_brought_into_form);
