import { Page } from '../../components/page';

export function StudentsPage() {
  return <Page title="Students">{null}</Page>;
}
