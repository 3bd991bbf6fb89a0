//! The peer of the benchmark that is made of the same libraries, as their documentation shows them: async-graphql with data
//! loaders, its axum integration, and sqlx with its defaults and 16 connections. It reads the tables of the other peer, answers
//! queries only, and asks nobody who they are.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{
    ComplexObject, Context, EmptyMutation, EmptySubscription, ID, Object, Result, Schema,
    SimpleObject,
};
use async_graphql_axum::GraphQL;
use axum::Router;
use axum::routing::post_service;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

#[derive(Clone, SimpleObject, sqlx::FromRow)]
struct Customer {
    id: Uuid,
    name: String,
    email: String,
    status: String,
}

#[derive(Clone, SimpleObject, sqlx::FromRow)]
struct User {
    id: Uuid,
    name: String,
}

#[derive(Clone, SimpleObject, sqlx::FromRow)]
#[graphql(complex)]
struct Post {
    id: Uuid,
    #[graphql(skip)]
    author_id: Uuid,
    message: String,
}

#[derive(Clone, SimpleObject, sqlx::FromRow)]
#[graphql(complex)]
struct Comment {
    id: Uuid,
    #[graphql(skip)]
    post_id: Uuid,
    #[graphql(skip)]
    author_id: Uuid,
    text: String,
}

async fn load_author(ctx: &Context<'_>, id: Uuid) -> Result<User> {
    let found = ctx
        .data_unchecked::<DataLoader<UserLoader>>()
        .load_one(id)
        .await?;
    found.ok_or_else(|| "there is no such user".into())
}

#[ComplexObject]
impl Post {
    async fn author(&self, ctx: &Context<'_>) -> Result<User> {
        load_author(ctx, self.author_id).await
    }

    async fn comments(&self, ctx: &Context<'_>, first: i64) -> Result<Vec<Comment>> {
        let loader = ctx.data_unchecked::<DataLoader<CommentLoader>>();
        let of = CommentsOf {
            post_id: self.id,
            first,
        };
        Ok(loader.load_one(of).await?.unwrap_or_default())
    }
}

#[ComplexObject]
impl Comment {
    async fn author(&self, ctx: &Context<'_>) -> Result<User> {
        load_author(ctx, self.author_id).await
    }
}

struct UserLoader(PgPool);

impl Loader<Uuid> for UserLoader {
    type Value = User;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, User>, Self::Error> {
        let users: Vec<User> = sqlx::query_as("select id, name from member where id = any($1)")
            .bind(ids)
            .fetch_all(&self.0)
            .await?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct CommentsOf {
    post_id: Uuid,
    first: i64,
}

struct CommentLoader(PgPool);

impl Loader<CommentsOf> for CommentLoader {
    type Value = Vec<Comment>;
    type Error = Arc<sqlx::Error>;

    /// One statement: all posts of a page are asked for the same number of comments.
    async fn load(
        &self,
        keys: &[CommentsOf],
    ) -> Result<HashMap<CommentsOf, Vec<Comment>>, Self::Error> {
        let first = keys.first().map_or(0, |key| key.first);
        let post_ids: Vec<Uuid> = keys.iter().map(|key| key.post_id).collect();
        let comments: Vec<Comment> = sqlx::query_as(
            "select c.* from unnest($1::uuid[]) p (id) cross join lateral ( \
                select id, post_id, author_id, text from comment where post_id = p.id order by number limit $2) c",
        )
        .bind(post_ids)
        .bind(first)
        .fetch_all(&self.0)
        .await?;
        let mut found: HashMap<CommentsOf, Vec<Comment>> = HashMap::new();
        for comment in comments {
            let of = CommentsOf {
                post_id: comment.post_id,
                first,
            };
            found.entry(of).or_default().push(comment);
        }
        Ok(found)
    }
}

struct Query;

#[Object]
impl Query {
    async fn customer(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Customer>> {
        let id: Uuid = id.parse()?;
        let found =
            sqlx::query_as("select id, name, email, status from customer where id = $1").bind(id);
        Ok(found.fetch_optional(ctx.data_unchecked::<PgPool>()).await?)
    }

    async fn posts(&self, ctx: &Context<'_>, first: i64) -> Result<Vec<Post>> {
        let newest =
            "select id, author_id, message from post order by created_at desc, id desc limit $1";
        let posts = sqlx::query_as(newest).bind(first);
        Ok(posts.fetch_all(ctx.data_unchecked::<PgPool>()).await?)
    }
}

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let pool = PgPoolOptions::new().max_connections(16).connect(&url);
    let pool = pool.await.expect("the database answers");
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
        .data(DataLoader::new(UserLoader(pool.clone()), tokio::spawn))
        .data(DataLoader::new(CommentLoader(pool.clone()), tokio::spawn))
        .data(pool)
        .finish();
    let app = Router::new().route("/graphql", post_service(GraphQL::new(schema)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    println!("listening on http://{address}");
    axum::serve(listener, app).await.expect("it serves");
}
