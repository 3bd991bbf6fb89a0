import {
  Alert,
  Button,
  Group,
  SegmentedControl,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { Conflict } from '../../components/conflict';
import { useEditForm } from '../../lib/edit';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import type { Me } from '../../lib/session';
import { say, sayFailed } from '../../lib/toasts';
import { Avatar } from './avatar';
import { Email } from './email';
import { Section } from './section';

const UpdateProfile = graphql(`
  mutation UpdateProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) { user { id name username bio availability version } }
  }
`);
const ChooseAvailability = graphql(`
  mutation ChooseAvailability($input: SetAvailabilityInput!) {
    setAvailability(input: $input) { user { id name username bio availability version } }
  }
`);

const profileOf = ({
  version,
  name,
  username,
  bio,
}: Pick<Me, 'version' | 'name' | 'username' | 'bio'>) => ({
  version,
  values: { name, username: username ?? '', bio: bio ?? '' },
});

export function Profile({ me }: { me: Me }) {
  const update = useAct(UpdateProfile);
  const form = useEditForm(
    profileOf(me),
    { name: 'Name', username: 'Username', bio: 'About you' },
    { draft: 'profile', guard: true },
  );
  return (
    <Section title="Profile" about="Everybody who is signed in can see this.">
      <form
        onSubmit={form.send(async ({ name, username, bio }) => {
          const input = { name, username: username.trim() || null, bio: bio || null };
          const { updateProfile } = await update({
            input: { ...input, expectedVersion: form.base.version },
          });
          say('Your profile is saved.');
          return updateProfile ? profileOf(updateProfile.user) : undefined;
        })}
      >
        <Stack gap="sm">
          {form.conflict && <Conflict by="Another window of yours" {...form.conflict} />}
          {form.refusal && (
            <Alert color="red" role="alert">
              {form.refusal}
            </Alert>
          )}
          <TextInput label="Name" required maxLength={100} {...form.getInputProps('name')} />
          <TextInput
            label="Username"
            description="3 to 30 letters, digits and underscores; others can find you by it"
            leftSection="@"
            maxLength={30}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            {...form.getInputProps('username')}
          />
          <Textarea
            label="About you"
            description="At most 1,000 characters"
            autosize
            minRows={3}
            {...form.getInputProps('bio')}
          />
          <Group>
            <Button
              type="submit"
              loading={form.isSending}
              disabled={!form.isDirty() || form.conflict !== undefined}
            >
              Save profile
            </Button>
          </Group>
        </Stack>
      </form>
      <Avatar me={me} />
      <Email />
      <Availability me={me} />
    </Section>
  );
}

function Availability({ me }: { me: Me }) {
  const choose = useAct(ChooseAvailability, { queue: true });
  return (
    <div>
      <Text size="sm" fw={500} mb={4} id="availability">
        Availability
      </Text>
      <SegmentedControl
        aria-labelledby="availability"
        value={me.availability}
        onChange={(availability) =>
          choose({ input: { availability: availability as Me['availability'] } }).catch(sayFailed)
        }
        data={[
          { value: 'ONLINE', label: 'Online' },
          { value: 'AWAY', label: 'Away' },
          { value: 'BUSY', label: 'Busy' },
          { value: 'OFFLINE', label: 'Invisible' },
        ]}
      />
      <Text size="sm" c="dimmed" mt={4}>
        Others see it while you are connected.
      </Text>
    </div>
  );
}
