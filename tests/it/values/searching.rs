//! What a search finds: what a plain look at every text finds, whatever index there is, and with case as people expect it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tests::database::{is_postgres, number, texts};
use tests::graphql::Client;
use tests::recipe::finish;
use tests::waiting::SOON;
use tests::{Setup, customers, eventually, people, students};

/// Characters that names are made of here. All have a plain form that is known without tables.
const LETTERS: &[char] = &[
    'a', 'b', 'A', 'B', 'ß', 'ẞ', 's', 'S', 'Σ', 'ς', 'σ', 'İ', 'I', 'i', 'ı', 'é', 'É', 'ä', '%',
    '_', '\\', '"', '\'', '-', ' ', '*', '李', '😀',
];

/// The plain form, as this module means it.
fn plain(text: &str) -> String {
    let form = |c: char| match c {
        'ß' | 'ẞ' => "ss".to_owned(),
        'Σ' | 'ς' => "σ".to_owned(),
        'İ' | 'I' | 'ı' => "i".to_owned(),
        c => c.to_lowercase().collect(),
    };
    text.chars().map(form).collect()
}

fn word(random: &mut fastrand::Rng, lengths: std::ops::Range<usize>) -> String {
    let length = random.usize(lengths);
    (0..length)
        .map(|_| LETTERS[random.usize(..LETTERS.len())])
        .collect()
}

/// A name that is one: it begins and ends with what is not trimmed.
fn name(random: &mut fastrand::Rng) -> String {
    format!("b{}a", word(random, 0..14))
}

async fn found(client: &Client, search: &str) -> BTreeSet<String> {
    let document = "query($search: String) { customers(first: 100, filter: { search: $search }) { nodes { id } totalCount } }";
    let answer = client.run(document, json!({ "search": search })).await;
    let page = &answer.data()["customers"];
    let ids = page["nodes"].as_array().expect("nodes").iter();
    let ids: BTreeSet<String> = ids
        .map(|node| node["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(page["totalCount"], ids.len(), "{search:?}");
    ids
}

/// Names come, change, go and come back; after each of it every term finds what the model finds.
async fn a_search_finds_what_a_look_at_every_text_finds(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut model: BTreeMap<String, String> = BTreeMap::new();
    let mut deleted = Vec::new();
    for round in 0..4 {
        for number in 0..15 {
            let (name, email) = (name(&mut random), format!("c{round}.{number}@example.org"));
            let customer = customers::create(client, &name, &email).await;
            let id = customer["id"].as_str().expect("an id").to_owned();
            model.insert(id, format!("{name}\n{email}"));
        }
        let ids: Vec<String> = model.keys().cloned().collect();
        for id in &ids {
            if random.u8(..) > 70 {
                continue;
            }
            let renamed = name(&mut random);
            customers::apply(client, "update", json!({ "id": id, "name": renamed })).await;
            let text = model.get_mut(id).expect("it is there");
            let email = text.rsplit_once('\n').expect("a name").1;
            *text = format!("{renamed}\n{email}");
        }
        for id in ids.iter().filter(|_| random.u8(..) < 25) {
            customers::apply(client, "delete", json!({ "id": id })).await;
            deleted.push((id.clone(), model.remove(id).expect("it is there")));
        }
        if let Some((id, text)) = deleted.pop() {
            customers::apply(client, "restore", json!({ "id": id })).await;
            model.insert(id, text);
        }
        for turn in 0..60 {
            let texts: Vec<&String> = model.values().collect();
            let some = texts[random.usize(..texts.len())];
            // Of any length, so also of one character and of two; half of them are there.
            let term = match turn % 2 {
                0 => word(&mut random, 1..4),
                _ => {
                    let characters: Vec<char> = some.chars().collect();
                    let begin = random.usize(..characters.len());
                    let end = random.usize(begin..characters.len().min(begin + 50)) + 1;
                    characters[begin..end].iter().collect()
                }
            };
            let expected = model
                .iter()
                .filter(|(_, text)| plain(text).contains(&plain(&term)))
                .map(|(id, _)| id.clone())
                .collect();
            assert_eq!(found(client, &term).await, expected, "{term:?}");
        }
    }
}

async fn case_is_folded_as_people_expect(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let names = [
        "Κωνσταντίνος",
        "Straße",
        "STRASSE 2",
        "İstanbul",
        "Isparta",
        "ısparta",
        "Ｗｉｄｅ",
        "Cafe\u{301}",
        "ﬁn",
    ];
    for (number, name) in names.into_iter().enumerate() {
        customers::create(client, name, &format!("c{number}@example.org")).await;
        let input =
            json!({ "name": "S", "email": format!("s{number}@example.org"), "course": name });
        students::apply(client, "create", input).await;
        people::register(client, name).await;
        let post =
            "mutation($text: String!) { createPost(input: { message: $text }) { post { id } } }";
        client.run(post, json!({ "text": name })).await.data();
    }
    customers::create(client, "Umlaut", "a@münchen.de").await;
    let count = async |document: &str, search: &str| {
        let answer = client.run(document, json!({ "search": search })).await;
        let data = answer.data().as_object().expect("data").clone();
        data.values().next().expect("a list")["totalCount"]
            .as_u64()
            .expect("a number")
    };
    let lists = [
        "query($search: String) { customers(filter: { search: $search }) { totalCount } }",
        "query($search: String) { students(filter: { search: $search }) { totalCount } }",
        "query($search: String) { users(filter: { search: $search }) { totalCount } }",
        "query($search: String) { posts(filter: { search: $search }) { totalCount } }",
    ];
    eventually("the posts are there", SOON, async || {
        (count(lists[3], "").await == names.len() as u64).then_some(())
    })
    .await;
    for (search, expected) in [
        ("ΚΩΝΣ", 1),
        ("κωνσταντίνοσ", 1),
        ("strasse", 2),
        ("STRAẞE", 2),
        ("ß", 2),
        ("SS", 2),
        ("istanbul", 1),
        ("ISTANBUL", 1),
        ("isparta", 2),
        ("ISPARTA", 2),
        ("wide", 1),
        ("CAFÉ", 1),
        ("FIN", 1),
        ("\u{200b}fin\u{ad}", 1),
        ("nobody", 0),
    ] {
        for list in lists {
            assert_eq!(count(list, search).await, expected, "{search} {list}");
        }
    }
    for search in ["münchen", "MÜNCHEN", "xn--mnchen"] {
        assert_eq!(count(lists[0], search).await, 1, "{search}");
    }
    let courses = "query($search: [String!]) { students(filter: { course: { in: $search } }) { totalCount } }";
    let answer = client
        .run(courses, json!({ "search": ["strasse", "ΚΩΝΣΤΑΝΤΊΝΟΣ"] }))
        .await;
    assert_eq!(answer.data()["students"]["totalCount"], 2);
}

/// There is an index wherever one can be, also after a rebuild has put other tables in place.
async fn an_index_outlives_a_rebuild(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    let post = async |text: &str| {
        let document =
            "mutation($text: String!) { createPost(input: { message: $text }) { post { id } } }";
        client.run(document, json!({ "text": text })).await.data();
    };
    let count = async |search: &str| {
        let document =
            "query($search: String) { posts(filter: { search: $search }) { totalCount } }";
        let answer = client.run(document, json!({ "search": search })).await;
        let count: Value = answer.data()["posts"]["totalCount"].clone();
        count.as_u64().expect("a number")
    };
    post("before the rebuild").await;
    eventually("it is there", SOON, async || {
        (count("the rebuild").await == 1).then_some(())
    })
    .await;
    let output = finish(setup.command(&["rebuild"]).arg("posts"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(count("the rebuild").await, 1);
    post("after the rebuild").await;
    eventually("it is there", SOON, async || {
        (count("the rebuild").await == 2).then_some(())
    })
    .await;
    if is_postgres(&database) {
        let indexes = "select indexname as text from pg_indexes where indexdef like '%gin_trgm_ops%' order by 1";
        let expected = [
            "app_user_search",
            "customer_search",
            "post_search",
            "student_search",
        ];
        assert_eq!(texts(&database, indexes).await, expected);
    } else {
        let triggers = "select count(*) as number from sqlite_master where type = 'trigger' and tbl_name = 'post'";
        assert_eq!(number(&database, triggers).await, 3);
        let indexed = "select count(*) as number from post_search('\"reb\"')";
        assert_eq!(number(&database, indexed).await, 2);
    }
}

tests::both_ways!(
    a_search_finds_what_a_look_at_every_text_finds,
    case_is_folded_as_people_expect,
    an_index_outlives_a_rebuild,
);
