import '@mantine/core/styles/Notification.layer.css';
import '@mantine/notifications/styles.layer.css';
import { Notifications, notifications } from '@mantine/notifications';
import { useEffect } from 'react';

export default function Toasts() {
  // They are news for who is signed in, and so is what they offer to undo: the next person gets none of them.
  useEffect(() => () => notifications.clean(), []);
  return <Notifications position="bottom-right" limit={4} />;
}
