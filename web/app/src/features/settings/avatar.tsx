// The picture of oneself. It is made small before it is sent, as photos of cameras are larger than the gateway takes.
import { Button, FileButton, Group, Input, Text } from '@mantine/core';
import { useState } from 'react';
import { UserAvatar } from '../../components/user-name';
import { asFailure } from '../../lib/errors';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import type { Me } from '../../lib/session';
import { say, sayFailed } from '../../lib/toasts';

const SetAvatar = graphql(`
  mutation SetAvatar($input: SetAvatarInput!) {
    setAvatar(input: $input) { user { id name username bio avatarUrl version } }
  }
`);
const RemoveAvatar = graphql(`
  mutation RemoveAvatar {
    removeAvatar { user { id name username bio avatarUrl version } }
  }
`);

export function Avatar({ me }: { me: Me }) {
  const set = useAct(SetAvatar);
  const remove = useAct(RemoveAvatar);
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  const run = async (work: () => Promise<unknown>, done: string) => {
    setBusy(true);
    setRefusal(undefined);
    await work().then(
      () => say(done),
      (cause) => {
        const { violations } = asFailure(cause);
        const violation = violations.find(({ field }) => field === 'picture');
        if (violation) setRefusal(violation.message);
        else sayFailed(cause);
      },
    );
    setBusy(false);
  };
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        Picture
      </Text>
      <Group gap="sm">
        <UserAvatar person={{ id: me.id, name: me.name, avatarUrl: me.avatarUrl }} size={64} />
        <FileButton
          accept="image/jpeg,image/png,image/webp"
          // A browser tells a file only when it is another than before; one that was refused may be chosen again.
          inputProps={{
            onClick: ({ currentTarget }) => {
              currentTarget.value = '';
            },
          }}
          onChange={(file) =>
            file &&
            void run(
              async () => set({ input: { picture: await squareOf(file) } }),
              'Your picture is saved.',
            )
          }
        >
          {(props) => (
            <Button {...props} variant="default" loading={isBusy}>
              Choose a picture…
            </Button>
          )}
        </FileButton>
        {me.avatarUrl && (
          <Button
            variant="subtle"
            color="red"
            disabled={isBusy}
            onClick={() => void run(() => remove({}), 'Your picture is removed.')}
          >
            Remove picture
          </Button>
        )}
      </Group>
      {refusal && (
        <Input.Error role="alert" size="sm" mt={4}>
          {refusal}
        </Input.Error>
      )}
    </div>
  );
}

/** Twice the size that the gateway keeps. */
const side = 512;

/** The middle of the picture; the file itself where the browser cannot read it, so that the gateway says what is wrong. */
async function squareOf(file: File): Promise<Blob> {
  const picture = await createImageBitmap(file).catch(() => undefined);
  if (!picture) return file;
  const { width, height } = picture;
  const least = Math.min(width, height);
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const from = [(width - least) / 2, (height - least) / 2, least, least] as const;
  canvas.getContext('2d')?.drawImage(picture, ...from, 0, 0, side, side);
  picture.close();
  // Browsers that cannot write this type write PNG.
  const small = await new Promise<Blob | null>((resolve) =>
    canvas.toBlob(resolve, 'image/webp', 0.9),
  );
  return small ?? file;
}
