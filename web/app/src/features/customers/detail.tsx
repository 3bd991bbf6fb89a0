// A customer beside the list.
import { Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { inAnyState, useLiveRecord, useRead } from '../../components/records/live-record';
import { contact, RecordDetail } from '../../components/records/record-detail';
import type { CustomerDetailsFragment, UpdateCustomerInput } from '../../generated/graphql';
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
      facts={({ email, phone, address }) => [
        ['Email address', contact('mailto', email)],
        ['Phone', contact('tel', phone)],
        [
          'Address',
          address && (
            <Text size="sm" style={{ whiteSpace: 'pre-line' }}>
              {written(address)}
            </Text>
          ),
        ],
      ]}
    />
  );
}

/** An address as it is read, line by line. */
function written(address: NonNullable<CustomerDetailsFragment['address']>): string {
  const { lines, city, region, postalCode, country } = address;
  const place = [city, region, postalCode].filter((part) => part).join(', ');
  return [...lines, place, countryName(country)].join('\n');
}

const countries = new Intl.DisplayNames('en', { type: 'region' });

function countryName(code: string): string {
  return countries.of(code) ?? code;
}
