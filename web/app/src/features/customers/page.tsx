import { Page } from '../../components/page';

export function CustomersPage() {
  return <Page title="Customers">{null}</Page>;
}
