import { Page } from '../../components/page';

export function PostsPage() {
  return <Page title="Posts">{null}</Page>;
}
