// One message: the text, and for its author what can be done with it.
import { ActionIcon, Button, Group, Textarea, Tooltip } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Pencil, Trash2 } from 'lucide-react';
import { memo, useState } from 'react';
import { ask } from '../../components/ask';
import { Conflict } from '../../components/conflict';
import { type Person, UserAvatar } from '../../components/user-name';
import { keepDraft, readDraft } from '../../lib/drafts';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { sayFailed } from '../../lib/toasts';
import { cleaned, longestText } from './composer';
import type { Conversation, Message } from './conversation';
import classes from './message.module.css';
import { MessageParts } from './message-parts';
import { RichText } from './rich-text';
import { StateMark, type Told } from './states';

void MessageParts;
const UpdateMessage = graphql(`
  mutation UpdateMessage($input: UpdateMessageInput!) {
    updateMessage(input: $input) { message { ...MessageParts } }
  }
`);
const DeleteMessage = graphql(`
  mutation DeleteMessage($input: DeleteMessageInput!) {
    deleteMessage(input: $input) { message { ...MessageParts } }
  }
`);

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

/** Without what does not fit beside a message. */
function shortTime(at: string): string {
  return clock
    .formatToParts(new Date(at))
    .filter(({ type }) => type !== 'dayPeriod')
    .map(({ value }) => value)
    .join('')
    .trim();
}

export const MessageLine = memo(function MessageLine({
  message,
  isFirst,
  isOwn,
  conversation,
  isEditing,
  setEditing,
  told,
}: {
  message: Message;
  isFirst: boolean;
  isOwn: boolean;
  conversation: Conversation;
  isEditing: boolean;
  setEditing: (id: string | undefined) => void;
  /** What became of an own message. */
  told: Told | undefined;
}) {
  const { text, editedAt, author, createdAt, id } = message;
  return (
    <Around author={author} at={createdAt} isFirst={isFirst} isEditing={isEditing}>
      {text == null ? (
        <span className={classes.deleted}>Message deleted</span>
      ) : isEditing ? (
        <Editor message={message} conversation={conversation} close={() => setEditing(undefined)} />
      ) : (
        <>
          {told && <StateMark told={told} />}
          <RichText text={text} />
          {editedAt && (
            <span className={classes.edited} title={`Edited ${exact.format(new Date(editedAt))}`}>
              {' '}
              (edited)
            </span>
          )}
        </>
      )}
      {isOwn && text != null && !isEditing && (
        <Actions conversation={conversation} id={id} edit={() => setEditing(id)} />
      )}
    </Around>
  );
});

export function Around({
  author,
  at,
  isFirst,
  isEditing = false,
  children,
}: {
  author: Person;
  at: string;
  isFirst: boolean;
  isEditing?: boolean;
  children: React.ReactNode;
}) {
  const time = (
    <time dateTime={at} title={exact.format(new Date(at))} className={classes.time}>
      {isFirst ? clock.format(new Date(at)) : shortTime(at)}
    </time>
  );
  return (
    <article
      className={classes.message}
      data-first={isFirst || undefined}
      data-editing={isEditing || undefined}
    >
      <div className={classes.side}>
        {isFirst ? (
          // Whether they are here is shown at the top and in the list: not a hundred times.
          <UserAvatar
            person={{
              name: author.name,
              avatarUrl: author.avatarUrl,
              ...(author.id && { id: author.id }),
            }}
            size={32}
          />
        ) : (
          time
        )}
      </div>
      <div className={classes.body}>
        {isFirst && (
          <div className={classes.who}>
            <strong dir="auto">{author.name}</strong> {time}
          </div>
        )}
        {children}
      </div>
    </article>
  );
}

function Actions({
  conversation,
  id,
  edit,
}: {
  conversation: Conversation;
  id: string;
  edit: () => void;
}) {
  const remove = useAct(DeleteMessage);
  const deleteIt = () =>
    ask({
      title: 'Delete this message?',
      text: 'It is deleted for everybody in the chat, for good.',
      confirm: 'Delete message',
      act: () => {
        conversation
          .change(id, { isDeleted: true }, async () => {
            const { deleteMessage } = await remove({ input: { id } });
            return deleteMessage?.message;
          })
          .catch(sayFailed);
      },
    });
  return (
    <div className={classes.actions}>
      <Tooltip label="Edit">
        <ActionIcon aria-label="Edit message" onClick={edit}>
          <Pencil size={14} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Delete">
        <ActionIcon aria-label="Delete message" onClick={deleteIt}>
          <Trash2 size={14} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

/** What was typed, and the text that it began from. */
interface Edit {
  typed: string;
  from: string;
}

/** An edit is kept while the message is out of view, which takes its field away, and over a reload. */
function keptEdit(id: string): Edit | undefined {
  const { typed, from } = readDraft(`edit:${id}`) ?? {};
  return typeof typed === 'string' && typeof from === 'string' ? { typed, from } : undefined;
}

const keepEdit = (id: string, edit: Edit | undefined) => keepDraft(`edit:${id}`, edit);

function Editor({
  message: { id, text },
  conversation,
  close,
}: {
  message: Message;
  conversation: Conversation;
  close: () => void;
}) {
  const update = useAct(UpdateMessage);
  // Elsewhere the key that would save is needed for a line.
  const hasKeyboard = useMediaQuery('(hover: hover)') ?? true;
  const now = text ?? '';
  const [edit, setEdit] = useState(() => keptEdit(id) ?? { typed: now, from: now });
  const isUntouched = edit.typed === edit.from;
  const typed = isUntouched ? now : edit.typed;
  const isConflict = !isUntouched && edit.from !== now && typed !== now;
  const keep = (next: string, from = edit.from) => {
    const kept = { typed: next, from: isUntouched ? now : from };
    setEdit(kept);
    keepEdit(id, kept.typed === kept.from ? undefined : kept);
  };
  const done = () => {
    keepEdit(id, undefined);
    close();
  };
  const next = cleaned(typed);
  const canSave = next !== '' && [...typed].length <= longestText && !isConflict;
  const save = () => {
    if (!canSave) return;
    done();
    if (next === text) return;
    conversation
      .change(id, { text: next }, async () => {
        const { updateMessage } = await update({ input: { id, text: next } });
        return updateMessage?.message;
      })
      .catch((cause) => {
        // It is there again when it is edited next.
        keepEdit(id, { typed: next, from: now });
        sayFailed(cause);
      });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      {isConflict && (
        <Conflict
          by="Another window of yours"
          differences={[{ field: 'Text', mine: typed, theirs: now }]}
          keepMine={() => keep(typed, now)}
          takeTheirs={() => keep(now, now)}
        />
      )}
      <Textarea
        autoFocus
        dir="auto"
        autosize
        minRows={1}
        maxRows={12}
        aria-label="Edit message"
        value={typed}
        onFocus={({ currentTarget }) => currentTarget.setSelectionRange(-1, -1)}
        onChange={({ currentTarget }) => {
          keep(currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
          if (event.key === 'Escape') {
            event.preventDefault();
            event.stopPropagation();
            done();
          } else if (event.key === 'Enter' && !event.shiftKey && hasKeyboard) {
            event.preventDefault();
            save();
          }
        }}
      />
      <Group gap="xs" mt={4}>
        <Button type="submit" size="compact-sm" disabled={!canSave}>
          Save
        </Button>
        <Button variant="default" size="compact-sm" onClick={done}>
          Cancel
        </Button>
      </Group>
    </form>
  );
}
