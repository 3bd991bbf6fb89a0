import { expect, test, vi } from 'vitest';
import { show } from '../../lib/testing';
import { SchemaLink } from './schema-link';

test('what is not served is not linked to', async () => {
  const answers: [() => Promise<Response>, string][] = [
    [async () => new Response(null, { status: 200 }), 'Schema'],
    [async () => new Response(null, { status: 404 }), ''],
    [() => Promise.reject(new TypeError('no line')), ''],
  ];
  for (const [answer, expected] of answers) {
    vi.stubGlobal('fetch', vi.fn(answer));
    const { text, end } = await show(<SchemaLink />);
    await vi.waitFor(() => expect(text()).toBe(expected));
    expect(fetch).toHaveBeenCalledWith(
      '/schema.graphql',
      expect.objectContaining({ method: 'HEAD' }),
    );
    await end();
  }
});
