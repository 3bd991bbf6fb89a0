// What a time line tells of events, also of some that are missing.
import { expect, test } from 'vitest';
import type { Fields } from './fields';
import { entriesOf, type RecordEvent, withoutGap } from './history';

const fields: Fields = [
  { key: 'name', label: 'Name', kind: 'text' },
  {
    key: 'status',
    label: 'Status',
    kind: 'choice',
    options: [
      { value: 'ACTIVE', label: 'Active', tone: 'good' },
      { value: 'CLOSED', label: 'Closed', tone: 'quiet' },
    ],
  },
  { key: 'phone', label: 'Phone', kind: 'tel' },
];
const event = (version: number, type: string, customer: object): RecordEvent => ({
  version,
  type,
  occurredAt: '2026-01-01T00:00:00Z',
  actor: { name: 'Ada' },
  data: { customer },
});
const verbs = { Created: 'added the customer', Updated: 'changed the customer' };

test('what changed is told from what to what, in the words of the page', () => {
  const events = [
    event(1, 'Created', { name: 'A', status: 'ACTIVE', phone: null }),
    event(2, 'Updated', { name: 'A', status: 'CLOSED', phone: '1' }),
    event(3, 'Unheard', { name: 'A', status: 'CLOSED', phone: '1' }),
  ];
  const told = entriesOf(events, 'customer', fields, verbs);
  expect(told.map(({ verb, changes }) => [verb, changes])).toEqual([
    ['Unheard', []],
    [
      'changed the customer',
      [
        { field: 'Status', from: 'Active', to: 'Closed' },
        { field: 'Phone', from: null, to: '1' },
      ],
    ],
    ['added the customer', []],
  ]);
});

test('an event without its data says that it happened', () => {
  const events = [event(1, 'Created', {}), { ...event(2, 'Updated', {}), data: null }];
  const told = entriesOf(events, 'customer', fields, verbs);
  expect(told.map(({ changes }) => changes)).toEqual([[], []]);
});

test('what is older than something missing is left for another reading', () => {
  const events = [7, 2, 6, 3, 5].map((version) => event(version, 'Updated', {}));
  expect(withoutGap(events).map(({ version }) => version)).toEqual([5, 6, 7]);
  expect(withoutGap([])).toEqual([]);
});
