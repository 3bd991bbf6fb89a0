// The page: it signs in, shows customers, creates one, and shows each change as it happens.
import { follow } from './follow';
import { graphql } from './generated';
import { request, signIn } from './session';

const Customers = graphql(`
  query Customers {
    customers(first: 10) { nodes { id name } }
  }
`);

const CreateCustomer = graphql(`
  mutation CreateCustomer($input: CreateCustomerInput!) {
    createCustomer(input: $input) { customer { id } }
  }
`);

const CustomerChanges = graphql(`
  subscription CustomerChanges($after: String) {
    customerChanged(after: $after) { type version customer { name status } }
  }
`);

onSubmit('sign-in', async (form) => {
  const name = await signIn(text(form, 'email'), text(form, 'password'));
  element('who').textContent = `Signed in as ${name}`;
  const { data, cursor } = await request(Customers, {});
  for (const customer of data.customers?.nodes ?? []) add('customers', customer.name);
  // From the cursor of the answer on, nothing is missed that the list does not show.
  await follow(
    CustomerChanges,
    { after: cursor },
    ({ customerChanged: { type, version, customer } }) =>
      add('changes', `${type} ${customer.name}, ${customer.status}, version ${version}`),
    (status) => {
      element('status').textContent = status;
    },
  );
});

onSubmit('create', async (form) => {
  await request(CreateCustomer, {
    input: { name: text(form, 'name'), email: text(form, 'email') },
  });
});

function onSubmit(id: string, submit: (form: FormData) => Promise<void>): void {
  element(id).addEventListener('submit', (event) => {
    event.preventDefault();
    submit(new FormData(event.target as HTMLFormElement)).catch((error) => {
      element('status').textContent = String(error.message ?? error[0]?.message ?? error.reason);
    });
  });
}

function text(form: FormData, name: string): string {
  return String(form.get(name));
}

function add(id: string, line: string): void {
  const item = document.createElement('li');
  item.textContent = line;
  element(id).append(item);
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}
