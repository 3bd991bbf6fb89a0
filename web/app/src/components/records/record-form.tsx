// A new record, in a dialog. What was typed is kept while the dialog is closed.
import { Button, Group, Modal, Stack } from '@mantine/core';
import { useServerForm } from '../../lib/form';
import type { Values } from '../../lib/merge';
import { useSession } from '../../lib/session';
import { Notice } from '../notice';
import { FieldInputs } from './field-inputs';
import { type Fields, type Input, inputOf, problemsOf, valuesOf } from './fields';

interface Props {
  noun: string;
  fields: Fields;
  create: (input: Input) => Promise<unknown>;
  close: () => void;
}

export function NewRecord({ isOpen, ...props }: Props & { isOpen: boolean }) {
  return (
    <Modal opened={isOpen} onClose={props.close} title={`Add a ${props.noun}`} size="lg">
      <NewRecordForm {...props} />
    </Modal>
  );
}

function NewRecordForm({ noun, fields, create, close }: Props) {
  const { me } = useSession();
  const form = useServerForm<Values>({
    initialValues: valuesOf(fields, undefined),
    validate: (values) => problemsOf(fields, values),
    draft: `${me?.id}:new-${noun}`,
  });
  return (
    <form
      noValidate
      onSubmit={form.send(async (values) => {
        await create(inputOf(fields, values));
        close();
      })}
    >
      <Stack>
        {form.refusal && <Notice tone="bad">{form.refusal}</Notice>}
        <FieldInputs fields={fields} form={form} />
        <Group justify="flex-end">
          <Button
            variant="default"
            onClick={() => {
              form.discard();
              close();
            }}
          >
            Discard
          </Button>
          <Button type="submit" loading={form.isSending}>
            Add {noun}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
