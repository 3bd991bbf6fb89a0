import { Page } from '../../components/page';

export function OperationsPage() {
  return <Page title="Operations">{null}</Page>;
}
