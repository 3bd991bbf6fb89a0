// Undoing what was done with many, when somebody has gone on with some of them.
import { expect, test } from 'vitest';
import { type Answer, inChunks } from '../../lib/bulk';
import type { BulkTask } from './bulk';
import {
  type Actions,
  changing,
  removing,
  restoring,
  type Target,
  type Versioned,
} from './record-tasks';

/** A gateway with these records. */
function gateway(records: Versioned[]) {
  const deleted = new Set<string>();
  const change = (target: Target, act: (record: Versioned) => void, index: number): Answer => {
    const record = records.find(({ id }) => id === target.id) as Versioned;
    const { expectedVersion = record.version } = target;
    if (expectedVersion !== record.version)
      return { index, error: { message: 'is at another version', violations: [] } };
    act(record);
    record.version += 1;
    return { index, version: record.version };
  };
  const actions: Actions<Versioned> = {
    setStatus: async (rows) =>
      rows.map((row, index) => change(row, (record) => Object.assign(record, row), index)),
    remove: async (rows) =>
      rows.map((row, index) => change(row, ({ id }) => deleted.add(id), index)),
    restore: async (rows) =>
      rows.map((row, index) => change(row, ({ id }) => deleted.delete(id), index)),
  };
  return { actions, deleted, records };
}

const some = () => [
  { id: 'a', version: 1, name: 'A', status: 'ACTIVE' },
  { id: 'b', version: 5, name: 'B', status: 'PROSPECT' },
];
const seen = (records: readonly Versioned[]) => records.map((record) => ({ ...record }));
const closed = { value: 'CLOSED', label: 'Closed' };

async function done(task: BulkTask<Versioned>) {
  const result = await inChunks(task.rows, task.send);
  return { result, undo: () => inChunks(result.done, task.undo as NonNullable<typeof task.undo>) };
}

test('each gets back the status that it had', async () => {
  const { actions, records } = gateway(some());
  const { undo } = await done(changing('customer', seen(records), closed, actions));
  expect(records.map(({ status }) => status)).toEqual(['CLOSED', 'CLOSED']);
  expect((await undo()).refused).toEqual([]);
  expect(records.map(({ status }) => status)).toEqual(['ACTIVE', 'PROSPECT']);
});

test('what somebody did since is not undone', async () => {
  const { actions, records } = gateway(some());
  const { undo } = await done(changing('customer', seen(records), closed, actions));
  await actions.setStatus([{ id: 'a', status: 'SUSPENDED' }]);
  const { refused } = await undo();
  expect(refused.map(({ row }) => row.row.name)).toEqual(['A']);
  expect(records.map(({ status }) => status)).toEqual(['SUSPENDED', 'PROSPECT']);
});

test('a status is not set on what one has not seen', async () => {
  const { actions, records } = gateway(some());
  const rows = seen(records);
  await actions.setStatus([{ id: 'b', status: 'CLOSED' }]);
  const { result, undo } = await done(changing('customer', rows, closed, actions));
  expect(result.refused.map(({ row }) => row.name)).toEqual(['B']);
  await undo();
  expect(records.map(({ status }) => status)).toEqual(['ACTIVE', 'CLOSED']);
});

test('a deletion and a restoration are undone, unless somebody went on', async () => {
  const { actions, records, deleted } = gateway(some());
  const { undo } = await done(removing('customer', seen(records), actions));
  await actions.restore([{ id: 'a' }]);
  await actions.remove([{ id: 'a' }]);
  await undo();
  expect([...deleted]).toEqual(['a']);
  const back = await done(restoring('customer', seen(records).slice(0, 1), actions));
  await actions.setStatus([{ id: 'a', status: 'ACTIVE' }]);
  expect((await back.undo()).refused).toHaveLength(1);
  expect([...deleted]).toEqual([]);
});
