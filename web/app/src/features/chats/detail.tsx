import { Pane } from '../../components/page';

export function ChatDetail() {
  return (
    <Pane title="Chat" to="/chats">
      {null}
    </Pane>
  );
}
