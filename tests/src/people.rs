//! Users for tests, who are created quickly and signed in, with their credentials.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::graphql::{Answer, Client};

const SESSION: &str = "session { accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt } \
    user { id name email role version }";

/// The administrator of every test that does not begin with an empty database.
pub const ADMIN_EMAIL: &str = "admin@example.com";
pub const ADMIN_PASSWORD: &str = "an administrator in tests";

/// A user who has signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub email: String,
    pub password: String,
    pub access_token: String,
    pub refresh_token: String,
}

impl Person {
    /// Returns the person's own client of the same gateway.
    pub fn client(&self, any: &Client) -> Client {
        any.signed_in_as(&self.access_token)
    }

    /// Reads the answer of `register`, `signIn` or `refresh`, which must have succeeded.
    #[track_caller]
    pub fn of(answer: &Answer, field: &str, password: &str) -> Self {
        let payload = &answer.data()[field];
        let text = |value: &Value| {
            let text = value.as_str().map(str::to_owned);
            text.unwrap_or_else(|| panic!("not a session: {payload}"))
        };
        Self {
            id: text(&payload["user"]["id"]),
            name: text(&payload["user"]["name"]),
            email: text(&payload["user"]["email"]),
            password: password.to_owned(),
            access_token: text(&payload["session"]["accessToken"]),
            refresh_token: text(&payload["session"]["refreshToken"]),
        }
    }
}

/// Registers a new member with a unique address.
pub async fn register(client: &Client, name: &str) -> Person {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let word: String = name
        .to_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let email = format!("p{word}.{number}@people.example.com");
    let password = format!("the password of {word} {number}");
    let answer = send_register(client, name, &email, &password).await;
    Person::of(&answer, "register", &password)
}

pub async fn send_register(client: &Client, name: &str, email: &str, password: &str) -> Answer {
    let document = format!(
        "mutation Register($input: RegisterInput!) {{ register(input: $input) {{ {SESSION} }} }}"
    );
    let input = json!({ "name": name, "email": email, "password": password });
    client
        .anonymous()
        .run(&document, json!({ "input": input }))
        .await
}

/// Registers a new user, to whom the administrator gives this role.
pub async fn with_role(admin: &Client, role: &str) -> Person {
    let person = register(admin, role).await;
    if role != "MEMBER" {
        set_role(admin, &person.id, role).await.data();
    }
    person
}

pub async fn set_role(admin: &Client, user_id: &str, role: &str) -> Answer {
    let document =
        "mutation Role($input: SetRoleInput!) { setRole(input: $input) { user { id role } } }";
    let input = json!({ "id": user_id, "role": role });
    admin.run(document, json!({ "input": input })).await
}

/// Deactivates a user, or without an id the caller.
pub async fn deactivate(client: &Client, user_id: Option<&str>) -> Answer {
    let document = "mutation Deactivate($input: DeactivateUserInput!) { \
        deactivateUser(input: $input) { user { id deactivatedAt } } }";
    let input = user_id.map_or(json!({}), |id| json!({ "id": id }));
    client.run(document, json!({ "input": input })).await
}

/// Makes a user active again.
pub async fn reactivate(client: &Client, user_id: &str) -> Answer {
    let document = "mutation Reactivate($input: ReactivateUserInput!) { \
        reactivateUser(input: $input) { user { id role version deactivatedAt } } }";
    let input = json!({ "id": user_id });
    client.run(document, json!({ "input": input })).await
}

/// Signs in; returns any answer.
pub async fn send_sign_in(client: &Client, email: &str, password: &str) -> Answer {
    let document = format!(
        "mutation SignIn($input: SignInInput!) {{ signIn(input: $input) {{ {SESSION} }} }}"
    );
    let input = json!({ "email": email, "password": password });
    client
        .anonymous()
        .run(&document, json!({ "input": input }))
        .await
}

pub async fn sign_in(client: &Client, email: &str, password: &str) -> Person {
    let answer = send_sign_in(client, email, password).await;
    Person::of(&answer, "signIn", password)
}

/// Returns the body of a request for the next tokens.
pub fn refresh_body(refresh_token: &str) -> Value {
    let document = format!(
        "mutation Refresh($input: RefreshInput!) {{ refresh(input: $input) {{ {SESSION} }} }}"
    );
    let input = json!({ "refreshToken": refresh_token });
    json!({ "query": document, "variables": { "input": input } })
}

/// Refreshes the tokens; returns any answer.
pub async fn send_refresh(client: &Client, refresh_token: &str) -> Answer {
    let body = refresh_body(refresh_token);
    let answer = client.anonymous().post(&body, &[]).await;
    answer.expect("an answer")
}

/// Returns the same person with the next tokens.
pub async fn refresh(client: &Client, person: &Person) -> Person {
    let answer = send_refresh(client, &person.refresh_token).await;
    Person::of(&answer, "refresh", &person.password)
}

/// Ends this session, or all of the caller's sessions; returns how many.
pub async fn sign_out(client: &Client, everywhere: bool) -> u64 {
    let document =
        "mutation SignOut($input: SignOutInput!) { signOut(input: $input) { signedOut } }";
    let answer = client
        .run(document, json!({ "input": { "everywhere": everywhere } }))
        .await;
    answer.data()["signOut"]["signedOut"]
        .as_u64()
        .expect("a number")
}

pub async fn change_password(client: &Client, current: &str, new: &str) -> Answer {
    let document = "mutation Password($input: ChangePasswordInput!) { changePassword(input: $input) { user { id } } }";
    let input = json!({ "currentPassword": current, "newPassword": new });
    client.run(document, json!({ "input": input })).await
}

/// Asks for the caller's own id; the answer is null for a caller without a token.
pub async fn me(client: &Client) -> Answer {
    client.run("{ me { id role } }", json!({})).await
}

/// Returns the caller's current row, with its version.
pub async fn me_at_version(client: &Client) -> Value {
    let answer = client.run("{ me { id version } }", json!({})).await;
    answer.data()["me"].clone()
}
