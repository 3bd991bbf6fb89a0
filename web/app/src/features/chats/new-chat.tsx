// Starts a chat: with one person it is direct, unless it gets a title; with several it is a group.
import { Alert, Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useEffect } from 'react';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { stayed } from '../../lib/here';
import { useAct } from '../../lib/live';
import { useSession } from '../../lib/session';
import { PersonPicker } from './person-picker';

const CreateChat = graphql(`
  mutation CreateChat($input: CreateChatInput!) { createChat(input: $input) { chat { id } } }
`);

export function NewChat({
  isOpen,
  close,
  made,
}: {
  isOpen: boolean;
  close: () => void;
  made: (id: string) => void;
}) {
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      title="New chat"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Form close={close} made={made} />
    </Modal>
  );
}

function Form({ close, made }: { close: () => void; made: (id: string) => void }) {
  const { me } = useSession();
  const create = useAct(CreateChat);
  const form = useServerForm({ initialValues: { memberIds: [] as string[], title: '' } });
  const { memberIds, title } = form.values;
  const isGroup = memberIds.length > 1 || title.trim() !== '';
  const { setFieldError } = form;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice may be right
  useEffect(() => setFieldError('title', null), [memberIds, title]);
  const submit = form.send(async () => {
    if (isGroup && !title.trim()) {
      form.setFieldError('title', 'A group needs a title.');
      return;
    }
    const isHere = stayed();
    const { createChat } = await create({
      input: isGroup
        ? { kind: 'GROUP', title: title.trim(), memberIds }
        : { kind: 'DIRECT', memberIds },
    });
    if (!createChat) return;
    close();
    if (isHere()) made(createChat.chat.id);
  });
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {form.refusal && <Alert color="red">{form.refusal}</Alert>}
        <PersonPicker
          label="With"
          isFirst
          value={memberIds}
          onChange={(ids) => form.setFieldValue('memberIds', ids)}
          without={me ? [me.id] : []}
          error={form.errors.memberIds}
        />
        <TextInput
          label="Title"
          description="Makes it a group. Others can join a group, and leave it."
          maxLength={200}
          {...form.getInputProps('title')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" disabled={memberIds.length === 0} loading={form.isSending}>
            {isGroup ? 'Create group' : 'Start chat'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
