// The posts with the most likes and comments of late.
import { SegmentedControl, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Heart, MessageSquare } from 'lucide-react';
import { useState } from 'react';
import { Lines } from '../../components/page';
import { useCurrent } from '../../lib/events';
import { graphql } from '../../lib/graphql';
import { PostCardParts } from './post-parts';
import classes from './trending.module.css';

void PostCardParts;
const TrendingPosts = graphql(`
  subscription TrendingPosts($window: TrendWindow!) {
    trendingPosts(window: $window, first: 5) { likes comments post { ...PostCard } }
  }
`);

const windows = { HOUR: 'hour', DAY: 'day', WEEK: 'week' } as const;

export function Trending() {
  const [window, setWindow] = useState<keyof typeof windows>('DAY');
  const posts = useCurrent(TrendingPosts, { window })?.trendingPosts;
  return (
    <section className={classes.trending}>
      <header className={classes.head}>
        <Title order={2}>Trending</Title>
        <SegmentedControl
          size="xs"
          aria-label="Period"
          value={window}
          onChange={(value) => setWindow(value as keyof typeof windows)}
          data={[
            { value: 'HOUR', label: 'Hour' },
            { value: 'DAY', label: 'Day' },
            { value: 'WEEK', label: 'Week' },
          ]}
        />
      </header>
      {!posts && <Lines count={4} />}
      {posts?.length === 0 && (
        <p className="quiet">Nothing was liked or commented on in the last {windows[window]}.</p>
      )}
      <ol className={classes.list}>
        {posts?.map(({ post, likes, comments }) => (
          <li key={post.id}>
            <Link to="/posts/$id" params={{ id: post.id }} search className={classes.post}>
              <span className={classes.text}>{post.message}</span>
              <span className={classes.facts}>
                <span className="cut">{post.author.name}</span>
                <span className={classes.count} title={`Likes in the last ${windows[window]}`}>
                  <Heart size={12} aria-label="likes" /> {likes}
                </span>
                <span className={classes.count} title={`Comments in the last ${windows[window]}`}>
                  <MessageSquare size={12} aria-label="comments" /> {comments}
                </span>
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </section>
  );
}
