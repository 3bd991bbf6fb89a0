//! Writes the changes of a batch: one statement for each kind of change, which finds rows only by their keys.

use ::events::Result;
use sea_orm::Value;

use super::{Changes, Touched};
use crate::{
    bulk::{self, Kind},
    posts::Tables,
    text::fold,
};

use events::{
    DatabaseTransaction,
    sql::{FIND_BY_KEY, on_postgres},
};

impl Changes {
    /// Writes all changes.
    pub(in crate::posts) async fn store(
        self,
        tx: &DatabaseTransaction,
        tables: &Tables,
    ) -> Result<()> {
        use_indexes(tx).await?;
        self.create_posts(tx, &tables.post).await?;
        self.move_posts(tx, &tables.post).await?;
        self.edit_posts(tx, &tables.post).await?;
        self.add_comments(tx, &tables.comment).await?;
        self.edit_comments(tx, &tables.comment).await?;
        self.remove_comments(tx, &tables.comment).await?;
        // A like that was taken back and given again is a new one, so the old row is deleted first.
        self.remove_likes(tx, &tables.like).await?;
        self.add_likes(tx, &tables.like).await?;
        self.delete_posts(tx, tables).await
    }

    async fn create_posts(&self, tx: &DatabaseTransaction, table: &str) -> Result<u64> {
        let rows = self.created.values().map(|post| -> [Value; 9] {
            [
                post.id.into(),
                post.author_id.into(),
                post.message.clone().into(),
                fold(&post.message).into(),
                post.like_count.into(),
                post.comment_count.into(),
                post.version.into(),
                post.created_at.into(),
                post.updated_at.into(),
            ]
        });
        let columns = [
            ("id", Kind::Uuid),
            ("author_id", Kind::Uuid),
            ("message", Kind::Text),
            ("search_text", Kind::Text),
            ("like_count", Kind::Number),
            ("comment_count", Kind::Number),
            ("version", Kind::Number),
            ("created_at", Kind::Time),
            ("updated_at", Kind::Time),
        ];
        let insert = format!(
            "insert into {table} (id, author_id, message, search_text, like_count, comment_count, version,
                 created_at, updated_at) select * from v"
        );
        bulk::execute(tx, &columns, rows, &insert).await
    }

    async fn move_posts(&self, tx: &DatabaseTransaction, table: &str) -> Result<u64> {
        let rows = self.moved.iter().map(|(id, moved)| -> [Value; 5] {
            [
                (*id).into(),
                moved.likes.into(),
                moved.comments.into(),
                moved.version.into(),
                moved.updated_at.into(),
            ]
        });
        let columns = [
            ("post_id", Kind::Uuid),
            ("likes", Kind::Number),
            ("comments", Kind::Number),
            ("new_version", Kind::Number),
            ("changed_at", Kind::Time),
        ];
        let update = format!(
            "update {table} as p set like_count = p.like_count + v.likes, comment_count = p.comment_count + v.comments,
                 version = v.new_version, updated_at = v.changed_at
             from v where p.id = v.post_id"
        );
        bulk::execute(tx, &columns, rows, &update).await
    }

    async fn edit_posts(&self, tx: &DatabaseTransaction, table: &str) -> Result<u64> {
        let rows = self.moved.iter().filter_map(|(id, moved)| {
            let message = moved.message.as_ref()?;
            let folded = fold(message);
            Some([(*id).into(), message.clone().into(), folded.into()])
        });
        let columns = [
            ("post_id", Kind::Uuid),
            ("new_message", Kind::Text),
            ("new_search_text", Kind::Text),
        ];
        let update = format!(
            "update {table} as p set message = v.new_message, search_text = v.new_search_text
             from v where p.id = v.post_id"
        );
        bulk::execute(tx, &columns, rows, &update).await
    }

    async fn add_comments(&self, tx: &DatabaseTransaction, table: &str) -> Result<u64> {
        let rows = self.added.values().map(|comment| -> [Value; 6] {
            [
                comment.post_id.into(),
                comment.number.into(),
                comment.id.into(),
                comment.author_id.into(),
                comment.text.clone().unwrap_or_default().into(),
                comment.created_at.into(),
            ]
        });
        let columns = [
            ("post_id", Kind::Uuid),
            ("number", Kind::Number),
            ("id", Kind::Uuid),
            ("author_id", Kind::Uuid),
            ("text", Kind::Text),
            ("created_at", Kind::Time),
        ];
        let insert = format!(
            "insert into {table} (post_id, number, id, author_id, text, created_at) select * from v"
        );
        bulk::execute(tx, &columns, rows, &insert).await
    }

    async fn edit_comments(&self, tx: &DatabaseTransaction, table: &str) -> Result<u64> {
        let edited = self.touched.iter().filter_map(|((post_id, number), it)| {
            let Touched::Edited { text, at } = it else {
                return None;
            };
            let row: [Value; 4] = [
                (*post_id).into(),
                (*number).into(),
                text.clone().into(),
                (*at).into(),
            ];
            Some(row)
        });
        let columns = [
            ("of_post", Kind::Uuid),
            ("comment_number", Kind::Number),
            ("new_text", Kind::Text),
            ("changed_at", Kind::Time),
        ];
        let update = format!(
            "update {table} as c set text = v.new_text, edited_at = v.changed_at
             from v where c.post_id = v.of_post and c.number = v.comment_number"
        );
        bulk::execute(tx, &columns, edited, &update).await
    }

    async fn remove_comments(&self, tx: &DatabaseTransaction, table: &str) -> Result<u64> {
        let removed = self.touched.iter().filter_map(|((post_id, number), it)| {
            let row: [Value; 2] = [(*post_id).into(), (*number).into()];
            matches!(it, Touched::Removed).then_some(row)
        });
        let columns = [("of_post", Kind::Uuid), ("comment_number", Kind::Number)];
        let delete = format!(
            "delete from {table} where (post_id, number) in (select of_post, comment_number from v)"
        );
        bulk::execute(tx, &columns, removed, &delete).await
    }

    async fn remove_likes(&self, tx: &DatabaseTransaction, table: &str) -> Result<u64> {
        let removed = self.likings.iter().filter_map(|((post_id, user_id), it)| {
            let row: [Value; 2] = [(*post_id).into(), (*user_id).into()];
            it.before.then_some(row)
        });
        let columns = [("of_post", Kind::Uuid), ("of_user", Kind::Uuid)];
        let delete = format!(
            "delete from {table} where (post_id, user_id) in (select of_post, of_user from v)"
        );
        bulk::execute(tx, &columns, removed, &delete).await
    }

    async fn add_likes(&self, tx: &DatabaseTransaction, table: &str) -> Result<u64> {
        let added = self.likings.iter().filter_map(|((post_id, user_id), it)| {
            let row: [Value; 3] = [(*post_id).into(), (*user_id).into(), it.after?.into()];
            Some(row)
        });
        let columns = [
            ("post_id", Kind::Uuid),
            ("user_id", Kind::Uuid),
            ("liked_at", Kind::Time),
        ];
        let insert = format!("insert into {table} (post_id, user_id, liked_at) select * from v");
        bulk::execute(tx, &columns, added, &insert).await
    }

    async fn delete_posts(&self, tx: &DatabaseTransaction, tables: &Tables) -> Result<()> {
        let of_tables = [
            (&tables.comment, "post_id"),
            (&tables.like, "post_id"),
            (&tables.post, "id"),
        ];
        for (table, column) in of_tables {
            let rows = self.deleted.iter().map(|id| [Value::from(*id)]);
            let delete = format!("delete from {table} where {column} in (select gone from v)");
            bulk::execute(tx, &[("gone", Kind::Uuid)], rows, &delete).await?;
        }
        Ok(())
    }
}

/// Has every row found by its key: a plan that was made while the tables were small must not scan them when they have grown.
pub(in crate::posts) async fn use_indexes(tx: &DatabaseTransaction) -> Result<()> {
    on_postgres(tx, FIND_BY_KEY).await
}
