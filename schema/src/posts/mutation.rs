//! The mutations of posts. Their answer is folded from the log, so it shows the post right after the change, whether or not the
//! read model has it yet.

use async_graphql::{Context, Object};
use entities::posts::PostAnswer;

use super::{
    change::missing,
    comment::Comment,
    inputs::{
        AddCommentInput, CreatePostInput, DeleteCommentInput, DeletePostInput, LikePostInput,
        UnlikePostInput, UpdateCommentInput, UpdatePostInput, comment_id, post_id, post_target,
    },
    object::Post,
};
use crate::{
    error::Result,
    payloads::{Reply, payloads},
    request::{command_context, entities},
};

payloads! {
    "createPost" => CreatePostPayload { post: Post = "The new post." }
    "updatePost" => UpdatePostPayload { post: Post = "The post with its new message." }
    "likePost" => LikePostPayload { post: Post = "The post with your like." }
    "unlikePost" => UnlikePostPayload { post: Post = "The post without your like." }
    "deletePost" => DeletePostPayload { post: Post = "The post as it was before it was deleted, with its last version." }
    "addComment" => AddCommentPayload { comment: Comment = "The new comment.", post: Post = "The post with it." }
    "updateComment" => UpdateCommentPayload {
        comment: Comment = "The comment with its new text.",
        post: Post = "The post with it.",
    }
    "deleteComment" => DeleteCommentPayload {
        comment: Comment = "The comment, without its text.",
        post: Post = "The post without it.",
    }
}

/// Returns the post of an answer. Commands answer with posts that exist.
fn post_of(answer: &PostAnswer) -> Result<Post> {
    Post::of_state(&answer.state).ok_or_else(missing)
}

/// Returns the comment, and its post, of the answer of a command on comments.
fn comment_of(answer: &PostAnswer) -> Result<(Comment, Post)> {
    let comment = answer.comment.clone();
    let comment = comment.map(|row| Comment::of_state(row, &answer.state));
    Ok((comment.ok_or_else(missing)?, post_of(answer)?))
}

#[derive(Default)]
pub(crate) struct PostsMutation;

#[Object]
impl PostsMutation {
    /// Publishes a post.
    async fn create_post(
        &self,
        ctx: &Context<'_>,
        input: CreatePostInput,
    ) -> Reply<CreatePostPayload> {
        let (context, posts) = (command_context(ctx)?, &entities(ctx).posts);
        let answer = posts.create_post(context, input.message).await;
        let post = post_of(&answer?)?;
        Ok(Some(CreatePostPayload { post }))
    }

    /// Changes the message of your own post. FORBIDDEN for posts by others.
    async fn update_post(
        &self,
        ctx: &Context<'_>,
        input: UpdatePostInput,
    ) -> Reply<UpdatePostPayload> {
        let target = post_target(&input.id, input.expected_version)?;
        let (context, posts) = (command_context(ctx)?, &entities(ctx).posts);
        let answer = posts
            .edit_post_message(context, target, input.message)
            .await;
        let post = post_of(&answer?)?;
        Ok(Some(UpdatePostPayload { post }))
    }

    /// Likes a post. Liking it again has no effect.
    async fn like_post(&self, ctx: &Context<'_>, input: LikePostInput) -> Reply<LikePostPayload> {
        let id = post_id("id", &input.id)?;
        let posts = &entities(ctx).posts;
        let answer = posts.like_post(command_context(ctx)?, id).await;
        let post = post_of(&answer?)?;
        Ok(Some(LikePostPayload { post }))
    }

    /// Takes back your like of a post. Without a like it changes nothing.
    async fn unlike_post(
        &self,
        ctx: &Context<'_>,
        input: UnlikePostInput,
    ) -> Reply<UnlikePostPayload> {
        let id = post_id("id", &input.id)?;
        let posts = &entities(ctx).posts;
        let answer = posts.unlike_post(command_context(ctx)?, id).await;
        let post = post_of(&answer?)?;
        Ok(Some(UnlikePostPayload { post }))
    }

    /// Deletes a post with its comments and likes, for good: nobody can restore it. FORBIDDEN for the posts of others, unless you are STAFF or ADMIN.
    async fn delete_post(
        &self,
        ctx: &Context<'_>,
        input: DeletePostInput,
    ) -> Reply<DeletePostPayload> {
        let target = post_target(&input.id, input.expected_version)?;
        let posts = &entities(ctx).posts;
        let answer = posts.delete_post(command_context(ctx)?, target).await;
        let PostAnswer { state, deleted, .. } = answer?;
        let post = deleted.and_then(|before| Post::deleted(&before, &state));
        let post = post.ok_or_else(missing)?;
        Ok(Some(DeletePostPayload { post }))
    }

    /// Comments on a post.
    async fn add_comment(
        &self,
        ctx: &Context<'_>,
        input: AddCommentInput,
    ) -> Reply<AddCommentPayload> {
        let post_id = post_id("postId", &input.post_id)?;
        let (context, posts) = (command_context(ctx)?, &entities(ctx).posts);
        let answer = posts.add_comment(context, post_id, input.text).await?;
        let (comment, post) = comment_of(&answer)?;
        Ok(Some(AddCommentPayload { comment, post }))
    }

    /// Changes the text of your own comment. FORBIDDEN for comments by others.
    async fn update_comment(
        &self,
        ctx: &Context<'_>,
        input: UpdateCommentInput,
    ) -> Reply<UpdateCommentPayload> {
        let id = comment_id(&input.id)?;
        let (context, posts) = (command_context(ctx)?, &entities(ctx).posts);
        let answer = posts.edit_comment(context, id, input.text).await?;
        let (comment, post) = comment_of(&answer)?;
        Ok(Some(UpdateCommentPayload { comment, post }))
    }

    /// Deletes a comment, for good: nobody can restore it. FORBIDDEN for the comments of others, unless you are STAFF or ADMIN.
    async fn delete_comment(
        &self,
        ctx: &Context<'_>,
        input: DeleteCommentInput,
    ) -> Reply<DeleteCommentPayload> {
        let id = comment_id(&input.id)?;
        let posts = &entities(ctx).posts;
        let answer = posts.remove_comment(command_context(ctx)?, id).await?;
        let (comment, post) = comment_of(&answer)?;
        Ok(Some(DeleteCommentPayload { comment, post }))
    }
}
