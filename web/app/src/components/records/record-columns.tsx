// The columns that lists of records share.
import { Link } from '@tanstack/react-router';
import type { Column } from '../record-table';
import { RelativeTime } from '../relative-time';
import type { Option } from './fields';
import type { ListedRecord } from './records-page';
import { StateMenu } from './state-menu';

interface Timed extends ListedRecord {
  createdAt: string;
  updatedAt: string;
}

export function recordColumns<R extends Timed>(
  to: '/customers/$id' | '/students/$id',
  statuses: readonly Option[],
  own: readonly Column<R>[],
): Column<R>[] {
  return [
    {
      key: 'name',
      header: 'Name',
      sort: 'NAME',
      width: 'minmax(120px, 3fr)',
      cell: ({ id, name }) => (
        <Link to={to} params={{ id }} search preload={false}>
          {name}
        </Link>
      ),
    },
    {
      key: 'status',
      header: 'Status',
      width: '104px',
      cell: ({ status }) => <StateMenu options={statuses} value={status} />,
    },
    ...own,
    {
      key: 'updatedAt',
      header: 'Changed',
      sort: 'UPDATED_AT',
      width: '96px',
      isNumber: true,
      isWide: true,
      cell: ({ updatedAt }) => <RelativeTime at={updatedAt} />,
    },
    {
      key: 'createdAt',
      header: 'Added',
      sort: 'CREATED_AT',
      width: '96px',
      isNumber: true,
      cell: ({ createdAt }) => <RelativeTime at={createdAt} />,
    },
  ];
}
