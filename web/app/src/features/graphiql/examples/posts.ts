// Examples of posts: from writing one to what became of it, then what can be followed.
import type { Example } from './example';
import addComment from './posts/add-comment.graphql?raw';
import createPost from './posts/create-post.graphql?raw';
import likePost from './posts/like-post.graphql?raw';
import listPosts from './posts/list-posts.graphql?raw';
import livePost from './posts/live-post.graphql?raw';
import postAsOf from './posts/post-as-of.graphql?raw';
import postHistory from './posts/post-history.graphql?raw';
import readAfter from './posts/read-after.graphql?raw';
import trending from './posts/trending.graphql?raw';
import watchComments from './posts/watch-comments.graphql?raw';
import watchFeed from './posts/watch-feed.graphql?raw';
import watchPost from './posts/watch-post.graphql?raw';
import watchTrending from './posts/watch-trending.graphql?raw';

const unknownPost = 'post_';

export const posts: Example[] = [
  {
    title: 'Write a post',
    sentence: 'Its event is what is stored; all that happens to it later is added behind.',
    query: createPost,
    variables: () => ({ input: { message: 'The mill wheel turns again.' } }),
  },
  {
    title: 'Comment on a post',
    sentence: 'On the post last seen. The answer shows the post as it is now.',
    query: addComment,
    variables: ({ postId = unknownPost }) => ({ input: { postId, text: 'And how it turns!' } }),
  },
  {
    title: 'Read your own write',
    sentence:
      'The tables that queries read follow the events, moments later. This query waits for the last mutation made here: its extensions.readAfter goes in the header Read-After (see Headers), or as extensions.readAfter of a request.',
    query: readAfter,
    variables: ({ postId = unknownPost }) => ({ id: postId }),
    headers: ({ readAfter }) => ({ ...(readAfter && { 'Read-After': readAfter }) }),
  },
  {
    title: 'Like a post',
    sentence: 'Once for each user: again it changes nothing.',
    query: likePost,
    variables: ({ postId = unknownPost }) => ({ input: { id: postId } }),
  },
  {
    title: 'List the newest posts',
    sentence: 'Put endCursor into after for the next page.',
    query: listPosts,
    variables: () => ({ sort: { field: 'CREATED_AT' }, first: 10, after: null }),
  },
  {
    title: 'List the most liked posts',
    sentence: 'Those that at least one user likes.',
    query: listPosts,
    variables: () => ({
      filter: { likeCount: { gte: 1 } },
      sort: { field: 'LIKE_COUNT' },
      first: 10,
      after: null,
    }),
  },
  {
    title: 'Search posts',
    sentence: 'By part of the message, whatever its case; also by author and comments.',
    query: listPosts,
    variables: () => ({
      filter: { search: 'WHEEL', commentCount: { gt: 0 } },
      sort: { field: 'CREATED_AT' },
      first: 10,
      after: null,
    }),
  },
  {
    title: 'Read a post as it was',
    sentence: 'Now and at its first version: a post is its events, so all its states are there.',
    query: postAsOf,
    variables: ({ postId = unknownPost }) => ({ id: postId, version: 1 }),
  },
  {
    title: "Read a post's history",
    sentence: 'Its events, oldest first.',
    query: postHistory,
    variables: ({ postId = unknownPost }) => ({ id: postId }),
  },
  {
    title: 'See what trends',
    sentence: 'Likes and comments of the last HOUR, DAY or WEEK; the younger, the more they count.',
    query: trending,
    variables: () => ({ window: 'HOUR', first: 10 }),
  },
  {
    title: 'Watch what trends',
    sentence: 'The list now, and again when it has changed, at most once a second.',
    live: true,
    query: watchTrending,
    variables: () => ({ window: 'HOUR', first: 10 }),
  },
  {
    title: 'Watch new posts',
    sentence: 'Of everybody, or of one author.',
    live: true,
    query: watchFeed,
    variables: () => ({ authorId: null, after: null }),
  },
  {
    title: 'Keep a post current',
    sentence: 'A live query: the answer, then what changed in it, as patches.',
    live: true,
    query: livePost,
    variables: ({ postId = unknownPost }) => ({ id: postId }),
  },
  {
    title: 'Watch a post',
    sentence: 'All that happens to the post last seen; like it from a second window.',
    live: true,
    query: watchPost,
    variables: ({ postId = unknownPost }) => ({ id: postId, after: null }),
  },
  {
    title: 'Watch the comments',
    sentence: 'New comments on the post last seen.',
    live: true,
    query: watchComments,
    variables: ({ postId = unknownPost }) => ({ postId, after: null }),
  },
];
