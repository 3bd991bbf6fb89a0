import { Button, Group, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';

export function LandingPage() {
  return (
    <main style={{ padding: 32 }}>
      <Title order={1}>Millrace</Title>
      <Text my="md">Every mutation is an event, and every event can be subscribed to.</Text>
      <Group>
        <Button component={Link} to="/sign-in">
          Sign in
        </Button>
        <Button variant="default" component="a" href="/graphiql">
          Open GraphiQL
        </Button>
      </Group>
    </main>
  );
}
