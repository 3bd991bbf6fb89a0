import { Pane } from '../../components/page';

export function PostDetail() {
  return (
    <Pane title="Post" to="/posts">
      {null}
    </Pane>
  );
}
