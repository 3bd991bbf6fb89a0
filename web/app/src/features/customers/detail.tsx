import { Pane } from '../../components/page';

export function CustomerDetail() {
  return (
    <Pane title="Customer" to="/customers">
      {null}
    </Pane>
  );
}
