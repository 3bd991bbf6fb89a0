// The customer operations the programs send, over plain HTTP, and the ledger they hold what they
// received against. A ledger counts only the customers its own program created, so that programs
// may share a gateway.
import { adminAuthorization, show } from './program.mjs';

export const changes = `subscription Changes($id: ID, $after: String) {
  customerChanged(id: $id, after: $after) { cursor type version customer { id name version deletedAt } }
}`;

export const writes = {
  create: `mutation ($input: CreateCustomerInput!) {
    done: createCustomer(input: $input) { customer { id name version } } }`,
  update: `mutation ($input: UpdateCustomerInput!) {
    done: updateCustomer(input: $input) { customer { id name version } } }`,
  delete: `mutation ($input: DeleteCustomerInput!) {
    done: deleteCustomer(input: $input) { customer { id name version } } }`,
  restore: `mutation ($input: RestoreCustomerInput!) {
    done: restoreCustomer(input: $input) { customer { id name version } } }`,
};

/**
 * One operation over HTTP, as the administrator unless somebody else is given, or null for nobody;
 * fails unless it was answered without errors.
 */
export async function post(base, query, variables, authorization = adminAuthorization) {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(authorization && { authorization }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const result = parse(text, response.status);
  if (result.errors || !result.data) throw new Error(`HTTP ${response.status}: ${show(text)}`);
  return result;
}

/** The cursor every response must carry. */
export function cursorOf(result) {
  const cursor = result.extensions?.cursor;
  if (typeof cursor !== 'string' || !cursor)
    throw new Error(`no extensions.cursor: ${show(result)}`);
  return cursor;
}

/** The cursor of the last event of a customer, once it has one. */
export async function cursorBehind(base, { id }) {
  for (;;) {
    const query = '($id: ID!) { customer(id: $id) { history(first: 100) { nodes { cursor } } } }';
    const { data } = await post(base, `query ${query}`, { id });
    const cursor = data.customer.history.nodes.at(-1).cursor;
    if (cursor) return cursor;
  }
}

export async function currentCursor(base) {
  return cursorOf(await post(base, '{ __typename }'));
}

/** Sends one write and gives the customer it answered with. */
export async function write(base, kind, input) {
  return (await post(base, writes[kind], { input })).data.done.customer;
}

let made = 0;
const run = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;

/** Input for a customer no other run has: its e-mail address and name carry a tag of this run. */
export function newCustomer(label = 'c') {
  made += 1;
  return {
    name: `${label}-${run}-${made}`,
    email: `${label}.${run}.${made}@example.com`,
    status: 'ACTIVE',
  };
}

export class Ledger {
  /** customer id -> the latest version a write was answered with */
  written = new Map();
  /** customer id -> the versions received, in the order they came */
  received = new Map();

  wrote({ id, version }) {
    this.written.set(id, Math.max(version, this.written.get(id) ?? 0));
  }

  receive({ version, customer }) {
    const versions = this.received.get(customer.id) ?? [];
    versions.push(version);
    this.received.set(customer.id, versions);
  }

  /** What was lost, doubled or out of order; `shownAt` gives the version a customer was shown at. */
  faults(shownAt = () => 0) {
    const faults = [];
    for (const [id, last] of this.written) {
      const shown = shownAt(id);
      const versions = this.received.get(id) ?? [];
      const first = versions[0] ?? shown + 1;
      if (first > shown + 1) faults.push(`${id}: shown at ${shown}, then ${first}`);
      versions.forEach((version, i) => {
        if (version !== first + i) faults.push(`${id}: ${version} in place of ${first + i}`);
      });
      const reached = versions.at(-1) ?? shown;
      if (reached < last) faults.push(`${id}: ends at ${reached}, written ${last}`);
    }
    return faults;
  }

  countReceived() {
    return [...this.written.keys()].reduce((n, id) => n + (this.received.get(id)?.length ?? 0), 0);
  }
}

function parse(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`HTTP ${status} without JSON: ${show(text)}`);
  }
}
