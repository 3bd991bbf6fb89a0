//! The small world in which every operation is tried: a chat with a secret in it, customers, and whoever is asking.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::people::{self, Person};
use tests::{Setup, chats, customers, ids, signals, students, tokens};

/// What nobody but members may ever see.
pub const SECRET_TITLE: &str = "Secret title";
pub const SECRET_TEXT: &str = "Secret text";

/// Who is asking. The last three were members of the chat, and their tokens are no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Anonymous,
    Member,
    Other,
    Staff,
    Admin,
    Deactivated,
    Expired,
    Revoked,
}

impl Who {
    pub const ALL: [Self; 8] = [
        Self::Anonymous,
        Self::Member,
        Self::Other,
        Self::Staff,
        Self::Admin,
        Self::Deactivated,
        Self::Expired,
        Self::Revoked,
    ];

    /// Why their token is refused, whatever they ask.
    pub fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Deactivated | Self::Revoked => Some("REVOKED"),
            Self::Expired => Some("EXPIRED"),
            _ => None,
        }
    }

    /// Whether they are in the chat, and are let in at all.
    pub fn is_inside(self) -> bool {
        self == Self::Member
    }
}

pub struct World {
    /// Who asks.
    pub caller: Client,
    /// A member of the chat who does not ask.
    pub owner: Client,
    pub chat: String,
    /// What the placeholders of documents stand for.
    names: BTreeMap<&'static str, String>,
}

impl World {
    pub async fn new(setup: &Setup, admin: &Client, who: Who) -> Self {
        let start = admin.head().await;
        let [owner, member, peer, outsider, gone] = futures::future::join_all(
            ["Owner", "Member", "Peer", "Outsider", "Gone"]
                .map(|name| people::register(admin, name)),
        )
        .await
        .try_into()
        .expect("five people");
        people::deactivate(admin, Some(&gone.id)).await.data();
        let caller = match who {
            Who::Other => Some(people::register(admin, "Other").await),
            Who::Staff => Some(people::with_role(admin, "STAFF").await),
            Who::Admin => Some(people::with_role(admin, "ADMIN").await),
            _ => None,
        };
        let (owner_client, member_client) = (owner.client(admin), member.client(admin));
        let chat = chats::create_group(&owner_client, SECRET_TITLE, &[&member.id, &peer.id]).await;
        chats::say(&owner_client, &chat, SECRET_TEXT).await;
        let own_message =
            chats::say(&member_client, &chat, "Secret text of the member").await["id"].clone();
        let own_chat =
            chats::create_group(&member_client, "Secret title of the member", &[&peer.id]).await;
        if let Some(caller) = &caller {
            chats::create_group(&caller.client(admin), "Another chat", &[&owner.id]).await;
        }
        let customer = customers::create(admin, "Secret", &email("secret")).await["id"].clone();
        let deleted = customers::create(admin, "Secret", &email("secret")).await["id"].clone();
        customers::apply(admin, "delete", json!({ "id": deleted })).await;
        let student = students::create(admin, "Secret", &email("secret")).await["id"].clone();
        let gone_student =
            students::create(admin, "Gone", &email("gone-student")).await["id"].clone();
        students::apply(admin, "delete", json!({ "id": gone_student })).await;
        let signal = signals::submit(admin, "Secret", 1.0).await["id"].clone();
        let asking = caller.as_ref().unwrap_or(&member);
        let (post, comment) = create_post(&owner_client).await;
        let (own_post, own_comment) = create_post(&asking.client(admin)).await;
        let text = |id: &Value| id.as_str().expect("an id").to_owned();
        let names = BTreeMap::from([
            ("start", start),
            ("owner", owner.id.clone()),
            ("owner_email", owner.email.clone()),
            ("owner_password", owner.password.clone()),
            ("owner_refresh", owner.refresh_token.clone()),
            ("peer", peer.id.clone()),
            ("outsider", outsider.id.clone()),
            ("gone", gone.id.clone()),
            ("chat", chat.clone()),
            ("own_chat", own_chat),
            ("own_message", text(&own_message)),
            ("own_password", asking.password.clone()),
            ("password", "a new password".to_owned()),
            ("customer", text(&customer)),
            ("deleted_customer", text(&deleted)),
            ("student", text(&student)),
            ("deleted_student", text(&gone_student)),
            ("signal", text(&signal)),
            ("post", post),
            ("comment", comment),
            ("own_post", own_post),
            ("own_comment", own_comment),
        ]);
        let caller = Self::asking(setup, admin, who, asking).await;
        Self {
            caller,
            owner: owner_client,
            chat,
            names,
        }
    }

    async fn asking(setup: &Setup, admin: &Client, who: Who, person: &Person) -> Client {
        match who {
            Who::Anonymous => return admin.anonymous(),
            Who::Expired => {
                assert!(setup.settings.0.contains_key("MILLRACE_TOKEN_KEYS"));
                return admin.signed_in_as(&tokens::expired(&person.access_token));
            }
            Who::Deactivated => {
                people::deactivate(admin, Some(&person.id)).await.data();
            }
            Who::Revoked => {
                people::sign_out(&person.client(admin), false).await;
            }
            Who::Member | Who::Other | Who::Staff | Who::Admin => {}
        }
        person.client(admin)
    }

    /// The document with its placeholders filled in, and with an address that nobody has.
    pub fn fill(&self, document: &str) -> String {
        let new = ("new_email", email("new"));
        let names = self.names.iter().map(|(name, value)| (*name, value));
        names
            .chain([(new.0, &new.1)])
            .fold(document.to_owned(), |text, (name, value)| {
                text.replace(&format!("<{name}>"), &json!(value).to_string())
            })
    }

    /// The same with chats and messages that do not exist.
    pub fn fill_with_nothing(&self, document: &str) -> String {
        let names = ["chat", "own_chat", "own_message"];
        let absent = names.iter().fold(document.to_owned(), |text, name| {
            let (kind, _) = self.names[name].split_once('_').expect("an id");
            let id = ids::global_id(
                kind,
                0x0193_8c5e_7f2a_7bcd_8ef0_0000_0000_0000 | u128::from(fastrand::u32(..)),
            );
            text.replace(&format!("<{name}>"), &json!(id).to_string())
        });
        self.fill(&absent)
    }
}

fn email(name: &str) -> String {
    format!("{name}-{:x}@example.com", fastrand::u64(..))
}

/// A post with a comment, once the read model has both.
async fn create_post(client: &Client) -> (String, String) {
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    let document = "mutation { createPost(input: { message: \"Hello\" }) { post { id } } }";
    let answer = client.run(document, json!({})).await;
    let post = text(&answer.data()["createPost"]["post"]["id"]);
    let document =
        "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
    let input = json!({ "postId": post, "text": "A comment" });
    let answer = client.run(document, json!({ "input": input })).await;
    let comment = text(&answer.data()["addComment"]["comment"]["id"]);
    let read_after = answer.body["extensions"]["readAfter"].as_str();
    let headers = read_after.map(|token| ("read-after", token));
    let found = client
        .run_with(
            "query($id: ID!) { post(id: $id) { commentCount } }",
            json!({ "id": post }),
            headers.as_slice(),
        )
        .await;
    assert_eq!(found.data()["post"]["commentCount"], 1);
    (post, comment)
}
