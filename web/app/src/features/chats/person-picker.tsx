// Chooses people by their names.
import { Group, MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef, useState } from 'react';
import { useQuery } from 'urql';
import { type Person, UserAvatar, UserNameParts } from '../../components/user-name';
import { graphql } from '../../lib/graphql';
import classes from './members.module.css';

void UserNameParts;
const PeopleToPick = graphql(`
  query PeopleToPick($filter: UserFilter) {
    users(first: 20, filter: $filter, sort: { field: NAME, direction: ASC }) {
      nodes { ...UserName }
    }
  }
`);

export function PersonPicker({
  label,
  value,
  onChange,
  without,
  error,
  isFirst = false,
}: {
  label: string;
  value: string[];
  onChange: (ids: string[]) => void;
  /** Who cannot be chosen. */
  without: readonly string[];
  error?: React.ReactNode;
  /** What is written to when the dialog opens. */
  isFirst?: boolean;
}) {
  const [text, setText] = useState('');
  const [search] = useDebouncedValue(text.trim(), 150);
  const [{ data, fetching }] = useQuery({
    query: PeopleToPick,
    variables: search ? { filter: { search } } : {},
  });
  /** Those that were found once: chosen ones keep their names while others are looked for. */
  const known = useRef(new Map<string, Person & { id: string }>());
  for (const person of data?.users?.nodes ?? []) known.current.set(person.id, person);
  const found = (data?.users?.nodes ?? []).map(({ id }) => id);
  const ids = [...new Set([...value, ...found])].filter((id) => !without.includes(id));
  return (
    <MultiSelect
      {...(isFirst && { 'data-autofocus': true })}
      classNames={{ inputField: classes.picker ?? '' }}
      label={label}
      placeholder={value.length === 0 ? 'Type a name' : ''}
      searchable
      hidePickedOptions
      maxValues={99}
      value={value}
      onChange={(next) => {
        onChange(next);
        setText('');
      }}
      searchValue={text}
      onSearchChange={setText}
      data={ids.map((id) => ({ value: id, label: known.current.get(id)?.name ?? id }))}
      // The gateway has searched, in all languages.
      filter={({ options }) =>
        options.filter((option) => 'value' in option && found.includes(option.value))
      }
      renderOption={({ option }) => (
        <Group gap={8} wrap="nowrap">
          <UserAvatar person={known.current.get(option.value) ?? { name: option.label }} />
          <span className="cut">{option.label}</span>
        </Group>
      )}
      nothingFoundMessage={fetching ? 'Searching…' : 'Nobody has this name.'}
      comboboxProps={{ withinPortal: true }}
      error={error}
    />
  );
}
