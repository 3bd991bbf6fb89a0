// What the events of a post are in a sentence that begins with who did it.
export const verbs: Record<string, string> = {
  PostCreated: 'published the post',
  PostMessageEdited: 'edited the post',
  PostLiked: 'liked it',
  PostUnliked: 'took the like back',
  PostCommentAdded: 'commented',
  PostCommentEdited: 'edited a comment',
  PostCommentRemoved: 'removed a comment',
  PostDeleted: 'deleted the post',
};
