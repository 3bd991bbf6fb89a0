// One click to look around as one of the people of the demo data.
import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { enterAs, useDemoPeople } from '../../lib/demo';
import { sayFailed } from '../../lib/toasts';

export function DemoPeople() {
  const people = useDemoPeople();
  const [entering, setEntering] = useState<string>();
  if (!people || people.length === 0) return null;
  return (
    <div>
      <Text size="sm" c="dimmed" mb={8}>
        Or look around with demo data, as
      </Text>
      <Group gap={8}>
        {people.map((person) => (
          <Button
            key={person.email}
            variant="default"
            size="compact-md"
            loading={entering === person.email}
            onClick={() => {
              setEntering(person.email);
              enterAs(person)
                .catch(sayFailed)
                .finally(() => setEntering(undefined));
            }}
          >
            {person.name.split(' ')[0]}, {person.role === 'STAFF' ? 'staff' : 'member'}
          </Button>
        ))}
      </Group>
      <Text size="xs" c="dimmed" mt={8}>
        The administrator’s password was printed when the gateway first started.
      </Text>
    </div>
  );
}
