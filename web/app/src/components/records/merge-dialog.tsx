// Yours and theirs beside each other. What only one of you changed is chosen already; of what both changed one must be chosen.
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useId, useState } from 'react';
import { type Difference, differences, merged, type Side, type Values } from '../../lib/merge';
import { RelativeTime } from '../relative-time';
import { type Field, type Fields, textOf, valuesOf } from './fields';
import classes from './merge-dialog.module.css';
import type { Known } from './record-editor';

export function MergeDialog({
  fields,
  base,
  mine,
  theirs,
  save,
  close,
}: {
  fields: Fields;
  base: Values;
  mine: Values;
  theirs: Known;
  save: (values: Values) => void;
  close: () => void;
}) {
  const now = valuesOf(fields, theirs);
  const [chosen, setChosen] = useState<Partial<Record<string, Side>>>({});
  const found = differences(base, mine, now).map((each) => ({
    ...each,
    side: chosen[each.key] ?? each.side,
  }));
  const open = found.filter(({ side }) => side === undefined).length;
  const who = theirs.updatedBy?.name ?? 'Somebody';
  const all = (side: Side) =>
    setChosen(Object.fromEntries(found.map(({ key }) => [key, side] as const)));
  return (
    <Modal opened onClose={close} title="Two versions" size="lg">
      <Stack>
        <Text size="sm">
          {who} saved this <RelativeTime at={theirs.updatedAt} />, while you were editing. Choose
          what each field shall be.
        </Text>
        <Group gap="xs">
          <Button size="compact-sm" variant="default" onClick={() => all('mine')}>
            Take all of yours
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => all('theirs')}>
            Take all of theirs
          </Button>
        </Group>
        {found.length === 0 && <Text size="sm">You both made the same of it.</Text>}
        {found.map((difference) => {
          const field = fields.find(({ key }) => key === difference.key);
          return (
            field && (
              <Choice
                key={field.key}
                field={field}
                difference={difference}
                who={who}
                choose={(side) => setChosen({ ...chosen, [field.key]: side })}
              />
            )
          );
        })}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Go on editing
          </Button>
          <Button disabled={open > 0} onClick={() => save(merged(now, found))}>
            {open > 0 ? `${open} to choose` : 'Save this'}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Choice({
  field,
  difference: { base, mine, theirs, side },
  who,
  choose,
}: {
  field: Field;
  difference: Difference;
  who: string;
  choose: (side: Side) => void;
}) {
  const name = useId();
  const sides = [
    { value: 'mine', label: 'You', text: mine },
    { value: 'theirs', label: who, text: theirs },
  ] as const;
  return (
    <fieldset className={classes.choice}>
      <legend className={classes.legend}>
        {field.label} <span className="quiet">was {textOf(field, base) || 'empty'}</span>
      </legend>
      {sides.map(({ value, label, text }) => (
        <label key={value} className={classes.side} data-chosen={side === value || undefined}>
          <input
            type="radio"
            name={name}
            checked={side === value}
            onChange={() => choose(value)}
            className={classes.radio}
          />
          <span className={classes.value}>
            <span className={classes.who}>{label}</span>
            {textOf(field, text) || <em>empty</em>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
