import { Pane } from '../../components/page';

export function SignalDetail() {
  return (
    <Pane title="Signal" to="/signals">
      {null}
    </Pane>
  );
}
