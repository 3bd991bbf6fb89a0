// The posts of everybody: what is new, what is liked, and what trends.
import { Button, SegmentedControl } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Newspaper } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { ClearFilters } from '../../components/clear-filters';
import { EmptyState } from '../../components/empty-state';
import { Failed, FailedLine } from '../../components/failed';
import { FilterBar } from '../../components/filter-bar';
import { Lines, Page } from '../../components/page';
import type { PostCardFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLiveList } from '../../lib/live-list';
import { toTop } from '../../lib/scroll';
import { inOrder, sortOf, useListSearch } from '../../lib/search';
import { useSession } from '../../lib/session';
import { NewPost } from './new-post';
import classes from './page.module.css';
import { PostCard } from './post-card';
import { PostCardParts } from './post-parts';
import { Trending } from './trending';

void PostCardParts;
const PostPage = graphql(`
  query PostPage($first: Int!, $after: String, $filter: PostFilter, $sort: PostSort) {
    posts(first: $first, after: $after, filter: $filter, sort: $sort) {
      pageInfo { hasNextPage endCursor }
      nodes { ...PostCard }
    }
  }
`);
const PostChanges = graphql(`
  subscription PostChanges($after: String) {
    postChanged(after: $after) {
      type
      occurredAt
      actor { name ... on User { id } }
      postId
      post { ...PostCard }
    }
  }
`);

/** A number that the address names, if it is one. */
function atLeast(text: string | undefined): { gte: number } | undefined {
  const count = Number(text);
  return text && Number.isInteger(count) && count >= 0 && count < 2 ** 31
    ? { gte: count }
    : undefined;
}

function since(text: string | undefined): { gte: string } | undefined {
  const time = new Date(`${text}T00:00:00`);
  return text && !Number.isNaN(time.getTime()) ? { gte: time.toISOString() } : undefined;
}

export function PostsPage() {
  const { me } = useSession();
  const { search, set } = useListSearch();
  const { id: openId } = useParams({ strict: false });
  const sort = sortOf(search, ['CREATED_AT', 'LIKE_COUNT'], {
    field: 'CREATED_AT',
    direction: 'DESC',
  });
  const [likeCount, commentCount, createdAt] = [
    atLeast(search.likes),
    atLeast(search.comments),
    since(search.since),
  ];
  const authors = search.author?.split(',').filter((id) => id.startsWith('user_'));
  const filter = {
    ...(search.search && { search: search.search }),
    ...(authors && authors.length > 0 && { author: { in: authors } }),
    ...(likeCount && { likeCount }),
    ...(commentCount && { commentCount }),
    ...(createdAt && { createdAt }),
  };
  const list = useLiveList({
    page: PostPage,
    connection: ({ posts }) => posts,
    changes: PostChanges,
    change: ({ postChanged: { postId, post, type, actor, occurredAt } }) =>
      post ? { row: post, type, actor, at: occurredAt } : { gone: postId },
    filter,
    sort,
    compare: inOrder<PostCardFragment>(sort.direction, (post) =>
      sort.field === 'LIKE_COUNT' ? post.likeCount : post.createdAt,
    ),
  });
  const names = new Map(list.rows.map(({ author }) => [author.id, author.name]));
  const options = [
    ...(me ? [{ value: me.id, label: 'You' }] : []),
    ...(authors ?? [])
      .filter((id) => id !== me?.id)
      .map((value) => ({ value, label: names.get(value) ?? 'Somebody' })),
  ];
  return (
    <Page title="Posts">
      <FilterBar
        noun="Posts"
        searchLabel="Search posts"
        filters={[
          { key: 'author', label: 'Author', kind: 'choice', options },
          { key: 'likes', label: 'Likes', kind: 'text', verb: 'are at least' },
          { key: 'comments', label: 'Comments', kind: 'text', verb: 'are at least' },
          { key: 'since', label: 'Date', kind: 'date', verb: 'is since' },
        ]}
      >
        <SegmentedControl
          size="xs"
          aria-label="Order"
          value={sort.field}
          onChange={(field) => set({ sort: field === 'LIKE_COUNT' ? '-LIKE_COUNT' : undefined })}
          data={[
            { value: 'CREATED_AT', label: 'Newest' },
            { value: 'LIKE_COUNT', label: 'Most liked' },
          ]}
        />
      </FilterBar>
      <div className={classes.around}>
        <Feed list={list} openId={openId} isFiltered={Object.keys(filter).length > 0} />
      </div>
    </Page>
  );
}

function Feed({
  list,
  openId,
  isFiltered,
}: {
  list: ReturnType<typeof useLiveList<PostCardFragment, unknown, unknown>>;
  openId: string | undefined;
  isFiltered: boolean;
}) {
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const before = useRef<HTMLDivElement>(null);
  const { rows, hasMore, isLoadingMore, isFollowed, loadMore, error } = list;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 132,
    getItemKey: (index) => rows[index]?.id ?? index,
    scrollMargin: before.current?.offsetTop ?? 0,
    overscan: 6,
    gap: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each list has a function of its own, and begins at its top
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
  }, [loadMore]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    // Again after each page: one may add nothing, and yet not be the last.
    if (isFollowed && hasMore && !isLoadingMore && !error && last >= rows.length - 15) loadMore();
  }, [isFollowed, hasMore, isLoadingMore, error, last, rows.length, loadMore]);
  return (
    <div
      ref={scroller}
      className={classes.scroller}
      onScroll={({ currentTarget }) => list.scrolled(currentTarget.scrollTop > 200)}
    >
      {list.arrived > 0 && (
        <Button
          className={classes.arrived}
          size="compact-sm"
          radius="xl"
          onClick={() => {
            list.showArrived();
            toTop(scroller.current);
          }}
        >
          {list.arrived} new
        </Button>
      )}
      <div className={classes.columns}>
        <div className={classes.feed}>
          <NewPost />
          {list.isLoading && !error && <Lines count={10} />}
          {error && rows.length === 0 && <Failed error={error} retry={list.restart} />}
          {error && rows.length > 0 && (
            <FailedLine error={error} retry={hasMore ? loadMore : list.restart} />
          )}
          {!list.isLoading && !error && rows.length === 0 && !hasMore && (
            <EmptyState
              icon={Newspaper}
              title={isFiltered ? 'No post is like this' : 'No posts yet'}
              action={<ClearFilters />}
            >
              {!isFiltered && 'Write the first one.'}
            </EmptyState>
          )}
          <div
            ref={before}
            // A feed without articles is none.
            {...(items.length > 0 && { role: 'feed', 'aria-label': 'Posts' })}
            style={{ height: virtual.getTotalSize(), position: 'relative' }}
          >
            {items.map(({ index, start, key }) => {
              const post = rows[index];
              return (
                post && (
                  <div
                    key={key}
                    data-index={index}
                    ref={virtual.measureElement}
                    className={classes.place}
                    style={{ transform: `translateY(${start - virtual.options.scrollMargin}px)` }}
                  >
                    <PostCard
                      post={post}
                      isOpen={post.id === openId}
                      change={list.changed.get(post.id)}
                      open={() =>
                        navigate({ to: '/posts/$id', params: { id: post.id }, search: true })
                      }
                    />
                  </div>
                )
              );
            })}
          </div>
        </div>
        <aside className={classes.side} aria-label="Trending">
          <Trending />
        </aside>
      </div>
    </div>
  );
}
