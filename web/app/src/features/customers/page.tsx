// The list of customers.
import { Building2 } from 'lucide-react';
import { recordColumns } from '../../components/records/record-columns';
import { answers } from '../../components/records/record-tasks';
import { RecordsPage } from '../../components/records/records-page';
import type {
  CreateCustomerInput,
  CustomerRowFragment,
  UpdateCustomerInput,
} from '../../generated/graphql';
import { useAct, useLive } from '../../lib/live';
import {
  CreateCustomer,
  CustomerChanges,
  CustomerCounts,
  CustomerPage,
  DeleteCustomers,
  fields,
  RestoreCustomers,
  statuses,
  UpdateCustomers,
} from './documents';

const columns = recordColumns<CustomerRowFragment>('/customers/$id', statuses, [
  {
    key: 'email',
    header: 'Email address',
    sort: 'EMAIL',
    width: 'minmax(0, 4fr)',
    cell: ({ email }) => email,
  },
  {
    key: 'phone',
    header: 'Phone',
    width: 'minmax(0, 2fr)',
    isWide: true,
    cell: ({ phone }) => phone,
  },
]);

export function CustomersPage() {
  const { data } = useLive(CustomerCounts, {});
  const create = useAct(CreateCustomer);
  const update = useAct(UpdateCustomers);
  const remove = useAct(DeleteCustomers);
  const restore = useAct(RestoreCustomers);
  return (
    <RecordsPage
      noun="customer"
      icon={Building2}
      intro="Customers are the people and companies that you work with. Everybody on the staff sees them change as it happens."
      fields={fields}
      statuses={statuses}
      columns={columns}
      sorted={{
        CREATED_AT: ({ createdAt }) => createdAt,
        UPDATED_AT: ({ updatedAt }) => updatedAt,
        NAME: ({ name }) => name,
        EMAIL: ({ email }) => email.toLowerCase(),
      }}
      filters={[
        { key: 'phone', label: 'Phone', kind: 'text', verb: 'begins with' },
        { key: 'city', label: 'City', kind: 'text', verb: 'begins with' },
        { key: 'country', label: 'Country code', kind: 'text', verb: 'is' },
      ]}
      filterOf={({ phone, city, country }) => ({
        ...(phone && { phone: { startsWith: phone } }),
        ...(city && { city: { startsWith: city } }),
        ...(country && { country: { eq: country } }),
      })}
      live={{
        page: CustomerPage,
        connection: ({ customers }) => customers && { ...customers, total: customers.totalCount },
        changes: CustomerChanges,
        change: ({ customerChanged: { customer, type, actor, occurredAt } }) => ({
          row: customer,
          type,
          actor,
          at: occurredAt,
        }),
      }}
      counts={data?.customerStatistics}
      create={async (input) => {
        const made = await create({ input: input as unknown as CreateCustomerInput });
        return made.createCustomer?.customer.id;
      }}
      bulk={{
        setStatus: async (rows) => {
          const { updateCustomers } = await update({ rows: rows as UpdateCustomerInput[] });
          return answers(updateCustomers, 'customer');
        },
        remove: async (rows) => answers((await remove({ rows })).deleteCustomers, 'customer'),
        restore: async (rows) => answers((await restore({ rows })).restoreCustomers, 'customer'),
      }}
    />
  );
}
