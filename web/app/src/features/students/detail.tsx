import { Pane } from '../../components/page';

export function StudentDetail() {
  return (
    <Pane title="Student" to="/students">
      {null}
    </Pane>
  );
}
