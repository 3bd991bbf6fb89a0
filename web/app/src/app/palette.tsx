// The palette with all pages, people and actions, and the list of keys. Loaded when it is first asked for.
import '@mantine/spotlight/styles.layer.css';
import { Kbd, Modal, Table, useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { createSpotlight, Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { useNavigate } from '@tanstack/react-router';
import { CodeXml, Keyboard, LogOut, Moon, Settings, Sun } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { UserAvatar } from '../components/user-name';
import { graphql } from '../lib/graphql';
import { useSignOut } from '../lib/leave';
import { useSession } from '../lib/session';
import { places } from './navigation';
import classes from './palette.module.css';

const People = graphql(`
  query PalettePeople($search: String!) {
    users(first: 6, filter: { search: $search }) { nodes { ...UserName } }
  }
`);

const [store, spotlight] = createSpotlight();

export default function Palette({ what }: { what: 'palette' | 'keys' }) {
  const [areKeysShown, setKeysShown] = useState(what === 'keys');
  useEffect(() => {
    if (what === 'palette') spotlight.open();
  }, [what]);
  return (
    <>
      <Commands showKeys={() => setKeysShown(true)} />
      <Modal opened={areKeysShown} onClose={() => setKeysShown(false)} title="Keys">
        <Keys />
      </Modal>
    </>
  );
}

function Commands({ showKeys }: { showKeys: () => void }) {
  const navigate = useNavigate();
  const { state, isFor } = useSession();
  const signOut = useSignOut();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [text, setText] = useState('');
  const [search] = useDebouncedValue(text.trim(), 150);
  const [{ data }] = useQuery({
    query: People,
    variables: { search },
    pause: search.length < 2 || !isFor('member'),
  });
  const isDark = colorScheme === 'dark';
  const pages: SpotlightActionData[] = places
    .filter(({ audience }) => isFor(audience))
    .map(({ to, label, icon: Icon, key }) => ({
      id: to,
      label,
      leftSection: <Icon size={16} />,
      rightSection: <Kbd size="xs">g {key}</Kbd>,
      onClick: () => navigate({ to }),
    }));
  const people: SpotlightActionData[] = (search.length < 2 ? [] : (data?.users?.nodes ?? [])).map(
    (person) => ({
      id: person.id,
      label: person.name,
      keywords: text,
      leftSection: <UserAvatar person={person} size={20} />,
      onClick: () => navigate({ to: '/users/$id', params: { id: person.id } }),
    }),
  );
  const actions: SpotlightActionData[] = [
    {
      id: 'graphiql',
      label: 'Open GraphiQL',
      leftSection: <CodeXml size={16} />,
      onClick: () => navigate({ to: '/graphiql' }),
    },
    {
      id: 'scheme',
      label: isDark ? 'Use light colours' : 'Use dark colours',
      leftSection: isDark ? <Sun size={16} /> : <Moon size={16} />,
      onClick: () => setColorScheme(isDark ? 'light' : 'dark'),
    },
    { id: 'keys', label: 'Show keys', leftSection: <Keyboard size={16} />, onClick: showKeys },
    ...(state === 'in'
      ? [
          {
            id: 'settings',
            label: 'Settings',
            leftSection: <Settings size={16} />,
            onClick: () => void navigate({ to: '/settings' }),
          },
          {
            id: 'sign-out',
            label: 'Sign out',
            leftSection: <LogOut size={16} />,
            onClick: () => void signOut(),
          },
        ]
      : [{ id: 'sign-in', label: 'Sign in', onClick: () => void navigate({ to: '/sign-in' }) }]),
  ];
  return (
    <Spotlight
      store={store}
      shortcut={null}
      attributes={{ content: { 'aria-label': 'Palette' } }}
      classNames={{ content: classes.palette ?? '' }}
      highlightQuery
      scrollable
      onQueryChange={setText}
      nothingFound="Nothing has this name."
      searchProps={{ placeholder: 'Pages, people and actions', 'aria-label': 'Search' }}
      actions={[
        { group: 'Pages', actions: pages },
        ...(people.length > 0 ? [{ group: 'People', actions: people }] : []),
        { group: 'Actions', actions },
      ]}
    />
  );
}

function Keys() {
  const { isFor } = useSession();
  const keys: [string, string][] = [
    ['Ctrl K', 'Palette of pages, people and actions'],
    ['/', 'Search in this page'],
    ['g h', 'First page'],
    ...places
      .filter(({ audience }) => isFor(audience))
      .map(({ key, label }): [string, string] => [`g ${key}`, label]),
    ['j k', 'Next and previous row of a list'],
    ['x', 'Select the row'],
    ['n', 'Add a customer or student to the list'],
    ['e', 'Edit what is open'],
    ['Esc', 'Close what is open'],
    ['?', 'These keys'],
  ];
  return (
    <Table withRowBorders={false} verticalSpacing={4}>
      <Table.Tbody>
        {keys.map(([key, label]) => (
          <Table.Tr key={key}>
            <Table.Td w={90}>
              <Kbd size="xs">{key}</Kbd>
            </Table.Td>
            <Table.Td>{label}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
