// Requests with files, as the GraphQL multipart request specification has them.
import { describe, expect, it } from 'vitest';
import { formOf } from '../src/form.ts';
import { post } from '../src/post.ts';

const query = 'mutation ($input: I!) { set(input: $input) }';
const file = (text: string) => new Blob([text], { type: 'image/png' });

describe('a request with files', () => {
  it('has none without files', () => {
    expect(
      formOf({ query, variables: { at: new Date(0), none: null, list: [1] } }),
    ).toBeUndefined();
  });

  it('names the places of the files, which are null', async () => {
    const at = new Date(0);
    const variables = { input: { picture: file('one'), at, more: [1, file('two')] } };
    const form = formOf({ query, variables, extensions: { idempotencyKey: 'k' } }) as FormData;
    const [operations, map] = ['operations', 'map'].map((name) =>
      JSON.parse(String(form.get(name))),
    );
    expect(operations).toEqual({
      query,
      variables: { input: { picture: null, at: at.toISOString(), more: [1, null] } },
      extensions: { idempotencyKey: 'k' },
    });
    expect(map).toEqual({ 0: ['variables.input.picture'], 1: ['variables.input.more.1'] });
    expect([...form.keys()]).toEqual(['operations', 'map', '0', '1']);
    expect(await (form.get('1') as Blob).text()).toBe('two');
  });

  it('is sent with the header that pages of others have to ask for', async () => {
    const sent: Request[] = [];
    const fetch: typeof globalThis.fetch = async (url, init) => {
      sent.push(new Request(url as string, init));
      return new Response('{"data":null}');
    };
    const sending = { url: 'http://gateway.example/graphql', fetch, timeoutMs: 1000 };
    await post(sending, { query, variables: { input: { picture: file('one') } } });
    await post(sending, { query, variables: {} });
    const [form, json] = sent.map(({ headers }) => headers);
    expect(form?.get('content-type')).toMatch(/^multipart\/form-data; boundary=/);
    expect(form?.get('graphql-preflight')).toBe('1');
    expect(json?.get('content-type')).toBe('application/json');
    expect(json?.get('graphql-preflight')).toBeNull();
  });
});
