// A customer beside the list.
import { getRouteApi } from '@tanstack/react-router';
import { inAnyState, useLiveRecord, useRead } from '../../components/records/live-record';
import { contact, RecordDetail } from '../../components/records/record-detail';
import type { UpdateCustomerInput } from '../../generated/graphql';
import { useAct } from '../../lib/live';
import {
  CustomerById,
  CustomerHistory,
  CustomerNow,
  DeleteCustomer,
  DeletedCustomer,
  fields,
  RestoreCustomer,
  statuses,
  UpdateCustomer,
  verbs,
} from './documents';

const route = getRouteApi('/customers/$id');

export function CustomerDetail() {
  const { id } = route.useParams();
  const read = useRead();
  const update = useAct(UpdateCustomer);
  const remove = useAct(DeleteCustomer);
  const restore = useAct(RestoreCustomer);
  const live = useLiveRecord(
    id,
    CustomerById,
    ({ customer }) => customer,
    DeletedCustomer,
    ({ customers }) => customers?.nodes[0],
  );
  return (
    <RecordDetail
      noun="customer"
      fields={fields}
      statuses={statuses}
      verbs={verbs}
      {...live}
      update={(input) => update({ input: input as UpdateCustomerInput })}
      remove={async (input) => (await remove({ input })).deleteCustomer?.customer.version}
      restore={(input) => restore({ input })}
      reload={async () => {
        const { customers } = await read(CustomerNow, { filter: inAnyState(id) });
        return customers?.nodes[0] ?? null;
      }}
      older={async (before) => {
        const { customers } = await read(CustomerHistory, { filter: inAnyState(id), before });
        return customers?.nodes[0]?.history;
      }}
      facts={({ email, phone }) => [
        ['Email address', contact('mailto', email)],
        ['Phone', contact('tel', phone)],
      ]}
    />
  );
}
