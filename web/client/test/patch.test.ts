// JSON Patch: the operations of RFC 6902, what a patch must not do, and random patches against a plain model.
import { describe, expect, it } from 'vitest';
import { applyPatch, type Patch } from '../src/patch.ts';

const apply = (document: unknown, ...patch: unknown[]) => applyPatch(document, patch as Patch);

describe('applyPatch', () => {
  it('does what the examples of RFC 6902 do', () => {
    expect(apply({ foo: 'bar' }, { op: 'add', path: '/baz', value: 'qux' })).toEqual({
      baz: 'qux',
      foo: 'bar',
    });
    expect(apply({ foo: ['bar', 'baz'] }, { op: 'add', path: '/foo/1', value: 'qux' })).toEqual({
      foo: ['bar', 'qux', 'baz'],
    });
    expect(apply({ foo: ['bar'] }, { op: 'add', path: '/foo/-', value: ['abc'] })).toEqual({
      foo: ['bar', ['abc']],
    });
    expect(apply({ baz: 'qux', foo: 'bar' }, { op: 'remove', path: '/baz' })).toEqual({
      foo: 'bar',
    });
    expect(apply({ foo: ['bar', 'qux', 'baz'] }, { op: 'remove', path: '/foo/1' })).toEqual({
      foo: ['bar', 'baz'],
    });
    expect(
      apply({ baz: 'qux', foo: 'bar' }, { op: 'replace', path: '/baz', value: 'boo' }),
    ).toEqual({ baz: 'boo', foo: 'bar' });
    const nested = { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } };
    expect(apply(nested, { op: 'move', from: '/foo/waldo', path: '/qux/thud' })).toEqual({
      foo: { bar: 'baz' },
      qux: { corge: 'grault', thud: 'fred' },
    });
    expect(
      apply(
        { foo: ['all', 'grass', 'cows', 'eat'] },
        { op: 'move', from: '/foo/1', path: '/foo/3' },
      ),
    ).toEqual({ foo: ['all', 'cows', 'eat', 'grass'] });
    expect(apply({ foo: { bar: 1 } }, { op: 'copy', from: '/foo', path: '/baz' })).toEqual({
      foo: { bar: 1 },
      baz: { bar: 1 },
    });
    expect(apply({ '/': 9, '~1': 10 }, { op: 'test', path: '/~01', value: 10 })).toEqual({
      '/': 9,
      '~1': 10,
    });
    expect(apply({ foo: 'bar' }, { op: 'replace', path: '', value: { other: 1 } })).toEqual({
      other: 1,
    });
    expect(apply({ a: null }, { op: 'replace', path: '/a', value: { b: [null] } })).toEqual({
      a: { b: [null] },
    });
  });

  it('refuses what does not fit', () => {
    const misfits: [unknown, unknown][] = [
      [{ foo: 1 }, { op: 'replace', path: '/bar', value: 1 }],
      [{ foo: 1 }, { op: 'remove', path: '/bar' }],
      [{ foo: [1] }, { op: 'add', path: '/foo/2', value: 1 }],
      [{ foo: [1] }, { op: 'add', path: '/foo/01', value: 1 }],
      [{ foo: [1] }, { op: 'replace', path: '/foo/-', value: 1 }],
      [{ foo: [1] }, { op: 'replace', path: '/foo/1', value: 1 }],
      [{ foo: null }, { op: 'add', path: '/foo/bar', value: 1 }],
      [{ foo: 'text' }, { op: 'add', path: '/foo/0', value: 1 }],
      [{ foo: 1 }, { op: 'test', path: '/foo', value: 2 }],
      [{ foo: { bar: 1 } }, { op: 'move', from: '/foo', path: '/foo/bar' }],
      [{ foo: 1 }, { op: 'add', path: 'foo', value: 1 }],
      [{ foo: 1 }, { op: 'frobnicate', path: '/foo' }],
      [{}, { op: 'replace', path: '/constructor', value: 1 }],
      [{}, { op: 'add', path: '/__proto__/polluted', value: 1 }],
      [{}, { op: 'add', path: '/__proto__', value: { polluted: 1 } }],
    ];
    for (const [document, operation] of misfits)
      expect(() => apply(document, operation), JSON.stringify(operation)).toThrow();
    expect({}).not.toHaveProperty('polluted');
  });

  it('changes nothing of the old value, and shares what it does not touch', () => {
    const before = { list: [{ id: 1 }, { id: 2 }], other: { deep: {} } };
    const copy = structuredClone(before);
    const after = apply(before, { op: 'replace', path: '/list/1/id', value: 3 }) as typeof before;
    expect(before).toEqual(copy);
    expect(after.list[1]).toEqual({ id: 3 });
    expect(after.list[0]).toBe(before.list[0]);
    expect(after.other).toBe(before.other);
  });

  it('leaves nothing half done', () => {
    const before = { a: 1 };
    expect(() =>
      apply(before, { op: 'replace', path: '/a', value: 2 }, { op: 'remove', path: '/b' }),
    ).toThrow();
    expect(before).toEqual({ a: 1 });
  });

  it('agrees with a plain model on random lists', () => {
    for (let round = 0; round < 500; round++) {
      const model: number[] = [];
      let value: unknown = { items: [] };
      for (let step = 0; step < 20; step++) {
        const at = Math.floor(Math.random() * (model.length + 1));
        const isRemoval = Math.random() < 0.4 && at < model.length;
        if (isRemoval) model.splice(at, 1);
        else model.splice(at, 0, step);
        const path = `/items/${at}`;
        value = apply(value, isRemoval ? { op: 'remove', path } : { op: 'add', path, value: step });
      }
      expect(value).toEqual({ items: model });
    }
  });
});
