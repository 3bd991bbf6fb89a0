import { Page } from '../../components/page';

export function SignalsPage() {
  return <Page title="Signals">{null}</Page>;
}
