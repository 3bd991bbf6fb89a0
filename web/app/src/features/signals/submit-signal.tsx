// Submits a value of a source.
import { Alert, Autocomplete, Button, Group, Popover, Stack, TextInput } from '@mantine/core';
import { Radio } from 'lucide-react';
import { useState } from 'react';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { stayed } from '../../lib/here';
import { useAct } from '../../lib/live';
import { heard } from './clock';
import { SignalParts } from './signal-parts';
import { useRecentSources } from './sources';

void SignalParts;
const Submit = graphql(`
  mutation SubmitSignal($input: SubmitSignalInput!) {
    submitSignal(input: $input) { signal { ...SignalParts } }
  }
`);

export function SubmitSignal({ submitted }: { submitted: (id: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      position="bottom-end"
      width={300}
      trapFocus
      withinPortal
    >
      <Popover.Target>
        <Button leftSection={<Radio size={14} />} onClick={() => setOpen(!isOpen)}>
          Submit signal
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Form
          done={(id) => {
            setOpen(false);
            submitted(id);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}

function Form({ done }: { done: (id: string) => void }) {
  const submit = useAct(Submit);
  const sources = useRecentSources();
  const form = useServerForm({
    initialValues: { source: '', value: '' },
    validate: {
      source: (text) => (text.trim() ? null : 'Name the source.'),
      value: (text) => {
        if (isAmbiguous(text)) return 'Give it without a comma: it may mean two things here.';
        return text.trim() !== '' && Number.isFinite(numberIn(text)) ? null : 'Give a number.';
      },
    },
  });
  const send = form.send(async ({ source, value }) => {
    const isHere = stayed();
    const { submitSignal } = await submit({
      input: { source: source.trim(), value: numberIn(value) },
    });
    if (!submitSignal) return;
    heard(submitSignal.signal.submittedAt);
    if (isHere()) done(submitSignal.signal.id);
  });
  return (
    <form onSubmit={send} noValidate>
      <Stack gap="sm">
        {form.refusal && <Alert color="red">{form.refusal}</Alert>}
        <Autocomplete
          data-autofocus
          label="Source"
          placeholder="Such as north"
          maxLength={100}
          data={sources}
          comboboxProps={{ withinPortal: false }}
          {...form.getInputProps('source')}
        />
        <TextInput label="Value" inputMode="decimal" {...form.getInputProps('value')} />
        <Group justify="flex-end">
          <Button type="submit" loading={form.isSending}>
            Submit
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** With a point or a comma before the fraction. */
export const numberIn = (text: string) => Number(text.replace(',', '.'));

/** 1,000 is one to some, and a thousand to others. */
export const isAmbiguous = (text: string) => /^\s*[+-]?[1-9]\d{0,2},\d{3}\s*$/.test(text);
