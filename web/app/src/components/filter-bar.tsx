// Filters as chips that read as a sentence, kept in the address: "Users whose role is Staff or Admin, and name contains ada".
import { Button, Checkbox, Menu, Popover, Stack, TextInput } from '@mantine/core';
import { ListFilter, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useListSearch } from '../lib/search';
import classes from './filter-bar.module.css';
import { SearchField } from './search-field';

export type Filter =
  | {
      key: string;
      label: string;
      kind: 'choice';
      options: readonly { value: string; label: string }[];
      /** One of them at a time. */
      isSingle?: boolean;
    }
  | { key: string; label: string; kind: 'text'; verb?: string }
  /** A day: since then, or before it. */
  | { key: string; label: string; kind: 'date'; verb: string };

export function FilterBar({
  noun,
  filters,
  searchLabel,
  children,
}: {
  /** What the list has, in the plural. */
  noun: string;
  filters: readonly Filter[];
  /** Shows a field for the parameter `search`. */
  searchLabel?: string;
  children?: ReactNode;
}) {
  const { search, set } = useListSearch();
  const [opened, setOpened] = useState<string>();
  const isSet = ({ key }: Filter) => search[key] !== undefined;
  const shown = filters.filter((filter) => isSet(filter) || filter.key === opened);
  const rest = filters.filter((filter) => !shown.includes(filter));
  return (
    <div className={classes.bar}>
      {searchLabel && <SearchField label={searchLabel} />}
      {shown.length > 0 && <span className="quiet">{noun} whose</span>}
      {shown.map((filter, place) => (
        <span key={filter.key} className={classes.part}>
          {place > 0 && <span className="quiet">and</span>}
          <Chip
            filter={filter}
            value={search[filter.key]}
            isOpened={opened === filter.key}
            setOpened={(isOpened) => setOpened(isOpened ? filter.key : undefined)}
            set={(value, how) => set({ [filter.key]: value }, how)}
          />
        </span>
      ))}
      {rest.length > 0 && (
        <Menu position="bottom-start">
          <Menu.Target>
            <Button
              variant="subtle"
              color="gray"
              size="compact-sm"
              leftSection={<ListFilter size={14} />}
            >
              {shown.length > 0 ? 'And…' : 'Filter'}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {rest.map(({ key, label }) => (
              // The menu gives its focus back first, which would close what opens.
              <Menu.Item key={key} onClick={() => setTimeout(() => setOpened(key))}>
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      <span className={classes.end}>{children}</span>
    </div>
  );
}

function Chip({
  filter,
  value,
  isOpened,
  setOpened,
  set,
}: {
  filter: Filter;
  value: string | undefined;
  isOpened: boolean;
  setOpened: (isOpened: boolean) => void;
  set: (value: string | undefined, how?: { replace: boolean }) => void;
}) {
  return (
    <Popover
      opened={isOpened}
      onChange={setOpened}
      position="bottom-start"
      trapFocus
      returnFocus
      withinPortal
    >
      <span className={classes.chip}>
        <Popover.Target>
          <button type="button" className={classes.text} onClick={() => setOpened(!isOpened)}>
            {filter.label.toLowerCase()} {verbOf(filter)}{' '}
            <strong>{valueText(filter, value)}</strong>
          </button>
        </Popover.Target>
        <button
          type="button"
          className={classes.remove}
          aria-label={`Remove the filter ${filter.label}`}
          onClick={() => {
            set(undefined);
            setOpened(false);
          }}
        >
          <X size={12} aria-hidden />
        </button>
      </span>
      <Popover.Dropdown>
        <Editor filter={filter} value={value} set={set} done={() => setOpened(false)} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Editor({
  filter,
  value,
  set,
  done,
}: {
  filter: Filter;
  value: string | undefined;
  set: (value: string | undefined, how?: { replace: boolean }) => void;
  done: () => void;
}) {
  if (filter.kind !== 'choice')
    return (
      <form
        onSubmit={(event) => {
          event.preventDefault();
          done();
        }}
      >
        <TextInput
          data-autofocus
          maxLength={200}
          label={`${filter.label} ${verbOf(filter)}`}
          type={filter.kind === 'date' ? 'date' : 'text'}
          defaultValue={value ?? ''}
          // The first letter adds an entry to the history, and the others replace it.
          onChange={({ currentTarget }) =>
            set(currentTarget.value || undefined, { replace: value !== undefined })
          }
        />
      </form>
    );
  const chosen = value?.split(',') ?? [];
  return (
    <Checkbox.Group
      value={chosen}
      onChange={(values) =>
        set((filter.isSingle ? values.slice(-1) : values).join(',') || undefined)
      }
      label={filter.label}
    >
      <Stack gap={8} mt={8}>
        {filter.options.map((option, place) => (
          <Checkbox
            key={option.value}
            size="sm"
            value={option.value}
            label={option.label}
            data-autofocus={place === 0 || undefined}
          />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

function verbOf(filter: Filter): string {
  if (filter.kind === 'choice') return 'is';
  return filter.verb ?? 'contains';
}

function valueText(filter: Filter, value: string | undefined): string {
  if (!value) return '…';
  if (filter.kind !== 'choice') return value;
  const labels = new Map(filter.options.map((option) => [option.value, option.label]));
  return value
    .split(',')
    .map((each) => labels.get(each) ?? each)
    .join(' or ');
}
