// A customer beside the list.
import { Anchor, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { inAnyState, useLiveRecord, useRead } from '../../components/records/live-record';
import { RecordDetail } from '../../components/records/record-detail';
import { RecordHistory } from '../../components/records/record-history';
import { StateMenu } from '../../components/records/state-menu';
import type { CustomerDetailsFragment, UpdateCustomerInput } from '../../generated/graphql';
import { useAct } from '../../lib/live';
import { sayFailed } from '../../lib/toasts';
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
      to="/customers"
      fields={fields}
      {...live}
      save={(changes, expectedVersion) =>
        update({ input: { id, expectedVersion, ...changes } as UpdateCustomerInput })
      }
      reload={async () => {
        const { customers } = await read(CustomerNow, { filter: inAnyState(id) });
        return customers?.nodes[0] ?? null;
      }}
      remove={({ id }) => remove({ input: { id } })}
      restore={({ id }) => restore({ input: { id } })}
      state={({ status, deletedAt }) => (
        <StateMenu
          options={statuses}
          value={status}
          choose={
            deletedAt
              ? undefined
              : (value) =>
                  void update({
                    input: { id, status: value as UpdateCustomerInput['status'] },
                  }).catch(sayFailed)
          }
        />
      )}
      facts={({ email, phone, address }) => [
        [
          'Email address',
          <Anchor key="email" size="sm" href={`mailto:${email}`}>
            {email}
          </Anchor>,
        ],
        [
          'Phone',
          phone && (
            <Anchor key="phone" size="sm" href={`tel:${phone}`}>
              {phone}
            </Anchor>
          ),
        ],
        [
          'Address',
          address && (
            <Text key="address" size="sm" style={{ whiteSpace: 'pre-line' }}>
              {written(address)}
            </Text>
          ),
        ],
      ]}
      history={({ history }) =>
        history && (
          <RecordHistory
            key={id}
            name="customer"
            fields={fields}
            verbs={verbs}
            newest={history}
            older={async (before) => {
              const { customers } = await read(CustomerHistory, { filter: inAnyState(id), before });
              return customers?.nodes[0]?.history;
            }}
          />
        )
      }
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
